"""Calls as the other trainers make them, with the least of their classes stood in for."""

import asyncio
import pickle
import sys
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

RIGHT = "<think>6 * 7</think><answer>42</answer>"
WRONG = "<think>6 * 7</think><answer>41</answer>"
OPEN = r"<think>so</think><answer>\int_0^1 x dx</answer>"


def rubric_call(function, **state):
    """As `Rubric._call_individual_reward_func` of verifiers 0.1.14 does."""
    merged = {"prompt": "6 * 7?", "answer": "", "state": {}, "info": {}, "parser": None, "task": None}
    return float(asyncio.run(function(**merged | state)))


def test_rubrics_of_verifiers():
    from goldstone import verifiers

    function = pickle.loads(pickle.dumps(verifiers.reward("r1-zero")))
    assert function.__name__ == "r1-zero"
    chat = [{"role": "assistant", "content": RIGHT}]
    assert rubric_call(function, completion=chat, answer="42") == 2.0
    assert rubric_call(function, completion=WRONG, answer="42") == 1.0
    # What others say in the course of an episode is never judged.
    wrong = {"role": "assistant", "content": WRONG}
    for role in ("user", "tool", "system"):
        last = {"role": role, "content": RIGHT}
        assert rubric_call(function, completion=[wrong, last], answer="42") == 1.0
        assert rubric_call(function, completion=[last], answer="42") < 2.0
        assert rubric_call(function, completion=[*chat, {**last, "content": WRONG}], answer="42") == 2.0
    assert rubric_call(function, completion="C", answer="C", info={"task": "choice"}) == 0.0
    letter = "<think>the third</think><answer>C</answer>"
    assert rubric_call(function, completion=letter, answer="C", info={"task": "choice"}) == 2.0
    # The rubric's own task is an object, and routes nothing.
    assert rubric_call(function, completion=RIGHT, answer="42", task=object()) == 2.0
    # `info` may be JSON text; an empty answer says nothing against it.
    for info in ({"answer": "42"}, '{"reference": "42"}'):
        assert rubric_call(function, completion=RIGHT, info=info) == 2.0
        assert rubric_call(function, completion=WRONG, info=info) == 1.0
    assert rubric_call(function, completion=RIGHT, answer="41", info={"reference": "42"}) == 1.0
    assert rubric_call(function, completion=RIGHT, info="[") == 0.0
    # An empty answer is none; an undecided one pays as a wrong one.
    assert rubric_call(function, completion=RIGHT) == 0.0
    assert rubric_call(function, completion=OPEN, answer="7") == 1.0


def test_groups_of_verifiers():
    from goldstone import verifiers

    spec = """
version = 1
[rewards.accuracy]
math = {}
[rewards.length]
group_length = { of = "accuracy" }
"""
    function = verifiers.reward(spec, columns={"n_tokens": "tokens"}, name="shortest")
    # By this name the rubric knows that it is one of groups.
    assert "completions" in __import__("inspect").signature(function).parameters
    found = function(
        prompts=["?"] * 2,
        completions=["42", "42"],
        answers=["42"] * 2,
        infos=[{"tokens": 1}, {"tokens": 3}],
    )
    assert asyncio.run(found) == [1.5, 0.5]


@dataclass
class Sample:
    """The fields of slime's sample that matter."""

    class Status(Enum):
        COMPLETED = "completed"
        TRUNCATED = "truncated"

    response: str
    label: Any = "42"
    prompt: Any = "6 * 7?"
    group_index: Any = 0
    response_length: int = 3
    status: Any = Status.COMPLETED
    metadata: dict = field(default_factory=dict)


def test_slime(monkeypatch):
    from goldstone import slime

    monkeypatch.setattr(slime, "_of_environment", None)
    monkeypatch.setenv("GOLDSTONE_SPEC", "r1-zero")
    args = SimpleNamespace(reward_key=None)
    assert asyncio.run(slime.custom_rm(args, Sample(RIGHT))) == 2.0
    batch = [Sample(RIGHT), Sample(WRONG), Sample(RIGHT, label=None)]
    assert asyncio.run(slime.custom_rm(args, batch)) == [2.0, 1.0, 0.0]
    keyed = SimpleNamespace(reward_key="score")
    assert asyncio.run(slime.custom_rm(keyed, Sample(RIGHT))) == {
        "score": 2.0,
        "accuracy": 1.0,
        "choice": 0.0,
        "format": 1.0,
    }


def test_a_reward_is_not_called_as_slimes_total():
    from goldstone import slime

    function = slime.reward("version = 1\n[rewards.score]\nexact = {}")
    assert asyncio.run(function(SimpleNamespace(reward_key=None), Sample("42"))) == 1.0
    assert asyncio.run(function(SimpleNamespace(reward_key=None), Sample("41"))) == 0.0
    with pytest.raises(ValueError, match="`score`, but slime with `--reward-key`"):
        asyncio.run(function(SimpleNamespace(reward_key="score"), Sample("42")))


def test_slime_decodes_the_tokens_that_end_a_response():
    from goldstone import slime

    spec = "version = 1\n[rewards.a]\nexact = {}"
    args = SimpleNamespace(reward_key=None)
    batch = [Sample(text) for text in ("42<|im_end|>", "42</s><|endoftext|>", "41<|im_end|>", "42<b>")]
    assert asyncio.run(slime.reward(spec)(args, batch)) == [1.0, 1.0, 0.0, 0.0]
    assert asyncio.run(slime.reward(spec, end_tokens=["<b>"])(args, batch)) == [0.0, 0.0, 0.0, 1.0]


GROUPS = """
version = 1
name = "shortest"
[rewards.accuracy]
math = {}
[rewards.length]
group_length = { of = "accuracy" }
"""


def test_a_group_is_not_settled_row_by_row():
    from goldstone import nemo_rl, openrlhf, slime, verl

    one_by_one = "`shortest` compares the completions of a prompt"
    for make in (openrlhf.reward, nemo_rl.Environment):
        with pytest.raises(ValueError, match=one_by_one):
            make(GROUPS)
    with pytest.raises(ValueError, match=one_by_one):
        verl.compute_score("math", "42", "42", {}, spec=GROUPS)
    function = slime.reward(GROUPS)
    args = SimpleNamespace(reward_key=None)
    with pytest.raises(ValueError, match=one_by_one):
        asyncio.run(function(args, Sample("42")))
    # With `--group-rm` there is all of it.
    group = [Sample("42", response_length=1), Sample("42", response_length=3)]
    assert asyncio.run(function(args, group)) == [1.5, 0.5]
    for sample in group:
        sample.group_index = None
    assert asyncio.run(function(args, group)) == [1.5, 0.5]
    rows = [["math"] * 2, ["42"] * 2, ["42"] * 2, [{"group": "a", "n_tokens": n} for n in (1, 3)]]
    assert [row["score"] for row in verl.compute_score_batch(*rows, spec=GROUPS)] == [1.5, 0.5]


def test_slime_says_how_sampling_ended():
    from goldstone import slime

    function = slime.reward("version = 1\n[rewards.stop]\nstop = {}")
    args = SimpleNamespace(reward_key=None)
    cut = Sample("a", status=Sample.Status.TRUNCATED)
    assert asyncio.run(function(args, [Sample("a"), cut])) == [0.0, -1.0]


def test_ms_swift(module):
    class ORM:
        def __init__(self, args=None, **kwargs):
            self.args = args

    module("swift.rewards.orm", ORM=ORM)
    from goldstone import swift

    made = swift.orm("r1-zero", name="zero")
    assert made.__name__ == "zero"
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": RIGHT}]
    found = made(args=None)(
        [RIGHT, WRONG, RIGHT],
        messages=[messages] * 3,
        solution=["42", "42", None],
        response_token_ids=[[[1, 2]]] * 3,
        trainer_state=object(),
    )
    assert found == [2.0, 1.0, None]
    # What the trainer says of a completion is not taken from a column of the data set.
    columns = {"solution": ["42"] * 2, "n_tokens": [9, 9], "group": ["a", "b"]}
    columns |= {"messages": [messages] * 2, "prompt_id": ["p"] * 2}
    made = swift.orm(GROUPS)
    turns = [[[1]], [[1, 2], [3]]]
    assert made(args=None)(["42"] * 2, response_token_ids=turns, **columns) == [1.5, 0.5]
    made = swift.orm(GROUPS, columns={"n_tokens": "n_tokens"})
    assert made(args=None)(["42"] * 2, response_token_ids=turns, **columns) != [1.5, 0.5]


def test_open_instruct(module):
    class VerifierFunction:
        def __init__(self, name, weight=1.0, verifier_config=None):
            self.name, self.weight = name, weight

    @dataclass
    class VerificationResult:
        score: float
        cost: float = 0.0
        reasoning: str | None = None

    module(
        "open_instruct.ground_truth_utils",
        VerifierFunction=VerifierFunction,
        VerificationResult=VerificationResult,
    )
    from goldstone import open_instruct

    open_instruct.verifier("strict", "gsm8k", weight=0.5)
    # As `build_all_verifiers` finds them.
    (made,) = VerifierFunction.__subclasses__()
    built = made(None)
    assert (built.name, built.weight) == ("strict", 0.5)
    right = built([1, 2], "so\n#### 42", "42", query="?", rollout_state={})
    assert (right.score, right.reasoning) == (1.0, "accuracy: correct decimal") or right.score == 1.0
    assert built([1, 2], "so\n#### 41", "42").score == 0.0
    assert built([1, 2], "#### 42", None).score == 0.0


def test_skyrl(module, monkeypatch):
    class BaseTextEnv:
        def __init__(self):
            self.turns = 0

    module("skyrl_gym.envs.base_text_env", BaseTextEnv=BaseTextEnv, BaseTextEnvStepOutput=dict)
    from goldstone import skyrl

    monkeypatch.delitem(vars(skyrl), "Environment", raising=False)
    row = {"reward_spec": {"method": "rule", "ground_truth": "42", "spec": "r1-zero"}}
    for completion, reward in [(RIGHT, 2.0), (WRONG, 1.0)]:
        environment = skyrl.Environment(env_config={}, extras=row)
        prompt = [{"role": "user", "content": "6 * 7?"}]
        assert environment.init(prompt) == (prompt, {})
        step = environment.step(completion)
        assert (step["reward"], step["done"], step["observations"]) == (reward, True, [])
        assert environment.get_metrics()["accuracy"] == reward - 1.0
    # One for all rollouts: it counts what it warns of.
    again = skyrl.Environment(env_config={}, extras=row)
    assert again._outcomes is environment._outcomes
    other = skyrl.Environment(env_config={"on_error": -1.0}, extras=row)
    assert other._outcomes is not environment._outcomes
    with pytest.raises(ValueError, match="`shortest` compares"):
        skyrl.Environment(env_config={"spec": GROUPS}, extras={})
    taken = "version = 1\n[rewards.status]\nmath = {}"
    with pytest.raises(ValueError, match="`status`, but SkyRL-gym's adapter"):
        skyrl.Environment(env_config={"spec": taken}, extras={})
    with pytest.raises(ValueError, match="SkyRL-gym does not tell"):
        skyrl.Environment(env_config={"spec": "dapo"}, extras=row["reward_spec"]).step("Answer: 42")
    none = skyrl.Environment(env_config={"spec": "r1-zero"}, extras={"reward_spec": {}})
    assert none.step(RIGHT)["metadata"]["status"] == "error"
    # Not by `monkeypatch`, which would put it back.
    del vars(skyrl)["Environment"]


def test_nemo_rl():
    from goldstone import nemo_rl

    environment = nemo_rl.Environment(spec="r1-zero")
    user = {"role": "user", "content": "6 * 7?"}
    shot = {"role": "assistant", "content": RIGHT}
    logs = [
        [user, shot],
        [user, {"role": "assistant", "content": WRONG}],
        # An example in the prompt is no answer of the model's.
        [user, shot, user, {"role": "assistant", "content": WRONG}],
        [user],
        # Nor is what the environment says.
        [user, {"role": "assistant", "content": WRONG}, {"role": "environment", "content": RIGHT}],
        [user, {"role": "environment", "content": RIGHT}],
    ]
    found = environment.rewards(logs, [{"ground_truth": "42"}] * 6)
    assert found == [2.0, 1.0, 1.0, 0.0, 1.0, 0.0]


def test_reasoning_gym(module):
    class ProceduralDataset:
        def score_answer(self, answer, entry):
            return float(entry["answer"] in answer)

    class OneAnswer(ProceduralDataset):
        pass

    class OwnRules(ProceduralDataset):
        def score_answer(self, answer, entry):
            return {"right": 1.0, "near": 0.5}.get(answer, 0.01)

    module("reasoning_gym.dataset", ProceduralDataset=ProceduralDataset)
    from goldstone import reasoning_gym

    entry = {"question": "6 * 7?", "answer": "42", "metadata": {"source_dataset": "products"}}
    for answer, expected in [("42", 1.0), (" 42\n", 1.0), ("40 41 42 43", 0.0), ("4 2", 0.0)]:
        text = f"<think>so</think><answer>{answer}</answer>"
        assert reasoning_gym.score(OneAnswer(), entry, text) == expected
    assert reasoning_gym.score(OneAnswer(), entry, "42") == 0.0
    for answer, expected, partial in [("right", 1.0, 1.0), ("near", 0.0, 0.5)]:
        text = f"<think>so</think><answer>{answer}</answer>"
        assert reasoning_gym.score(OwnRules(), entry, text) == expected
        assert reasoning_gym.score(OwnRules(), entry, text, partial=True) == partial
    assert reasoning_gym.score(OwnRules(), entry, "right") == 0.0
    # Every data set takes the same completions.
    for dataset, answer in [(OneAnswer(), "42"), (OwnRules(), "right")]:

        def judged(completion, dataset=dataset):
            return reasoning_gym.score(dataset, entry, completion)

        said = f"<think>so</think><answer>{answer}</answer>"
        assert judged([{"role": "assistant", "content": said}]) == 1.0
        apart = {"content": f"<answer>{answer}</answer>", "reasoning_content": "so"}
        assert judged([{"role": "assistant", **apart}]) == 1.0
        parts = [{"type": "text", "text": said[:9]}, {"type": "text", "text": said[9:]}]
        assert judged([{"role": "assistant", "content": parts}]) == 1.0
        first = {"role": "assistant", "content": "I do not know."}
        assert judged([first, {"role": "user", "content": said}]) == 0.0
        assert judged("half \ud800 of one" + said) == 0.0
        for nothing in (None, 42, b"right"):
            assert judged(nothing) is None


def test_no_adapter_needs_its_trainer_to_be_imported():
    code = (
        "import sys, goldstone\n"
        "from goldstone import (nemo_rl, open_instruct, openrlhf, reasoning_gym, skyrl, slime,\n"
        "    swift, trl, verifiers, verl)\n"
        "heavy = {'torch', 'ray', 'transformers', 'trl', 'verl', 'openrlhf', 'verifiers', 'swift'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = __import__("subprocess").run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
