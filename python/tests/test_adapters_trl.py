"""Calls as TRL 1.16.0 makes them: by keyword, with lists, functions and its state."""

import inspect
import json
import logging
import os
import pickle
from types import SimpleNamespace

import goldstone
import pytest
from goldstone import trl

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
PLAIN = "It is 42."


class Trainer:
    """Calls reward functions as `_calculate_rewards` does, and keeps what they log."""

    def __init__(self):
        self.metrics = {}
        self.extra = {}

    def call(self, function, completions, prompts=None, **columns):
        return function(
            prompts=prompts or ["6 * 7?"] * len(completions),
            completions=completions,
            completion_ids=[[1, 2, 3]] * len(completions),
            **columns,
            trainer_state=SimpleNamespace(global_step=1),
            log_extra=lambda column, values: self.extra.setdefault(column, []).extend(values),
            log_metric=lambda name, value: self.metrics.setdefault(name, []).append(value),
        )


def test_the_total_of_each_completion():
    trainer = Trainer()
    found = trainer.call(trl.reward(SPEC), [RIGHT, WRONG, PLAIN], answer=["42"] * 3)
    assert found == [2.5, 0.5, 0.0]
    assert trainer.metrics == {
        "two/accuracy": [pytest.approx(1 / 3)],
        "two/format": [pytest.approx(2 / 3)],
        "two/abstain": [0.0],
        "two/error": [0.0],
    }
    assert trainer.extra["two/reasons"][1] == "accuracy: wrong different_value; format: correct"


def test_chat_completions_and_thinking_that_the_tokenizer_took_out():
    chat = [
        [{"role": "assistant", "content": RIGHT}],
        [{"role": "assistant", "content": WRONG}],
        [{"role": "assistant", "reasoning_content": "6 * 7", "content": "<answer>42</answer>"}],
        [{"role": "assistant", "thinking": "6 * 7", "content": "<answer>41</answer>"}],
    ]
    prompts = [[{"role": "user", "content": "6 * 7?"}]] * 4
    found = Trainer().call(trl.reward(SPEC), chat, prompts, solution=["42"] * 4)
    assert found == [2.5, 0.5, 2.5, 0.5]


def test_rows_that_cannot_be_judged_are_none():
    trainer = Trainer()
    completions = [RIGHT, RIGHT, r"<think>so</think><answer>\int_0^1 x dx</answer>"]
    found = trainer.call(trl.reward(SPEC), completions, answer=["42", None, "7"])
    assert found == [2.5, None, None]
    assert trainer.metrics["two/error"] == [pytest.approx(1 / 3)]
    assert trainer.metrics["two/abstain"] == [pytest.approx(1 / 3)]
    assert trainer.extra["two/reasons"][1].startswith("error: ")


def test_a_missing_column_is_an_error_of_every_row(caplog):
    with caplog.at_level(logging.WARNING, "goldstone"):
        assert Trainer().call(trl.reward(SPEC), [RIGHT] * 3, problem=["6 * 7"] * 3) == [None] * 3
    assert len(caplog.messages) == 1
    with pytest.raises(ValueError, match="reference"):
        Trainer().call(trl.reward(SPEC, on_error="raise"), [RIGHT])


def test_an_undecided_answer_is_paid_as_wrong_where_that_is_asked_for():
    completions = [r"<think>so</think><answer>\int_0^1 x dx</answer>"]
    function = trl.reward(SPEC, unknown="wrong")
    assert Trainer().call(function, completions, answer=["7"]) == [0.5]


def test_one_function_for_each_reward():
    trainer = Trainer()
    functions = trl.rewards(SPEC)
    assert [function.__name__ for function in functions] == ["accuracy", "format"]
    assert trl.weights(SPEC) == [2.0, 0.5]
    found = [trainer.call(f, [RIGHT, WRONG, PLAIN], answer=["42"] * 3) for f in functions]
    assert found == [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    # The table of completions has as many values in each column as rows.
    assert {column: len(values) for column, values in trainer.extra.items()} == {"two/reasons": 3}
    assert trainer.metrics == {"two/abstain": [0.0], "two/error": [0.0]}


def test_a_row_without_a_total_has_no_part_of_it():
    # TRL would add up what is left, and pay the format of an answer that nobody judged.
    completions = [r"<think>so</think><answer>\int_0^1 x dx</answer>", RIGHT]
    for function in trl.rewards(SPEC):
        found = Trainer().call(function, completions, answer=["7", None])
        assert found == [None, None]


def test_a_reward_that_does_not_apply_is_none_in_its_function_alone():
    accuracy, choice, form = trl.rewards("r1-zero")
    letter = "<think>the third</think><answer>C</answer>"
    columns = {"answer": ["42", "C"], "task": ["math", "choice"]}
    assert Trainer().call(accuracy, [RIGHT, letter], **columns) == [1.0, None]
    assert Trainer().call(choice, [RIGHT, letter], **columns) == [None, 1.0]
    assert Trainer().call(form, [RIGHT, letter], **columns) == [1.0, 1.0]


def test_a_spec_that_does_not_add_up_has_no_parts():
    gate = SPEC + '[combine]\nmode = "gate"\ngate = ["format"]\nclosed = -1.0\n'
    assert Trainer().call(trl.reward(gate), [RIGHT, PLAIN], answer=["42"] * 2) == [2.5, -1.0]
    for spec in (gate, SPEC + "[combine]\nclip = [0.0, 2.0]\n"):
        with pytest.raises(ValueError, match="no sum of its rewards; use `reward`"):
            trl.rewards(spec)


class Counting:
    """A scorer that counts its batches."""

    def __init__(self, scorer):
        self.scorer = scorer
        self.batches = 0
        self.fails = False

    def score_batch(self, rows):
        self.batches += 1
        if self.fails:
            return [failed() for _ in rows]
        return self.scorer.score_batch(rows)

    def __getattr__(self, name):
        return getattr(self.scorer, name)


def counted(functions):
    batches = functions[0]._batches
    batches.scorer = Counting(batches.scorer)
    return batches.scorer


def test_a_batch_is_scored_once_for_all_functions():
    functions = trl.rewards(SPEC)
    counting = counted(functions)
    for answer in ("42", "41"):
        for function in functions:
            Trainer().call(function, [RIGHT, WRONG], answer=[answer] * 2)
    assert counting.batches == 2


def test_a_batch_that_changed_in_place_is_another_batch():
    accuracy, form = trl.rewards(SPEC)
    counting = counted([accuracy])
    message = {"role": "assistant", "content": RIGHT}
    prompts = [[{"role": "user", "content": "6 * 7?"}]]
    answers = ["42"]
    assert Trainer().call(accuracy, [[message]], prompts, answer=answers) == [1.0]
    message["content"] = WRONG
    assert Trainer().call(accuracy, [[message]], prompts, answer=answers) == [0.0]
    answers[0] = "41"
    assert Trainer().call(accuracy, [[message]], prompts, answer=answers) == [1.0]
    assert Trainer().call(form, [[message]], prompts, answer=answers) == [1.0]
    assert counting.batches == 3
    # Equal in Python's eyes, not the same reference.
    assert Trainer().call(accuracy, [[message]], prompts, answer=[1]) == [0.0]
    assert Trainer().call(accuracy, [[message]], prompts, answer=[True]) == [None]


def test_a_batch_that_failed_is_scored_again_for_who_asks_again():
    accuracy, form = trl.rewards(SPEC, on_failure=None)
    counting = counted([accuracy])

    def ask(function):
        return Trainer().call(function, [RIGHT], answer=["42"])

    counting.fails = True
    assert ask(accuracy) == [None]
    counting.fails = False
    # The other function is told of the same scores: the two are added up.
    assert ask(form) == [None]
    assert (ask(accuracy), ask(form)) == ([1.0], [1.0])
    assert counting.batches == 2


def failed():
    score = {"id": "1", "group": "1", "reward": None, "status": "error", "terms": {}}
    score["error"] = {"kind": "machinery", "message": "worker died"}
    return goldstone.Score.from_json(json.dumps(score).encode())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_a_batch_is_scored_leaves_the_child_a_free_lock():
    function = trl.reward(SPEC)
    with function._batches._lock, function._batches.outcomes._lock:
        child = os.fork()
        if child == 0:
            free = not function._batches._lock.locked()
            os._exit(0 if free and not function._batches.outcomes._lock.locked() else 1)
        assert function._batches._lock.locked()
    assert os.waitpid(child, 0)[1] == 0


def test_columns_can_be_named():
    function = trl.reward(SPEC, columns={"reference": "/info/gold"})
    assert Trainer().call(function, [RIGHT], info=[{"gold": "42"}], answer=["41"]) == [2.5]


LENGTHS = """
version = 1
name = "lengths"
[rewards.accuracy]
math = {}
[rewards.length]
group_length = { of = "accuracy" }
"""


def test_rewards_that_compare_a_group_see_the_completions_of_a_prompt():
    lengths = {"n_tokens": "tokens"}
    function = trl.reward(LENGTHS, columns=lengths)
    completions = ["42", "42", "42", "42"]
    prompts = ["a", "a", "b", "b"]
    columns = {"answer": ["42"] * 4, "tokens": [1, 3, 1, 3]}
    assert Trainer().call(function, completions, prompts, **columns) == [1.5, 0.5, 1.5, 0.5]
    # One prompt, twice in a row, is two groups only if somebody says so.
    same = ["a"] * 4
    columns["tokens"] = [1, 3, 5, 9]
    assert Trainer().call(function, completions, same, **columns) == [1.5, 1.25, 1.0, 0.5]
    two = trl.reward(LENGTHS, columns=lengths, num_generations=2)
    assert Trainer().call(two, completions, same, **columns) == [1.5, 0.5, 1.5, 0.5]


def test_the_length_is_that_of_the_trainers_tokens():
    spec = LENGTHS.replace("group_length", "cosine").replace(
        'of = "accuracy"', 'of = "accuracy", max_len = 6'
    )
    trained = Trainer().call(trl.reward(spec), ["42"], answer=["42"])
    # A column of the data set by that name is not about the completion.
    told = Trainer().call(trl.reward(spec), ["42"], answer=["42"], n_tokens=[6])
    assert trained == told == [pytest.approx(1.75)]
    named = trl.reward(spec, columns={"n_tokens": "n_tokens"})
    assert Trainer().call(named, ["42"], answer=["42"], n_tokens=[6]) != trained


def test_groups_are_the_trainers():
    # A column of the data set would put every completion into a group of its own.
    columns = {"answer": ["42"] * 2, "tokens": [1, 3], "group": ["a", "b"]}
    lengths = {"n_tokens": "tokens"}
    function = trl.reward(LENGTHS, columns=lengths)
    assert Trainer().call(function, ["42"] * 2, **columns) == [1.5, 0.5]
    named = trl.reward(LENGTHS, columns={**lengths, "group": "group"})
    assert Trainer().call(named, ["42"] * 2, **columns) != [1.5, 0.5]


def test_functions_go_into_other_processes():
    total = pickle.loads(pickle.dumps(trl.reward(SPEC)))
    assert Trainer().call(total, [RIGHT], answer=["42"]) == [2.5]
    accuracy, form = pickle.loads(pickle.dumps(trl.rewards(SPEC)))
    assert accuracy._batches is form._batches
    alone = pickle.loads(pickle.dumps(form))
    assert Trainer().call(alone, [PLAIN], answer=["42"]) == [0.0]


def test_what_trainers_look_at():
    function = trl.reward("r1-zero")
    assert function.__name__ == "r1-zero"
    function.__name__ = "mine"
    assert function.__name__ == "mine"
    # Axolotl refuses functions of fewer than two parameters.
    assert list(inspect.signature(function).parameters)[:3] == [
        "prompts",
        "completions",
        "completion_ids",
    ]
    assert not inspect.iscoroutinefunction(function.__call__)
    assert Trainer().call(function, [], prompts=[]) == []
    with pytest.raises(ValueError, match="2 prompts, but 1 completions"):
        Trainer().call(function, [RIGHT], prompts=["a", "b"])


def test_a_reward_by_a_name_of_the_log_is_refused():
    def spec(name):
        return f'version = 1\nname = "own"\n[rewards.{name}]\nmath = {{}}\n'

    for name in ("abstain", "error"):
        with pytest.raises(ValueError, match=f"`{name}`, but the log of TRL's adapter"):
            trl.reward(spec(name))
    for name in ("completion", "advantage"):
        with pytest.raises(ValueError, match=f"`{name}`, but TRL's table of completions"):
            trl.rewards(spec(name))
        with pytest.raises(ValueError, match=f"has a column `{name}`"):
            trl.reward(spec("accuracy"), name=name)
    assert [function.__name__ for function in trl.rewards(spec("abstain"))] == ["abstain"]


@pytest.mark.parametrize("count", [0, -2])
def test_a_group_has_completions(count):
    with pytest.raises(ValueError, match=f"`num_generations` is {count}"):
        trl.reward(SPEC, num_generations=count)


def test_a_column_is_as_long_as_the_completions():
    function = trl.reward(SPEC)
    for column in (["42"], ("42", "42", "42"), []):
        with pytest.raises(ValueError, match=f"`answer` has {len(column)} values, .* 2 completions"):
            function(prompts=["?"] * 2, completions=[RIGHT, WRONG], answer=column)
    with pytest.raises(ValueError, match="`completion_ids` has 1 values"):
        function(prompts=["?"] * 2, completions=[RIGHT] * 2, completion_ids=[[1]])
    # What is no list is no column.
    found = function(prompts=["?"] * 2, completions=[RIGHT, WRONG], answer=["42"] * 2, step="42")
    assert found == [2.5, 0.5]
