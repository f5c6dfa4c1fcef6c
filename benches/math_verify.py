"""Math-Verify on the pairs that `benches/math.rs` times, side by side.

    python -m venv .venv && .venv/bin/pip install math-verify
    cargo bench --bench math -- corpus
    .venv/bin/python benches/math_verify.py [--criterion target/criterion]

For each corpus: pairs, wrong acceptances (of pairs that differ), missed pairs
(of those that are equal), seconds, pairs per second, slowest pair. Only
Math-Verify is run here; our figures are read from criterion's last run.
References are parsed for every pair, as its users do.
"""

import argparse
import json
import logging
import pathlib
import sys
import time

sys.path.pop(0)  # this folder: the script has the name of the package it times

from math_verify import parse, verify
from math_verify.errors import TimeoutException

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPORA = ["peer_cases", "adversarial"]


def wrap(text):
    """Math-Verify reads LaTeX only between delimiters."""
    return text if "$" in text or "\\boxed" in text else f"${text}$"


def judge(gold, answer):
    try:
        return bool(verify(parse(wrap(gold)), parse(answer)))
    except (Exception, TimeoutException):  # what its users catch
        return False


def run(path):
    pairs = [json.loads(line) for line in path.read_text().splitlines()]
    judge("1", "$1$")  # imports and caches
    accepted = missed = 0
    times = []
    for pair in pairs:
        answer = pair["pred"] if pair["form"] == "response" else wrap(pair["pred"])
        start = time.perf_counter()
        equal = judge(pair["gold"], answer)
        times.append(time.perf_counter() - start)
        accepted += equal and not pair["expected"]
        missed += pair["expected"] and not equal
    return pairs, accepted, missed, times


def ours(criterion, name):
    """Seconds for one pass over the corpus, from criterion's estimates."""
    estimates = criterion / "corpus" / name / "new" / "estimates.json"
    if not estimates.exists():
        return None
    return json.loads(estimates.read_text())["mean"]["point_estimate"] * 1e-9


def main():
    logging.disable(logging.CRITICAL)  # it logs hostile answers whole
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--criterion", type=pathlib.Path, default=ROOT / "target/criterion")
    options = arguments.parse_args()
    print("corpus       engine       pairs  accepted wrongly  missed  seconds  pairs/s  slowest ms")
    for name in CORPORA:
        pairs, accepted, missed, times = run(ROOT / "tests/data/math" / f"{name}.jsonl")
        total = sum(times)
        print(
            f"{name:12} Math-Verify  {len(pairs):5}  {accepted:16}  {missed:6}  {total:7.2f}"
            f"  {len(pairs) / total:7.0f}  {max(times) * 1e3:10.1f}",
            flush=True,
        )
        seconds = ours(options.criterion, name)
        if seconds is not None:
            print(f"{name:12} goldstone    {len(pairs):5}  {'see tests':>16}  {'':6}  {seconds:7.4f}  {len(pairs) / seconds:7.0f}")


if __name__ == "__main__":
    main()
