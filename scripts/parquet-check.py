#!/usr/bin/env python3
"""Checks Parquet against pyarrow: files that it wrote are read right, files that
goldstone wrote are read by it.

Usage, in an environment that has pyarrow (26.0.1 was the last one tried):

    python scripts/parquet-check.py target/release/goldstone
"""

import datetime
import decimal
import json
import pathlib
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

DAY = datetime.date(2026, 1, 2)
INSTANT = datetime.datetime(2026, 1, 2, 3, 4, 5, 6)

# Name, values, what the output's JSON has; the first row says what the type does.
COLUMNS = {
    "small": (pa.array([1, None, -3], pa.int8()), [1, None, -3]),
    "large": (pa.array([2**64 - 1, 0, None], pa.uint64()), [2**64 - 1, 0, None]),
    "half": (pa.array([0.1, None, 2], pa.float32()), [0.1, None, 2.0]),
    "nan": (pa.array([float("nan"), 0.5, None]), [None, 0.5, None]),
    "price": (pa.array([decimal.Decimal("1.10"), None, None]), [1.1, None, None]),
    "day": (pa.array([DAY, None, None]), ["2026-01-02", None, None]),
    "instant": (
        pa.array([INSTANT, None, None], pa.timestamp("us", tz="Europe/Berlin")),
        ["2026-01-02T03:04:05.000006Z", None, None],
    ),
    "bytes": (pa.array([b"42", None, b"\xff"]), [{"base64": "NDI="}, None, {"base64": "/w=="}]),
    "label": (pa.array(["a", "b", None]).dictionary_encode(), ["a", "b", None]),
    "tags": (pa.array([["x", None], [], None]), [["x", None], [], None]),
    "large_list": (pa.array([["x"], [], None], pa.large_list(pa.large_string())), [["x"], [], None]),
    "pair": (pa.array([{"a": 1, "b": None}, {"a": None, "b": "x"}, None]), [{"a": 1}, {"b": "x"}, None]),
    "map": (pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())), [{"k": 1}, {}, None]),
    "nothing": (pa.nulls(3), [None, None, None]),
}


def score(binary, source, target):
    command = [binary, "score", source, "--spec", "math", "-q", "-o", target, "--overwrite"]
    subprocess.run(command, check=True)


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        table = pa.table(
            {"completion": [r"\boxed{1}", r"\boxed{2}", "?"], "reference": ["1"] * 3}
            | {name: values for name, (values, _) in COLUMNS.items()}
        )
        for compression in ["none", "snappy", "gzip", "zstd", "lz4"]:
            for version in ["1.0", "2.0"]:
                source = folder / "in.parquet"
                pq.write_table(
                    table, source, compression=compression, data_page_version=version, row_group_size=2
                )
                score(binary, source, folder / "out.jsonl")
                lines = [json.loads(line) for line in open(folder / "out.jsonl")]
                for name, (_, wanted) in COLUMNS.items():
                    assert [line[name] for line in lines] == wanted, (compression, version, name)
                assert [line["reward"] for line in lines] == [1.0, 0.0, 0.0]

        score(binary, source, folder / "out.parquet")
        out = pq.read_table(folder / "out.parquet")
        out.validate(full=True)
        assert out["reward"].to_pylist() == [1.0, 0.0, 0.0]
        for name in ["small", "large", "half", "price", "day", "tags", "pair"]:
            assert out.schema.field(name).type == table.schema.field(name).type, name
            assert out[name].to_pylist() == table[name].to_pylist(), name
        # Read again, it has the lines that the JSON lines have.
        score(binary, folder / "out.parquet", folder / "again.jsonl")
        again = [json.loads(line) for line in open(folder / "again.jsonl")]
        for before, after in zip(lines, again, strict=True):
            before = {name: value for name, value in before.items() if name != "nothing"}
            after = {name: value for name, value in after.items() if name != "nothing"}
            assert before == after, (before, after)
    print("as pyarrow has it")


if __name__ == "__main__":
    main()
