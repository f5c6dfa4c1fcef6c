"""The other trainers' own code calls our rewards, for those that are on PyPI."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from .conftest import RIGHT, WRONG


def test_tasks_of_verifiers():
    pytest.importorskip("verifiers.v1", reason="verifiers 0.4 is not installed")
    from goldstone.verifiers import task_reward

    vf, task_class = _arithmetic(task_reward)
    for text, answer, rewards in [
        (RIGHT, "42", {"accuracy": 1.0, "format": 1.0}),
        (WRONG, "42", {"accuracy": 0.0, "format": 1.0}),
    ]:
        task = task_class(task_class.data_type()(prompt="6 * 7?", answer=answer))
        trace = _trace(vf, task, text)
        asyncio.run(task.score(trace))
        assert {name: reward.value for name, reward in trace.rewards.items()} == rewards
        assert trace.reward == sum(rewards.values())


def test_a_task_without_a_reference_has_an_error_and_no_number():
    pytest.importorskip("verifiers.v1", reason="verifiers 0.4 is not installed")
    from goldstone.verifiers import task_reward

    vf, task_class = _arithmetic(task_reward)
    task = task_class(task_class.data_type()(prompt="6 * 7?", answer=None))
    trace = _trace(vf, task, RIGHT)
    with pytest.raises(vf.TaskError):
        asyncio.run(task.score(trace))
    assert trace.rewards == {"goldstone_reward": None}


def _arithmetic(task_reward):
    import verifiers.v1 as vf

    class Data(vf.TaskData):
        answer: str | None = None

    class Arithmetic(vf.Task[Data]):
        goldstone_reward = task_reward("r1-zero")

    return vf, Arithmetic


def _trace(vf, task, text):
    from verifiers.v1.graph import MessageNode
    from verifiers.v1.trace import TraceTask

    nodes = [
        MessageNode(message=vf.UserMessage(content=task.data.prompt)),
        MessageNode(parent=0, message=vf.AssistantMessage(content=text), sampled=True),
    ]
    record = TraceTask(type=type(task).__name__, data=task.data)
    return vf.Trace.model_construct(task=record, nodes=nodes, rewards={}, metrics={}, calls=[])


RUBRIC = """
import asyncio, json, sys
import verifiers as vf
from goldstone.verifiers import reward
rubric = vf.Rubric(funcs=[reward("r1-zero")])
states = []
for completion, answer in json.loads(sys.argv[1]):
    chat = [{"role": "assistant", "content": completion}]
    state = {"prompt": "6 * 7?", "completion": chat, "answer": answer, "info": {}, "trajectory": []}
    asyncio.run(rubric.score_rollout(state))
    states.append([state["reward"], state["metrics"]])
print(json.dumps(states))
"""


def test_rubrics_of_verifiers():
    # An older release, in a folder of its own: both are the package `verifiers`.
    folder = os.environ.get("GOLDSTONE_VERIFIERS_0_1")
    if not folder:
        pytest.skip("verifiers 0.1 is not installed (GOLDSTONE_VERIFIERS_0_1)")
    path = os.pathsep.join([folder, *sys.path])
    rows = json.dumps([[RIGHT, "42"], [WRONG, "42"], [RIGHT, ""]])
    ran = subprocess.run(
        [sys.executable, "-c", RUBRIC, rows],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found == [[2.0, {"r1-zero": 2.0}], [1.0, {"r1-zero": 1.0}], [0.0, {"r1-zero": 0.0}]]


def test_ms_swift():
    pytest.importorskip("swift", reason="ms-swift is not installed")
    pytest.importorskip("swift.rl_core.grpo_algorithm", reason="ms-swift's needs are not installed")
    import torch
    from goldstone.swift import orm
    from swift.rewards import orms
    from swift.rl_core.data import GRPOSample
    from swift.rl_core.grpo_algorithm import score_completions

    orms["goldstone"] = orm("r1-zero")
    samples = [
        GRPOSample(
            messages=[
                {"role": "user", "content": "6 * 7?"},
                {"role": "assistant", "content": text},
            ],
            prompt_id="a",
            extra={"solution": solution},
        )
        for text, solution in [(RIGHT, "42"), (WRONG, "42"), (RIGHT, None)]
    ]
    functions = [orms["goldstone"](args=None)]
    found = score_completions(samples, functions, [None], False, torch.device("cpu"))
    assert found[:2, 0].tolist() == [2.0, 1.0]
    assert torch.isnan(found[2, 0])


def test_skyrl_gym():
    skyrl_gym = pytest.importorskip("skyrl_gym", reason="SkyRL-gym is not installed")
    from skyrl_gym.envs.registration import register

    register(id="goldstone", entry_point="goldstone.skyrl:Environment")
    for text, reward in [(RIGHT, 2.0), (WRONG, 1.0)]:
        extras = {"reward_spec": {"method": "rule", "ground_truth": "42"}}
        made = skyrl_gym.make("goldstone", env_config={"spec": "r1-zero"}, extras=extras)
        made.init([{"role": "user", "content": "6 * 7?"}])
        step = made.step(text)
        assert (step["reward"], step["done"]) == (reward, True)
        assert made.get_metrics()["format"] == 1.0


def test_reasoning_gym():
    reasoning_gym = pytest.importorskip("reasoning_gym", reason="reasoning-gym is not installed")
    from goldstone.reasoning_gym import has_one_answer, score

    judged = {True: 0, False: 0}
    for name in ("leg_counting", "gcd", "caesar_cipher", "countdown", "word_sorting", "sudoku"):
        data = reasoning_gym.create_dataset(name, size=3, seed=7)
        for entry in data:
            right = f"<think>so</think><answer>{entry['answer']}</answer>"
            assert score(data, entry, right) == 1.0, (name, entry["answer"])
            hedge = f"<think>so</think><answer>{entry['answer']} or not</answer>"
            assert score(data, entry, hedge) == 0.0, (name, entry["answer"])
            assert score(data, entry, str(entry["answer"])) == 0.0
            judged[has_one_answer(data)] += 1
    assert min(judged.values()) >= 6, judged
