"""Scores gigabytes of rollouts, and a sample of them with the functions of trainers.

    cargo build --release
    python3 benches/batch_peers.py [ROLLOUTS.jsonl] [--gigabytes 10] [--folder DIR]

The rows are those of the file (the shipped GSM8K rollouts), over and over, each time
with other ids and groups: once as they are and once in the form of R1, their answer in a
box. Every row has three rewards: the format, the rule of GSM8K, and math.

On one core, on two, and by two processes with a core and a shard each, which share
nothing but the machine: wall clock, rows and MB in a second, processor time, peak
memory; whether one core and two wrote the same bytes. Then, on the first rows of the same file, one
process of Python on one core that reads the lines, scores them as open-r1 (format,
math-verify) and verl (GSM8K) do, and writes what it found. The peers come from PyPI
into a virtual environment in the folder, which is removed in the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import venv

PEERS = ["math-verify==0.9.0", "latex2sympy2_extended==1.11.0"]
# Its reward of GSM8K needs none of its dependencies.
BARE_PEERS = ["verl==0.9.1"]

SPEC = """\
version = 1
[format]
template = "r1"
[rewards.gsm8k]
gsm8k = { section = "response" }
[rewards.math]
math = { section = "response" }
[rewards.format]
weight = 0.1
format = {}
"""


def varied(path: pathlib.Path) -> list[dict[str, object]]:
    """Each row as it is, and in the form of R1."""
    rows = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        rows.append(row)
        text, found, answer = row["completion"].strip().rpartition("\nA: ")
        if not found:
            continue
        boxed = f"<think>\n{text}\n</think>\n<answer>\n\\boxed{{{answer}}}\n</answer>"
        rows.append({**row, "id": f"{row['id']}-r1", "completion": boxed})
    return rows


def write(rows: list[dict[str, object]], path: pathlib.Path, size: int) -> int:
    """Fills a file with the rows over and over; how many rows it has."""
    block = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    written = turn = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            named = re.sub(r'^\{"id": "(.*?)", "group": "', rf'{{"id": "{turn}-\1", "group": "{turn}-', block, flags=re.M)
            written += len(named.encode())
            turn += 1
            file.write(named)
    return turn * len(rows)


def begin(command: list[str], cores: list[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, cores))


def run(*commands: tuple[list[str], list[int]]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak memory in MiB of processes that run at the
    same time, each on its cores."""
    start = time.perf_counter()
    processes = {begin(command, cores).pid: command for command, cores in commands}
    seconds = memory = 0.0
    while processes:
        pid, status, usage = os.wait4(-1, 0)
        command = processes.pop(pid)
        if code := os.waitstatus_to_exitcode(status):
            sys.exit(f"{' '.join(map(str, command))} ended with {code}")
        seconds += usage.ru_utime + usage.ru_stime
        memory += usage.ru_maxrss / 1024
    return time.perf_counter() - start, seconds, memory


def digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(options: argparse.Namespace, folder: pathlib.Path) -> None:
    rows = varied(pathlib.Path(options.rollouts))
    data, spec = folder / "rollouts.jsonl", folder / "spec.toml"
    spec.write_text(SPEC)
    count = write(rows, data, int(options.gigabytes * 1e9))
    size = data.stat().st_size
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("this compares one core with two; there is one")
    for old in folder.glob("scored-*.jsonl"):
        old.unlink()

    def score(name: str, *more: str) -> list[str]:
        return [options.binary, "score", str(data), "--spec", str(spec), "--columns", "scores",
                "-o", str(folder / name), "--overwrite", "--quiet", *more]

    print(f"{size / 1e9:.2f} GB, {count} rows, load {os.getloadavg()[0]:.1f}")
    print("| what | wall | rows/s | MB/s | CPU time | peak memory |\n| --- | --- | --- | --- | --- | --- |")
    walls, digests = [], []
    for name, commands in {
        "one core": [(score("scored-one.jsonl", "--jobs", "1"), cores[:1])],
        "two cores": [(score("scored-two.jsonl", "--jobs", "2"), cores)],
        "two shards": [
            (score(f"scored-{shard}.jsonl", "--jobs", "1", "--shard", f"{shard}/2"), [core])
            for shard, core in enumerate(cores, 1)
        ],
    }.items():
        wall, cpu, peak = run(*commands)
        print(f"| {name} | {wall:.1f} s | {count / wall:,.0f} | {size / wall / 1e6:.0f} | {cpu:.1f} s | {peak:.1f} MiB |", flush=True)
        walls.append(wall)
        # The disk need not hold them all.
        for scored in sorted(folder.glob("scored-*.jsonl")):
            digests.append(digest(scored))
            scored.unlink()
    print(f"two cores do {walls[0] / walls[1]:.2f} times the work of one, two shards {walls[0] / walls[2]:.2f} times; "
          f"one core and two wrote {'the same bytes' if digests[0] == digests[1] else 'DIFFERENT BYTES'}")
    if digests[0] != digests[1]:
        sys.exit(1)
    peer(options, folder, data, spec, walls[0] / count)


def peer(options: argparse.Namespace, folder: pathlib.Path, data: pathlib.Path, spec: pathlib.Path, ours: float) -> None:
    """The first rows, by one process of Python; and whether both find the same."""
    sample = folder / "sample.jsonl"
    with data.open("rb") as lines, sample.open("wb") as file:
        first = [line for line, _ in zip(lines, range(options.sample))]
        file.writelines(first)
    python = folder / "venv" / "bin" / "python"
    venv.create(folder / "venv", with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PEERS], check=True)
    subprocess.run([*pip, "--no-deps", *BARE_PEERS], check=True)
    found, scored = folder / "peers.jsonl", folder / "scored.jsonl"
    core = sorted(os.sched_getaffinity(0))[:1]
    _, cpu, peak = run(([str(python), __file__, str(sample), "--peer", str(found)], core))
    _, start, _ = run(([str(python), __file__, os.devnull, "--peer", os.devnull], core))
    theirs = (cpu - start) / len(first)
    print(f"peers, one process: {len(first)} rows, {1 / theirs:,.0f} rows/s, {theirs * 1e6:.0f} µs a row, peak {peak:.0f} MiB "
          f"(without the {start:.1f} s of its start)")
    print(f"one core does {theirs / ours:,.0f} times the rows of the peers on one core")
    run(([options.binary, "score", str(sample), "--spec", str(spec), "-o", str(scored), "--overwrite", "--quiet"], core))
    pairs = zip(scored.read_text().splitlines(), found.read_text().splitlines(), strict=True)
    differ = {"gsm8k": 0, "math": 0, "format": 0}
    for own, other in ((json.loads(own), json.loads(other)) for own, other in pairs):
        for name in differ:
            differ[name] += own["terms"][name]["raw"] != other[name]
    print("rows on which the two do not agree: " + ", ".join(f"{name} {count}" for name, count in differ.items()))


def score_as_peers(source: str, target: str) -> None:
    """What a reward script of today does: line by line, one function after another."""
    from trainer_rewards import open_r1_accuracy, r1_format, verl_module

    accuracy = open_r1_accuracy()
    gsm8k = verl_module("gsm8k").compute_score  # type: ignore[attr-defined]
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as file:
        for line in lines:
            row = json.loads(line)
            text, gold = row["completion"], row["reference"]
            # verl's rule reads the mark of the data set; the models write another.
            marked = text.replace("\nA: ", "\n#### ")
            found = {
                "id": row["id"],
                "gsm8k": gsm8k(marked, gold),
                "math": accuracy(text, f"${gold}$"),
                "format": r1_format(text),
            }
            file.write(json.dumps(found) + "\n")


def main() -> None:
    root = pathlib.Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rollouts", nargs="?", default=root / "examples/rollouts/gsm8k.jsonl")
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--folder", help="has room for the input and the output; kept")
    parser.add_argument("--binary", default=str(root / "target/release/goldstone"))
    parser.add_argument("--sample", type=int, default=4000, help="rows for the peers")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return score_as_peers(options.rollouts, options.peer)
    if options.folder:
        pathlib.Path(options.folder).mkdir(parents=True, exist_ok=True)
        return measure(options, pathlib.Path(options.folder))
    with tempfile.TemporaryDirectory() as folder:
        measure(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
