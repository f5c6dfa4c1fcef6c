"""Rows of every kind: what a value of Python means, and what is refused."""

from __future__ import annotations

import enum
import json
import sys
from collections import OrderedDict, UserDict, namedtuple
from decimal import Decimal
from fractions import Fraction

import pytest

import goldstone


class Whole(enum.IntEnum):
    ANSWER = 42


class Shouting(str):
    def __str__(self) -> str:
        return "43"


class Loud:
    """An array of a broken library."""

    def tolist(self):
        raise RuntimeError("the device is gone")


class Endless:
    def tolist(self):
        return self


class Growing(dict):
    """A value that changes its own dictionary while it is read."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner

    def items(self):
        self.owner["more"] = 1
        return super().items()


def cycle() -> list[object]:
    items: list[object] = []
    items.append(items)
    return items


def nested(depth: int) -> list[object]:
    items: list[object] = []
    for _ in range(depth):
        items = [items]
    return items


@pytest.fixture(scope="module")
def accuracy() -> goldstone.Scorer:
    return goldstone.Scorer("version = 1\n[rewards.accuracy]\nmath = {}")


ACCEPTED = [
    42,
    42.0,
    "42",
    Shouting("42"),
    Whole.ANSWER,
    Decimal("42.00"),
    Fraction(84, 2),
    ["42", "43"],
    ("42",),
    namedtuple("Golds", "first")("42"),
]

# Nothing of this is paid for the answer 42.
REFUSED = [
    (41, "ok", None),
    (None, "error", "is missing"),
    (True, "error", None),
    (float("nan"), "error", "field `/reference` is NaN"),
    (float("inf"), "error", "field `/reference` is infinite"),
    (Decimal("NaN"), "error", "field `/reference` is NaN"),
    (b"42", "error", "is bytes; decode them to a string"),
    ({42}, "error", "is of the class `set`"),
    (object(), "error", "is of the class `object`"),
    (int, "error", "is of the class `type`"),
    (lambda: 42, "error", "is of the class `function`"),
    (42j, "error", "is of the class `complex`"),
    (["42", float("nan")], "error", "field `/reference/1` is NaN"),
    ({1: "42"}, "error", "has a key of the class `int`"),
    (cycle(), "error", "is nested deeper than 120 levels"),
    (nested(100_000), "error", "is nested deeper than 120 levels"),
    (Endless(), "error", "is nested deeper than 120 levels"),
    (10**5000, "error", "more digits than Python writes"),
]


@pytest.mark.parametrize("reference", ACCEPTED, ids=repr)
def test_a_value_that_means_42(accuracy, reference):
    assert accuracy.score({"completion": r"\boxed{42}", "reference": reference}).reward == 1.0
    assert accuracy.score({"completion": r"\boxed{40}", "reference": reference}).reward == 0.0


@pytest.mark.parametrize(("reference", "status", "said"), REFUSED, ids=lambda v: type(v).__name__)
def test_a_value_that_does_not(accuracy, reference, status, said):
    score = accuracy.score({"completion": r"\boxed{42}", "reference": reference, "id": "x"})
    assert not score.reward
    assert (score.status, score.id) == (status, "x")
    if said:
        assert said in score.error.message
        assert score.error.kind == "data"


def test_a_bad_row_harms_no_other(accuracy):
    good = {"completion": r"\boxed{42}", "reference": 42}
    bad = good | {"reference": float("nan"), "group": "g"}
    scores = accuracy.score_batch([good, bad, good])
    assert [score.reward for score in scores] == [1.0, None, 1.0]
    assert [score.id for score in scores] == ["1", "2", "3"]
    assert scores[1].group == "g"


def test_a_row_means_what_its_json_does(accuracy):
    text = "é“\u2028\x00\x1f\"\\/\ud83d\ude00 \\boxed{0.1}"
    values = [0.1, 1e16, 1e-7, -0.0, 5e-324, 1.7976931348623157e308, 2**63, -(2**70), text]
    for value in values:
        row = {"completion": text, "reference": value, "id": value, "group": "é\ud800"}
        line = json.dumps(row)
        assert accuracy.score(row).to_json() == accuracy.score_json([line])[0], value


def test_lone_surrogates_are_read_as_json_has_them(accuracy):
    row = {"completion": "\ud800 \\boxed{42} \udfff", "reference": "42"}
    score = accuracy.score(row)
    assert score.to_json() == accuracy.score_json([json.dumps(row)])[0]


def test_columns_that_no_reward_reads_may_be_anything(accuracy):
    row = {"completion": r"\boxed{42}", "reference": 42, "image": object(), "n": float("nan")}
    assert accuracy.score(row).reward == 1.0
    # Their names are read, for the sake of errors: this one is no JSON.
    row["\ud800"] = 1
    assert accuracy.score(row).status == "error"


def test_a_row_is_any_mapping(accuracy):
    for kind in (OrderedDict, UserDict):
        assert accuracy.score(kind(completion=r"\boxed{42}", reference=42)).reward == 1.0


def test_a_row_may_change_while_it_is_read(accuracy):
    row: dict[str, object] = {"completion": r"\boxed{42}"}
    row["reference"] = Growing(row)
    assert accuracy.score(row).reward is None


def test_code_of_a_value_that_raises_is_heard(accuracy):
    with pytest.raises(RuntimeError, match="the device is gone"):
        accuracy.score({"completion": "42", "reference": Loud()})


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["a"], "row 0 is of the class `str`"),
        ([{"completion": ""}, 7], "row 1 is of the class `int`"),
        ("rows", "rows are mappings"),
        (7, "not iterable"),
        ([{1: 2}], "a field whose name is of the class `int`"),
        ({"completion": "text"}, "the column `completion` is of the class `str`"),
        ({"completion": 7}, "the column `completion` is of the class `int`"),
    ],
)
def test_what_is_no_row_is_a_mistake_of_the_caller(accuracy, rows, said):
    with pytest.raises(TypeError) as raised:
        accuracy.score_batch(rows)
    assert said in str(raised.value)


def test_columns_of_different_length_are_refused(accuracy):
    with pytest.raises(ValueError, match="columns differ in length"):
        accuracy.score_batch({"completion": ["a", "b"], "reference": ["a"]})


def test_json_texts_are_texts(accuracy):
    with pytest.raises(TypeError, match="rows of JSON are `str` or `bytes`"):
        accuracy.score_json([{"completion": "42"}])
    with pytest.raises(TypeError, match="a list of JSON texts"):
        accuracy.score_json('{"completion": "42"}')
    lines = accuracy.score_json([b"{", "[]", b"\xff"])
    assert all(json.loads(line)["reward"] is None for line in lines)


def test_arrays_mean_their_numbers(accuracy):
    numpy = pytest.importorskip("numpy")
    row = {"completion": r"\boxed{42}"}
    for reference in (numpy.int64(42), numpy.float32(42), numpy.array([41, 42]), numpy.str_("42")):
        assert accuracy.score(row | {"reference": reference}).reward == 1.0
    assert accuracy.score(row | {"reference": numpy.float64("nan")}).status == "error"
    columns = {"completion": [row["completion"]] * 3, "reference": numpy.array([42, 41, 42])}
    assert [score.reward for score in accuracy.score_batch(columns)] == [1.0, 0.0, 1.0]


def test_huge_whole_numbers_are_written_where_python_writes_them(accuracy):
    number = 10**4000
    row = {"completion": rf"\boxed{{{number}}}", "reference": number}
    assert accuracy.score(row).reward == 1.0
    assert accuracy.score(row | {"reference": number + 1}).reward == 0.0
    assert sys.get_int_max_str_digits() > 0


def test_lone_surrogates_in_json_texts_are_read_as_escapes(scorer):
    row = {"completion": "\ud83d\ude00 and \ud800", "reference": "42"}
    text = f'{{"completion": "{row["completion"]}", "reference": "42"}}'
    right = b'{"completion": "<think>so</think><answer>42</answer>", "reference": "42"}'
    found = scorer.score_json([text, right])
    assert found[0] == scorer.score(row).to_json()
    assert b'"reward":2.0' in found[1]


def test_a_column_has_an_order(accuracy):
    for column in ({"42"}, frozenset({"42"}), {"42": 1}, {"42": 1}.keys()):
        with pytest.raises(TypeError, match="the column `completion` is a .* a list or an array"):
            accuracy.score_batch({"completion": column, "reference": ["42"]})
    (found,) = accuracy.score_batch({"completion": ("42",), "reference": ["42"]})
    assert found.error is None
