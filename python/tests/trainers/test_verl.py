"""verl's reward managers, made by verl from its configuration, call our function."""

import asyncio

import pytest
from goldstone import verl

from .conftest import RIGHT, WRONG

pytest.importorskip("verl", reason="verl is not installed")
pytest.importorskip("ray", reason="verl needs Ray to be imported")

OPEN = r"<think>so</think><answer>\int_0^1 x dx</answer>"


def config(manager, name, path="pkg://goldstone.verl", **kwargs):
    from omegaconf import OmegaConf

    function = {"path": path, "name": name, "reward_kwargs": {"spec": "r1-zero", **kwargs}}
    return OmegaConf.create(
        {
            "reward": {
                "custom_reward_function": function,
                "reward_manager": {"source": "register", "name": manager},
                "max_concurrent": 4,
                "timeout": 60.0,
                "reward_kwargs": {},
            },
            "trainer": {"experiment_name": "check"},
        }
    )


def rollout(tokenizer, completion, truth):
    """A rollout as verl's agent loop hands it to the manager: token ids and a row."""
    import numpy as np
    import torch
    from verl import DataProto

    prompt = tokenizer("6 * 7?", add_special_tokens=False)["input_ids"]
    response = tokenizer(completion + "<|im_end|>", add_special_tokens=False)["input_ids"]
    padding = [tokenizer.pad_token_id] * 5
    mask = [1] * (len(prompt) + len(response)) + [0] * len(padding)
    return DataProto.from_dict(
        tensors={
            "prompts": torch.tensor([prompt]),
            "responses": torch.tensor([response + padding]),
            "attention_mask": torch.tensor([mask]),
        },
        non_tensors={
            "data_source": np.array(["openai/gsm8k"], dtype=object),
            "reward_model": np.array([{"style": "rule", "ground_truth": truth}], dtype=object),
            "extra_info": np.array([{"split": "train", "index": 1}], dtype=object),
        },
    )


ROWS = [(RIGHT, "42", 2.0), (WRONG, "42", 1.0), (OPEN, "7", 1.0), (RIGHT, "", 0.0)]


@pytest.mark.parametrize("name", ["compute_score", "compute_score_async"])
@pytest.mark.parametrize("manager", ["naive", "dapo", "gdpo", "rate_limited"])
def test_reward_managers(tokenizer, manager, name):
    from verl.trainer.ppo.metric_utils import process_validation_metrics
    from verl.trainer.ppo.reward import load_reward_manager

    made = load_reward_manager(config(manager, name), tokenizer)

    async def all_rows():
        rows = [made.run_single(rollout(tokenizer, text, truth)) for text, truth, _ in ROWS]
        return await asyncio.gather(*rows)

    found = made.loop.run_until_complete(all_rows())
    assert [row["reward_score"] for row in found] == [reward for _, _, reward in ROWS]
    infos = [row["reward_extra_info"] for row in found]
    assert [info["acc"] for info in infos] == [1.0, 0.0, 0.0, 0.0]
    assert [info["status"] for info in infos] == ["ok", "ok", "ok", "error"]
    # The driver takes the keys of the first row, and means of what is no text.
    assert {tuple(info) for info in infos} == {tuple(infos[0])}
    columns = {key: [info[key] for info in infos] for key in infos[0]}
    metrics = process_validation_metrics(["gsm8k"] * 4, ["a"] * 4, columns)["gsm8k"]
    assert metrics["acc"]["mean@4"] == 0.25
    assert metrics["accuracy"]["mean@4"] == 0.25
    assert "status" not in metrics


def test_a_failure_stops_the_worker(tokenizer):
    from verl.trainer.ppo.reward import load_reward_manager

    made = load_reward_manager(config("naive", "compute_score", on_error="raise"), tokenizer)
    with pytest.raises(ValueError, match="reference"):
        made.loop.run_until_complete(made.run_single(rollout(tokenizer, RIGHT, "")))


def test_the_file_may_be_named_too(tokenizer):
    from verl.trainer.ppo.reward import load_reward_manager

    made = load_reward_manager(config("naive", "compute_score", verl.__file__), tokenizer)
    found = made.loop.run_until_complete(made.run_single(rollout(tokenizer, RIGHT, "42")))
    assert found["reward_score"] == 2.0


def test_the_batch_manager(tokenizer):
    from functools import partial

    from verl import DataProto
    from verl.workers.reward_manager import get_reward_manager_cls

    rows = [rollout(tokenizer, text, truth) for text, truth in [(RIGHT, "42"), (RIGHT, "41")]]
    function = partial(verl.compute_score_batch, spec="r1-zero")
    made = get_reward_manager_cls("batch")(tokenizer, num_examine=0, compute_score=function)
    found = made(DataProto.concat(rows), return_dict=True)
    assert found["reward_tensor"].sum(-1).tolist() == [2.0, 1.0]
    assert found["reward_extra_info"]["acc"] == [1.0, 0.0]
