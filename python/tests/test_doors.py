"""One engine, many doors: the same rollouts give the same bytes."""

from __future__ import annotations

import json
import subprocess

import pytest

SPECS = ["gsm8k", "math", "r1-zero"]


@pytest.fixture(params=SPECS)
def lines(request, command, rollouts_file, tmp_path) -> tuple[str, list[bytes]]:
    """A spec, and what the command writes for the rollouts."""
    out = tmp_path / "scores.jsonl"
    subprocess.run(
        [
            *(command, "score", str(rollouts_file), "--spec", request.param),
            *("--columns", "scores", "-o", str(out)),
        ],
        check=True,
        capture_output=True,
    )
    return request.param, out.read_bytes().splitlines()


def test_every_door_gives_the_bytes_of_the_command(lines, rollouts, rollouts_file):
    import goldstone

    spec, expected = lines
    scorer = goldstone.Scorer(spec)
    assert len(expected) == len(rollouts) > 100
    assert scorer.score_json(rollouts_file.read_bytes().splitlines()) == expected
    assert [score.to_json() for score in scorer.score_batch(rollouts)] == expected
    names = sorted({name for row in rollouts for name in row})
    columns = {name: [row.get(name) for row in rollouts] for name in names}
    assert [score.to_json() for score in scorer.score_batch(columns)] == expected
    assert [scorer.score(row).to_json() for row in rollouts] == expected


def test_tables_give_the_bytes_of_the_command(lines, rollouts):
    import goldstone

    pa = pytest.importorskip("pyarrow")
    spec, expected = lines
    table = pa.Table.from_pylist(rollouts)
    assert [s.to_json() for s in goldstone.Scorer(spec).score_batch(table)] == expected


def test_the_functions_say_what_the_commands_say(command):
    import goldstone

    pairs = [("0.5", r"\frac12"), ("10%", "10"), ("7", r"\int x"), ("(1,2)", "[1,2)")]
    lines = "\n".join(json.dumps({"gold": gold, "pred": pred}) for gold, pred in pairs)
    done = subprocess.run(
        [command, "math", "--batch", "-"], input=lines, text=True, capture_output=True, check=True
    )
    for (gold, pred), line in zip(pairs, done.stdout.splitlines(), strict=True):
        verdict, row = goldstone.verify_math(gold, pred), json.loads(line)
        assert (verdict.outcome, verdict.reason) == (row["verdict"], row["rule"])
        assert (verdict.gold, verdict.detail) == (row["gold"], row["detail"])


@pytest.mark.parametrize("spec", ["r1-zer", "version = 1\nfoo = 2\n"])
def test_an_error_has_the_text_of_the_command(command, spec, tmp_path):
    import goldstone

    file = spec
    if "\n" in spec:
        file = str(tmp_path / "broken.toml")
        (tmp_path / "broken.toml").write_text(spec)
    done = subprocess.run(
        [command, "score", "-", "--spec", file], input="", text=True, capture_output=True, check=False
    )
    with pytest.raises(goldstone.SpecError) as raised:
        goldstone.Scorer(file)
    assert done.returncode == 2
    said = done.stderr.strip()
    # Builds differ in the specs that come with them.
    assert said.removeprefix("error: ").split("; shipped")[0] in str(raised.value).removeprefix("error: ")
