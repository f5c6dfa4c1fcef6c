"""Batches of data engines, without the engines; `scripts/ray-check.sh` runs Ray."""

from __future__ import annotations

import doctest
import pickle

import pytest

import goldstone
from conftest import GROUPED, RIGHT, WRONG
from goldstone import ray
from goldstone.ray import ScoreRows

pa = pytest.importorskip("pyarrow")


def table():
    return pa.Table.from_pylist([RIGHT | {"reward": 9.0, "id": 7}, WRONG | {"reward": 9.0, "id": 8}])


def test_a_table_keeps_its_columns_and_gets_those_of_the_scores():
    scored = pickle.loads(pickle.dumps(ScoreRows("r1-zero", json="score")))(table())
    assert scored.column_names[:2] == ["completion", "reference"]
    assert scored["reward"].to_pylist() == [2.0, 1.0]
    assert scored["id"].to_pylist() == ["7", "8"]
    expected = goldstone.Scorer("r1-zero").score_batch(table())
    assert scored["score"].to_pylist() == [score.to_json().decode() for score in expected]
    alone = ScoreRows("r1-zero", keep=False)(table())
    assert "completion" not in alone.column_names


def test_columns_give_the_same_as_a_table():
    columns = table().to_pydict()
    score_rows = ScoreRows("r1-zero", json="score")
    assert score_rows(columns) == score_rows(table()).to_pydict()
    alone = ScoreRows("r1-zero", keep=False)
    assert alone(columns) == alone(table()).to_pydict()


def test_a_stream_of_batches_gives_batches():
    batches = list(ScoreRows("r1-zero").stream(iter(table().to_batches(max_chunksize=1))))
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert pa.Table.from_batches(batches)["reward"].to_pylist() == [2.0, 1.0]


def test_parts_of_groups_are_not_compared():
    with pytest.raises(goldstone.OptionError, match="whole_groups"):
        ScoreRows(GROUPED)
    rows = [
        {"group": "a", "completion": r"\boxed{1}", "reference": "1", "n_tokens": tokens}
        for tokens in (100, 300)
    ]
    scored = ScoreRows(GROUPED, whole_groups=True)(pa.Table.from_pylist(rows))
    assert scored["reward"].to_pylist() == [1.25, 0.75]


def test_the_examples_of_the_documentation():
    assert doctest.testmod(ray).failed == 0


def test_columns_of_a_data_set_keep_their_types():
    datasets = pytest.importorskip("datasets")
    right = [RIGHT | {"label": 0}] * 4
    rows = datasets.Dataset.from_list([*right, {"completion": None, "reference": "42", "label": 1}])
    rows = rows.cast_column("label", datasets.ClassLabel(names=["a", "b"]))
    # The first error comes after what the writer has written.
    scored = rows.map(ScoreRows("r1-zero"), batched=True, batch_size=2, writer_batch_size=1)
    assert scored["reward"][:] == [2.0] * 4 + [None]
    assert scored["error"][:4] == [None] * 4
    assert "completion" in scored["error"][4]
    assert scored.features["error"] == datasets.Value("string")
    assert scored.features["label"] == rows.features["label"]
    alone = rows.map(ScoreRows("r1-zero", keep=False), batched=True, remove_columns=rows.column_names)
    assert alone["reward"][:] == scored["reward"][:]
