"""goldstone and Math-Verify on the same pairs, one after the other.

    python -m venv .venv && .venv/bin/pip install math-verify
    .venv/bin/python benches/math_verify.py [FILE.jsonl ...] [--every K]

Lines of a file hold `gold`, `pred`, perhaps `form` (`response` or `answer`) and
`expected`; without files, the two corpora of the tests. For each file and
engine: pairs, correct ones, wrong acceptances (of pairs that differ), missed
pairs (of those that are equal), processor time per pair; then how many pairs
goldstone does in the time of one of Math-Verify's. One process each, warm, one
core. Math-Verify parses the reference of every pair, as its users do; the ratio
is given against the same of ours, and against references compiled before.
"""

import argparse
import json
import logging
import pathlib
import subprocess
import sys
import time

sys.path.pop(0)  # this folder: the script has the name of the package it times

from math_verify import parse, verify
from math_verify.errors import TimeoutException

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPORA = [ROOT / "tests/data/math" / f"{name}.jsonl" for name in ("peer_cases", "adversarial")]
BENCH = ["cargo", "bench", "--quiet", "--no-default-features", "--bench", "math_pairs", "--"]


def wrap(text):
    """Math-Verify reads LaTeX only between delimiters."""
    return text if "$" in text or "\\boxed" in text else f"${text}$"


def judge(gold, answer):
    try:
        return bool(verify(parse(wrap(gold)), parse(answer)))
    except (Exception, TimeoutException):  # what its users catch
        return False


def theirs(pairs):
    """Verdicts of Math-Verify, and the processor time of each pair."""
    judge("1", "$1$")  # imports and caches
    verdicts, times = [], []
    for pair in pairs:
        answer = pair["pred"] if pair.get("form") == "response" else wrap(pair["pred"])
        start = time.process_time()
        verdicts.append(judge(pair["gold"], answer))
        times.append(time.process_time() - start)
    return verdicts, times


def ours(path, every):
    """The line that `benches/math_pairs.rs` prints."""
    run = subprocess.run(
        [*BENCH, str(path.resolve()), "--every", str(every)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def main():
    logging.disable(logging.CRITICAL)  # it logs hostile answers whole
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("files", nargs="*", type=pathlib.Path, default=CORPORA)
    arguments.add_argument("--every", type=int, default=1, metavar="K", help="every K-th pair only")
    options = arguments.parse_args()
    for path in options.files:
        pairs = [json.loads(line) for line in path.read_text().splitlines()][:: options.every]
        verdicts, times = theirs(pairs)
        labelled = [(pair["expected"], own) for pair, own in zip(pairs, verdicts) if "expected" in pair]
        each = sum(times) / len(pairs)
        print(
            f"{path.name}: {len(pairs)} pairs\n"
            f"  Math-Verify  {sum(verdicts):5} correct, {labelled.count((False, True))} of them wrongly,"
            f" {labelled.count((True, False))} missed; {each * 1e6:.0f} µs a pair,"
            f" {1 / each:.0f} pairs/s, slowest {max(times) * 1e3:.0f} ms",
            flush=True,
        )
        result = ours(path, options.every)
        for name, what in [("anew", "reference compiled for each pair"), ("compiled", "references compiled before")]:
            own = result[name] / result["pairs"]
            print(
                f"  goldstone    {result['correct']:5} correct (see the tests); {own * 1e6:.1f} µs a pair,"
                f" {1 / own:.0f} pairs/s, {each / own:.0f} x Math-Verify ({what})",
                flush=True,
            )


if __name__ == "__main__":
    main()
