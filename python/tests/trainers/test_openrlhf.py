"""OpenRLHF's agent, with an engine stood in for, asks our function for rewards."""

import asyncio
import importlib.util
import os
import re
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest
from goldstone import openrlhf

from .conftest import RIGHT, WRONG

pytest.importorskip("openrlhf", reason="OpenRLHF is not installed")
pytest.importorskip("aiohttp", reason="OpenRLHF's agent needs aiohttp")

PROMPT = "<|im_start|>user\nHow much is 6 * 7, if the café's bill is right?<|im_end|>\n<|im_start|>assistant\n"


class Engine:
    """Generates one text, as vLLM gives it."""

    def __init__(self, tokenizer, text):
        self.ids = tokenizer(text + "<|im_end|>", add_special_tokens=False)["input_ids"]

    async def generate(self, prompt_ids, params, multi_modal_data=None):
        output = SimpleNamespace(token_ids=self.ids, finish_reason="stop", logprobs=None)
        return SimpleNamespace(outputs=[output])


def execute(url, tokenizer, text, label, max_length=4096):
    from openrlhf.utils.agent import SingleTurnAgentExecutor

    params = SimpleNamespace(max_tokens=256, logprobs=None)
    run = SingleTurnAgentExecutor(url).execute(
        PROMPT, label, params, max_length, tokenizer, Engine(tokenizer, text)
    )
    return asyncio.run(run)


@pytest.fixture
def function(monkeypatch):
    monkeypatch.setenv("GOLDSTONE_SPEC", "r1-zero")
    return openrlhf.__file__


@pytest.mark.parametrize(
    "text, label, reward, score", [(RIGHT, "42", 2.0, 1.0), (WRONG, "42", 1.0, 0.0)]
)
def test_the_agent(function, tokenizer, text, label, reward, score):
    found = execute(function, tokenizer, text, label)
    assert found["reward"].tolist() == [reward]
    assert found["scores"].tolist() == [score]
    assert found["extra_logs"]["format"].tolist() == [1.0]


def test_a_prompt_that_was_cut_to_fit(function, tokenizer):
    found = execute(function, tokenizer, RIGHT, "42", max_length=256 + 60)
    assert found["action_ranges"][0][0] == 60
    assert found["reward"].tolist() == [2.0]


def test_what_the_trainer_makes_of_it(function, tokenizer, monkeypatch):
    if importlib.util.find_spec("vllm") is None:
        # Imported by the module, and not by what is asked of it here.
        for name in ("vllm", "openrlhf.trainer.ray", "openrlhf.trainer.ray.vllm_engine"):
            stand_in = ModuleType(name)
            stand_in.SamplingParams = stand_in.batch_vllm_engine_call = None
            monkeypatch.setitem(sys.modules, name, stand_in)
    generator = pytest.importorskip("openrlhf.trainer.ppo_utils.samples_generator")
    found = execute(function, tokenizer, RIGHT, "42")
    make = generator.SamplesGenerator._process_response_into_experience
    experience = make(SimpleNamespace(), found, max_len=4096)
    assert experience.rewards.tolist() == [2.0]
    assert experience.scores[0].item() == 1.0
    assert experience.info["accuracy"].tolist() == [1.0]


def test_a_row_without_a_reward_is_counted(function, tokenizer):
    found = execute(function, tokenizer, RIGHT, None)
    assert found["reward"].tolist() == [0.0]
    assert found["extra_logs"]["error"].tolist() == [1.0]


@pytest.fixture(scope="module")
def server():
    """The address of `goldstone serve`, on a port that is free."""
    command = os.environ.get("GOLDSTONE")
    if not command:
        pytest.skip("no `goldstone` command for the server (GOLDSTONE)")
    served = subprocess.Popen(
        [command, "serve", "--spec", "r1-zero", "--listen", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in served.stderr:
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if found:
            yield f"http://{found.group()}/openrlhf"
            break
    served.terminate()
    assert served.wait(30) == 0


@pytest.mark.parametrize(
    "text, label, reward, score", [(RIGHT, "42", 2.0, 1.0), (WRONG, "42", 1.0, 0.0)]
)
def test_the_agents_client_and_our_server(server, tokenizer, text, label, reward, score):
    found = execute(server, tokenizer, text, label)
    assert found["reward"] == [reward]
    assert found["scores"] == [score]
    assert found["extra_logs"]["format"] == [1.0]


def test_a_row_that_the_server_refuses_has_no_reward(server, tokenizer, monkeypatch):
    from openrlhf.utils import agent

    # The client tries five times, a second apart.
    async def at_once(seconds):
        del seconds

    monkeypatch.setattr(agent.asyncio, "sleep", at_once)
    assert execute(server, tokenizer, RIGHT, None)["reward"] is None
    found = execute(server + "?error=-1", tokenizer, RIGHT, None)
    assert found["reward"] == [-1.0]
