"""Arrow tables in and out."""

from __future__ import annotations

import pytest

from goldstone.ray import ScoreRows

pa = pytest.importorskip("pyarrow")


def rows() -> list[dict[str, object]]:
    answers = ["42", "41", "42"]
    return [
        {
            "id": f"r{index}",
            "completion": f"<think>6 * 7</think><answer>{answer}</answer>",
            "reference": None if index == 2 else "42",
        }
        for index, answer in enumerate(answers)
    ]


def test_a_table_gives_the_scores_of_its_rows(scorer):
    expected = scorer.score_batch(rows())
    table = pa.Table.from_pylist(rows())
    assert scorer.score_batch(table) == expected
    assert scorer.score_batch(table.to_batches()[0]) == expected
    assert scorer.score_batch(table.to_reader(max_chunksize=1)) == expected
    assert scorer.score_batch(pa.concat_tables([table, table]).slice(3)) == expected


def test_texts_of_all_kinds_are_read(scorer):
    expected = scorer.score_batch(rows())
    table = pa.Table.from_pylist(rows())
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        schema = pa.schema([(name, kind) for name in table.column_names])
        assert scorer.score_batch(table.cast(schema)) == expected, kind


BYTES = (
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.binary(2),
    pa.dictionary(pa.int32(), pa.binary()),
)


@pytest.mark.parametrize("kind", BYTES, ids=str)
def test_bytes_are_no_text_and_no_digits(scorer, kind):
    # As hexadecimal digits, the bytes of "42" are 3432.
    answers = ["3432", "42"]
    completions = [f"<think>so</think><answer>{answer}</answer>" for answer in answers]
    values = pa.array([b"42", b"42"], pa.binary(2)).cast(pa.binary())
    if pa.types.is_dictionary(kind):
        values = values.dictionary_encode()
    else:
        values = pa.array([b"42", b"42"], kind)
    table = pa.table({"completion": completions, "id": ["a", "b"], "reference": values})
    found = scorer.score_batch(table)
    assert found == scorer.score_batch(table.to_pylist())
    assert [(score.id, score.reward) for score in found] == [("a", None), ("b", None)]
    assert found[0].error.kind == "data"
    assert found[0].error.message == "field `/reference` is bytes; decode them to a string"
    texts = table.set_column(2, "reference", pa.array(["42", "42"]))
    assert [score.reward for score in scorer.score_batch(texts)] == [1.0, 2.0]


def test_bytes_inside_of_a_field_are_an_error_of_the_rows_that_have_them(scorer):
    completions = ["<think>so</think><answer>3432</answer>"] * 3
    for values in (
        [["42", None], ["42", b"42"], ["42", None]],
        [{"a": None}, {"a": b"42"}, {"a": None}],
    ):
        inner = pa.binary()
        if isinstance(values[0], list):
            values = [value[1:] for value in values]
            column = pa.array(values, pa.list_(inner))
        else:
            column = pa.array(values, pa.struct([("a", inner)]))
        table = pa.table({"completion": completions, "reference": column})
        errors = [score.error for score in scorer.score_batch(table)]
        assert "is bytes" in errors[1].message
        assert all(error is None or "bytes" not in error.message for error in errors[::2])


def test_a_null_of_a_column_of_bytes_is_a_null(scorer):
    table = pa.Table.from_pylist(rows())
    table = table.append_column("task", pa.array([None, b"math", None], pa.binary()))
    rewards = [score.reward for score in scorer.score_batch(table)]
    assert rewards == [2.0, None, None]


def test_chat_messages_in_a_table_are_chat_messages(scorer):
    def chat(content: str) -> list[dict[str, object]]:
        return [{"role": "assistant", "content": content, "reasoning_content": None}]

    chats = [row | {"completion": chat(str(row["completion"]))} for row in rows()]
    rewards = [score.reward for score in scorer.score_batch(pa.Table.from_pylist(chats))]
    assert rewards == [2.0, 1.0, None]


def test_columns_that_no_reward_reads_may_be_of_any_kind(scorer):
    table = pa.Table.from_pylist(rows())
    table = table.append_column("image", pa.array([b"\xff"] * 3, pa.binary()))
    table = table.append_column("span", pa.array([None] * 3, pa.month_day_nano_interval()))
    table = table.append_column("nothing", pa.nulls(3))
    assert scorer.score_batch(table) == scorer.score_batch(rows())


def test_a_scored_table_has_a_row_for_each_row(scorer):
    scored = scorer.score_table(pa.Table.from_pylist(rows()))
    assert scored.column_names == [
        *("id", "group", "reward", "status"),
        *("r.accuracy", "r.choice", "r.format"),
        *("raw.accuracy", "raw.choice", "raw.format"),
        *("reason.accuracy", "reason.choice", "reason.format"),
        "error",
    ]
    assert scored["reward"].to_pylist() == [2.0, 1.0, None]
    assert scored["status"].to_pylist() == ["ok", "ok", "error"]
    assert scored["r.accuracy"].to_pylist() == [1.0, 0.0, None]
    assert scored["reason.accuracy"].to_pylist() == ["rational", "different_value", "error"]
    assert scored["error"].to_pylist()[:2] == [None, None]
    assert "/reference" in scored["error"].to_pylist()[2]


def test_a_scored_table_may_have_the_scores_as_they_are_written(scorer):
    scored = scorer.score_table(pa.Table.from_pylist(rows()), json="score")
    expected = [score.to_json().decode() for score in scorer.score_batch(rows())]
    assert scored["score"].to_pylist() == expected


def test_an_empty_table_gives_an_empty_one(scorer):
    table = pa.Table.from_pylist(rows()).slice(0, 0)
    assert scorer.score_batch(table) == []
    scored = scorer.score_table(table)
    assert (scored.num_rows, "reward" in scored.column_names) == (0, True)


def test_what_is_no_table_is_refused(scorer):
    with pytest.raises(TypeError, match="is no Arrow table"):
        scorer.score_table(rows())


def test_a_stream_that_fails_is_an_error_and_no_score(scorer):
    def batches():
        yield pa.RecordBatch.from_pylist(rows())
        raise OSError("the disk is gone")

    schema = pa.Table.from_pylist(rows()).schema
    broken = pa.RecordBatchReader.from_batches(schema, batches())
    with pytest.raises(ValueError, match="the disk is gone"):
        scorer.score_batch(broken)


@pytest.mark.parametrize("name", ["id", "reward", "error", "r.accuracy", "raw.format", "reason.choice"])
def test_the_column_of_the_scores_is_no_other_one(scorer, right, name):
    with pytest.raises(ValueError, match="another column of the scores"):
        scorer.score_table(pa.Table.from_pylist([right]), json=name)
    with pytest.raises(ValueError, match="another column of the scores"):
        ScoreRows("r1-zero", json=name)
    found = scorer.score_table(pa.Table.from_pylist([right]), json=f"{name}.json")
    assert found["reward"].to_pylist() == [2.0]
