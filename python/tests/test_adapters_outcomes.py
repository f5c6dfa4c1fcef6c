"""What trainers are told of rows without a reward."""

import json
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import goldstone
import pytest
from goldstone._outcomes import Outcomes, UnusableRowError, accuracy, raws, reasons

SPEC = """
version = 1
name = "two"
[format]
template = "r1"
[rewards.accuracy]
weight = 2.0
math = {}
[rewards.format]
weight = 0.5
format = {}
"""

RIGHT = "<think>6 * 7</think><answer>42</answer>"
WRONG = "<think>6 * 7</think><answer>41</answer>"
OPEN = r"<think>so</think><answer>\int_0^1 x dx</answer>"


def score(completion, reference="42"):
    return goldstone.Scorer(SPEC).score({"completion": completion, "reference": reference})


def test_a_reward_is_taken_as_it_is():
    outcomes = Outcomes(abstain=None, on_error=None)
    assert outcomes.reward(score(RIGHT)) == 2.5
    assert outcomes.reward(score(WRONG)) == 0.5


def test_a_row_without_one_is_what_the_option_says():
    assert Outcomes(abstain=-1.0, on_error=-2.0).reward(score(OPEN, "7")) == -1.0
    assert Outcomes(abstain=-1.0, on_error=-2.0).reward(score(RIGHT, None)) == -2.0
    assert Outcomes(abstain=None, on_error=None).reward(score(RIGHT, None)) is None
    with pytest.raises(UnusableRowError, match="reference"):
        Outcomes(abstain=None, on_error="raise").reward(score(RIGHT, None))
    with pytest.raises(UnusableRowError, match=r"abstains: accuracy \("):
        Outcomes(abstain="raise", on_error=None).reward(score(OPEN, "7"))


def test_a_failure_of_ours_is_raised_even_where_errors_are_not():
    failed = {"id": "1", "group": "1", "reward": None, "status": "error", "terms": {}}
    failed["error"] = {"kind": "machinery", "message": "worker died"}
    failed = goldstone.Score.from_json(__import__("json").dumps(failed).encode())
    with pytest.raises(goldstone.EngineError, match="worker died"):
        Outcomes(abstain=0.0, on_error=0.0).reward(failed)
    assert Outcomes(abstain=0.0, on_error=0.0, on_failure=None).reward(failed) is None


def unjudged(reason):
    """A row whose only reward has no number, for this reason."""
    score = {"id": "1", "group": "1", "reward": None, "status": "abstain", "error": None}
    score["terms"] = {"judge": {"value": None, "raw": None, "reason": reason}}
    return goldstone.Score.from_json(json.dumps(score).encode())


def test_a_judge_that_failed_is_a_failure_and_no_abstention(caplog):
    outcomes = Outcomes(abstain=0.0, on_error=0.0)
    for reason in ("remote_timeout", "remote_status"):
        with pytest.raises(goldstone.EngineError, match=rf"judge \({reason}\)"):
            outcomes.reward(unjudged(reason))
    assert Outcomes(abstain=0.0, on_error=0.0, on_failure=-1.0).reward(unjudged("remote_away")) == -1.0
    with caplog.at_level(logging.WARNING, "goldstone"):
        caplog.clear()
        assert [outcomes.reward(unjudged("undecided")) for _ in range(9)] == [0.0] * 9
    (message,) = caplog.messages
    assert message.startswith("1 row without a reward, paid 0.0 by `abstain`; the last: row `1`")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "zero", None, [0], True, False])
def test_a_trainer_that_takes_numbers_gets_numbers(bad):
    with pytest.raises(ValueError, match='`on_error` is .*, expected a number or "raise"'):
        Outcomes(abstain=0.0, on_error=bad, number=True)


def test_warnings_come_at_the_first_and_the_tenth_row(caplog):
    outcomes = pickle.loads(pickle.dumps(Outcomes(abstain=None, on_error=0.0)))
    with caplog.at_level(logging.WARNING, "goldstone"):
        for _ in range(11):
            outcomes.reward(score(RIGHT, None))
    first, tenth = caplog.messages
    assert first.startswith("1 row without a reward, paid 0.0 by `on_error`; the last: row `1`")
    assert tenth.startswith("10 rows without a reward")


def test_accuracy_is_by_the_first_reward_that_applied():
    solvers = goldstone.Scorer(SPEC).solvers
    assert solvers == ("accuracy",)
    assert accuracy(score(RIGHT), solvers) == 1.0
    assert accuracy(score(WRONG), solvers) == 0.0
    assert accuracy(score(WRONG), ("format",)) == 1.0
    assert accuracy(score(WRONG), ("choice", "accuracy")) == 0.0
    assert accuracy(score(RIGHT, None), solvers) == 0.0
    gated = SPEC.replace("weight = 2.0", 'weight = 2.0\nneeds = ["format"]')
    row = {"completion": "42", "reference": "42"}
    assert accuracy(goldstone.Scorer(gated).score(row), solvers) == 0.0


def test_a_reward_that_has_no_number_adds_nothing():
    assert raws(score(RIGHT), ("accuracy", "format", "other")) == {
        "accuracy": 1.0,
        "format": 1.0,
        "other": 0.0,
    }
    assert raws(score(RIGHT, None), ("accuracy",)) == {"accuracy": 0.0}


def test_reasons_are_a_line():
    assert reasons(score(WRONG)) == "accuracy: wrong different_value; format: correct"
    assert reasons(score(RIGHT, None)).startswith("error: ")


def test_numbers_of_numpy_are_numbers():
    numpy = pytest.importorskip("numpy")
    for number in (numpy.float32(-0.5), numpy.float64(-0.5), numpy.int64(-1)):
        assert Outcomes(abstain=number, on_error=0.0, number=True).abstain == float(number)
    for bad in (numpy.bool_(True), numpy.float32("nan"), numpy.array([0.0])):
        with pytest.raises(ValueError, match="`abstain` is"):
            Outcomes(abstain=bad, on_error=0.0)


def judged(value, reason=None):
    """A row whose only reward is this number."""
    score = {"id": "1", "group": "1", "reward": value, "status": "ok", "error": None}
    score["terms"] = {"judge": {"value": value, "raw": value, "reason": reason}}
    return goldstone.Score.from_json(json.dumps(score).encode())


def untold(field="/n_tokens", term="judge"):
    """A row with an error: what its reward asks is not there."""
    score = {"id": "1", "group": "1", "reward": None, "status": "error", "terms": {}}
    score["error"] = {"kind": "data", "message": "missing", "field": field, "term": term}
    return goldstone.Score.from_json(json.dumps(score).encode())


def silent(abstain=0.0, on_error=0.0):
    return Outcomes(abstain=abstain, on_error=on_error, silent="the trainer")


def test_a_column_that_one_row_had_may_be_missing_in_another():
    outcomes = silent(abstain=-1.0, on_error=-2.0)
    with pytest.raises(ValueError, match="and no row so far has told"):
        outcomes.reward(untold())
    assert outcomes.reward(judged(0.5)) == 0.5
    assert outcomes.reward(untold()) == -2.0
    assert outcomes.reward(unjudged("no_n_tokens")) == -1.0
    # Of this reward; another's column may be missing everywhere.
    with pytest.raises(ValueError, match="`other` asks"):
        outcomes.reward(untold(term="other"))
    strict = silent(on_error="raise")
    strict.reward(judged(0.5))
    with pytest.raises(UnusableRowError, match="missing"):
        strict.reward(untold())


def test_no_row_of_a_batch_comes_first():
    assert silent().rewards([untold(), judged(0.5), unjudged("no_length")]) == [0.0, 0.5, 0.0]
    with pytest.raises(ValueError, match="the trainer does not tell"):
        silent().rewards([unjudged("undecided"), untold()])


def test_what_stands_behind_a_closed_gate_has_told_nothing():
    outcomes = silent()
    assert outcomes.reward(judged(0.0, "gated")) == 0.0
    with pytest.raises(ValueError, match="the trainer does not tell"):
        outcomes.reward(untold())


def test_what_a_row_had_goes_with_a_pickle_and_is_of_one_adapter():
    outcomes = silent()
    outcomes.reward(judged(0.5))
    assert pickle.loads(pickle.dumps(outcomes)).reward(untold()) == 0.0
    with pytest.raises(ValueError, match="the trainer does not tell"):
        silent().reward(untold())


def test_threads_remember_what_each_of_them_had():
    outcomes = silent()
    names = [f"judge{number}" for number in range(200)]

    def give(name):
        score = json.loads(judged(0.5).to_json())
        score["terms"] = {name: score["terms"]["judge"]}
        outcomes.reward(goldstone.Score.from_json(json.dumps(score).encode()))
        return pickle.loads(pickle.dumps(outcomes)).reward(untold(term=name))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(give, names)) == [0.0] * 200
    assert [outcomes.reward(untold(term=name)) for name in names] == [0.0] * 200


@pytest.mark.parametrize("reason", ["no_n_tokens", "no_length", "no_finish_reason"])
def test_what_a_silent_trainer_never_tells_is_no_abstention(reason):
    silent = Outcomes(abstain=0.0, on_error=0.0, silent="the trainer")
    with pytest.raises(ValueError, match="`judge` asks .* which the trainer does not tell"):
        silent.reward(unjudged(reason))
    assert silent.reward(unjudged("undecided")) == 0.0
    assert Outcomes(abstain=0.0, on_error=0.0).reward(unjudged(reason)) == 0.0
