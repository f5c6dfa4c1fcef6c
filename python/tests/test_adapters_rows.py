"""Rows of trainers as rollouts."""

from types import SimpleNamespace

import pytest
from goldstone._rows import Columns, group_by_prompt, rows, text_or_messages


def test_the_reference_is_the_first_column_that_has_one():
    assert Columns().rollout({"solution": "long", "answer": "7"})["reference"] == "7"
    assert Columns().rollout({"answer": None, "solution": "7"})["reference"] == "7"
    assert Columns().rollout({"ground_truth": "7", "reference": "8"})["reference"] == "8"


def test_no_reference_is_made_up():
    assert "reference" not in Columns().rollout({"problem": "1 + 1"})
    assert "reference" not in Columns().rollout({"answer": None})


def test_a_column_can_be_named():
    row = {"gold": "7", "answer": "8"}
    assert Columns({"reference": "gold"}).rollout(row)["reference"] == "7"
    with pytest.raises(ValueError, match="there is no column `golf`; the columns are `gold`"):
        Columns({"reference": "golf"}).rollout(row)
    with pytest.raises(ValueError, match="`refrence` is no field of a rollout"):
        Columns({"refrence": "gold"})


def test_a_named_column_without_a_value_is_not_replaced():
    assert Columns({"reference": "gold"}).rollout({"gold": None, "answer": "8"})["reference"] is None


def test_a_pointer_reaches_into_objects_lists_and_json_text():
    row = {"info": {"tests": ["a", "b"]}, "packed": '{"tests": [1]}', "broken": "{"}
    assert Columns({"tests": "/info/tests/1"}).rollout(row)["tests"] == "b"
    assert Columns({"tests": "/packed/tests"}).rollout(row)["tests"] == [1]
    for nowhere in ("/info/tests/2", "/info/none", "/broken/tests", "/info/tests/-1"):
        assert Columns({"tests": nowhere}).rollout(row)["tests"] is None


def test_messages_keep_their_texts_alone():
    image = object()
    content = [{"type": "image", "image": image}, {"type": "text", "text": "What is it?"}]
    messages = [{"role": "user", "content": content, "tool_calls": image}]
    assert text_or_messages(messages) == [{"role": "user", "content": [{"text": "What is it?"}]}]
    model = SimpleNamespace(role="assistant", content="7", reasoning_content="3 + 4", extra=1)
    assert text_or_messages([model]) == [
        {"role": "assistant", "content": "7", "reasoning_content": "3 + 4"}
    ]
    assert text_or_messages("plain") == "plain"


def test_messages_keep_the_order_of_their_fields_and_what_is_no_list():
    said = {"thinking": [{"type": "text", "text": "3"}, {"image": 1}], "reasoning": "4", "content": "7"}
    (found,) = text_or_messages([{**said, "role": "assistant"}])
    assert list(found.items()) == [
        ("thinking", [{"text": "3"}]),
        ("reasoning", "4"),
        ("content", "7"),
        ("role", "assistant"),
    ]
    # The scorer says that it is unusable.
    for content in ({"text": "7"}, b"7", 7):
        message = {"role": "assistant", "content": content}
        assert text_or_messages([message]) == [message]


def test_only_lists_of_the_batch_are_columns():
    found = rows({"answer": ["1", "2"], "state": object(), "other": [1], "log": print}, 2)
    assert found == [{"answer": "1"}, {"answer": "2"}]


class Array:
    """As those of NumPy."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        if not isinstance(self.items, list):
            raise TypeError("len() of unsized object")
        return len(self.items)

    def tolist(self):
        return self.items


def test_arrays_are_columns_and_texts_are_none():
    columns = {"answer": Array([1, 2]), "text": "ab", "map": {1: 1, 2: 2}, "one": Array(1)}
    assert rows(columns, 2) == [{"answer": 1}, {"answer": 2}]
    assert rows({"answer": Array([1, 2, 3])}, 2) == [{}, {}]


def test_what_a_trainer_knows_is_taken_from_it_alone():
    row = {"n_tokens": 900, "group": "all", "finish_reason": "stop", "answer": "7"}
    assert Columns().rollout(row, {"n_tokens": 3}) == {
        "n_tokens": 3,
        "answer": "7",
        "reference": "7",
    }
    named = Columns({"n_tokens": "n_tokens", "group": "group"}).rollout(row, {"n_tokens": 3})
    assert (named["n_tokens"], named["group"], "finish_reason" in named) == (900, "all", False)


def groups(prompts, num_generations=None):
    rollouts = [{"prompt": prompt} for prompt in prompts]
    group_by_prompt(rollouts, num_generations)
    return [rollout["group"] for rollout in rollouts]


def test_groups_are_the_completions_of_a_prompt_side_by_side():
    assert groups(["a", "a", "b", "a"]) == ["0", "0", "1", "2"]
    assert groups(["a", "a", "a", "a"], 2) == ["0", "0", "1", "1"]
    with pytest.raises(ValueError, match="different prompts"):
        groups(["a", "b"], 2)
    with pytest.raises(ValueError, match="no whole number of groups"):
        groups(["a", "a", "a"], 2)
