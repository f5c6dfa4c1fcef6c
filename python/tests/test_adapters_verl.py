"""Calls as verl 0.9.1's reward managers make them."""

import asyncio
import inspect

import pytest
from goldstone import verl

RIGHT = "<think>6 * 7</think><answer>42</answer>"
WRONG = "<think>6 * 7</think><answer>41</answer>"
OPEN = r"<think>so</think><answer>\int_0^1 x dx</answer>"

KEYS = ["score", "acc", "accuracy", "choice", "format", "status", "error"]


def call(solution, truth="42", extra_info=None, **options):
    """As `run_single` calls a function that `get_custom_reward_fn` has wrapped."""
    extra_info = {} if extra_info is None else extra_info
    extra_info |= {"num_turns": None, "rollout_reward_scores": {}}
    return verl.compute_score(
        data_source="openai/gsm8k",
        solution_str=solution,
        ground_truth=truth,
        extra_info=extra_info,
        **{"spec": "r1-zero", **options},
    )


def test_a_dictionary_with_the_score_and_every_reward():
    found = call(RIGHT)
    assert found == {
        "score": 2.0,
        "acc": 1.0,
        "accuracy": 1.0,
        "choice": 0.0,
        "format": 1.0,
        "status": "ok",
        "error": "",
    }
    assert call(WRONG)["score"] == 1.0
    assert call(WRONG)["acc"] == 0.0


@pytest.mark.parametrize("solution, truth", [(RIGHT, "42"), (OPEN, "7"), (RIGHT, None), ("", "")])
def test_the_keys_are_those_of_every_row(solution, truth):
    # verl takes the keys of a batch's first row, and numbers for GDPO.
    found = call(solution, truth, abstain=-1.0, unknown="null")
    assert list(found) == KEYS
    assert all(isinstance(found[name], float) for name in KEYS[:5])


def test_rows_without_a_reward_are_paid_what_was_said():
    assert call(RIGHT, None)["score"] == 0.0
    found = call(RIGHT, None, on_error=-1.0)
    assert (found["score"], found["status"], found["acc"]) == (-1.0, "error", 0.0)
    assert "reference" in found["error"]
    with pytest.raises(ValueError, match="reference"):
        call(RIGHT, None, on_error="raise")


def test_what_nobody_can_decide_pays_as_wrong_does():
    assert call(OPEN, "7")["score"] == 1.0
    found = call(OPEN, "7", unknown="null", abstain=-1.0)
    assert (found["score"], found["status"]) == (-1.0, "abstain")


def test_extra_information_is_columns():
    choice = "<think>the third</think><answer>C</answer>"
    assert call(choice, "C", {"task": "choice"})["choice"] == 1.0
    assert call(choice, "D", {"task": "choice"})["choice"] == 0.0
    named = call(RIGHT, "41", {"gold": {"final": "42"}}, columns={"reference": "/gold/final"})
    assert named["acc"] == 1.0
    # What the trainer says is not overwritten by what a data set carries along.
    assert call(WRONG, "42", {"reference": "41", "completion": RIGHT})["acc"] == 0.0


def test_a_misspelt_option_is_refused():
    with pytest.raises(TypeError, match="on_eror"):
        call(RIGHT, on_eror=0.0)


def test_the_asynchronous_form_is_one_that_verl_recognises():
    assert inspect.iscoroutinefunction(verl.compute_score_async)
    found = asyncio.run(verl.compute_score_async("math", RIGHT, "42", {}, spec="r1-zero"))
    assert found == call(RIGHT)


def test_the_batch_form():
    found = verl.compute_score_batch(
        data_sources=["math"] * 3,
        solution_strs=[RIGHT, WRONG, RIGHT],
        ground_truths=["42", "42", None],
        extra_infos=[{}, {}, None],
        spec="r1-zero",
    )
    assert [row["score"] for row in found] == [2.0, 1.0, 0.0]
    assert found[0] == call(RIGHT)


def spec(name, kind="math = {}"):
    return f'version = 1\nname = "own"\n[rewards.{name}]\n{kind}\n'


@pytest.mark.parametrize("name", ["score", "acc", "status", "error", "reward", "uid"])
def test_a_reward_by_a_name_of_the_trainers_is_refused(name):
    with pytest.raises(ValueError, match=f"`own` has the reward `{name}`.*`{name}_reward`"):
        call(r"\boxed{42}", spec=spec(name))
    with pytest.raises(ValueError, match=f"`{name}`"):
        verl.compute_score_batch(["x"], [r"\boxed{42}"], ["42"], [None], spec=spec(name))
    found = call(r"\boxed{42}", spec=spec(f"{name}_reward"))
    assert (found["score"], found["status"], found[f"{name}_reward"]) == (1.0, "ok", 1.0)


def test_accuracy_names_a_reward_that_judges_answers():
    assert call(RIGHT, accuracy="accuracy")["acc"] == 1.0
    assert call(RIGHT, accuracy="choice")["acc"] == 0.0
    for accuracy in ("accuracies", "", "acc", "format"):
        with pytest.raises(ValueError, match="are: `accuracy`, `choice`"):
            call(RIGHT, accuracy=accuracy)
    measure = spec("tidy", "repetition = {}")
    with pytest.raises(ValueError, match="are: none"):
        call(RIGHT, spec=measure, accuracy="tidy")
    assert call(RIGHT, spec=measure)["acc"] == 0.0


def test_a_reward_that_asks_the_length_in_tokens_is_refused():
    with pytest.raises(ValueError, match="`overlong` asks how long .* verl does not tell"):
        call("Answer: 42", spec="dapo")
    # A data set that knows it says so.
    assert call("Answer: 42", spec="dapo", extra_info={"n_tokens": 5})["score"] == 1.0
    assert call("Answer: 41", spec="dapo", extra_info={"n_tokens": 5})["score"] == -1.0
    # From then on, a row that lacks it is one without a reward.
    found = call("Answer: 42", spec="dapo")
    assert (found["score"], found["status"]) == (0.0, "error")
    # Other options are another adapter.
    with pytest.raises(ValueError, match="verl does not tell"):
        call("Answer: 42", spec="dapo", on_error=-0.25)
    rows = (["x"] * 2, ["Answer: 42"] * 2, ["42"] * 2, [None, {"n_tokens": 5}])
    found = verl.compute_score_batch(*rows, spec="dapo", on_error=-0.5)
    assert [row["score"] for row in found] == [-0.5, 1.0]
