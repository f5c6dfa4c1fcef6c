"""What a call from Python costs: against the library itself, from one thread and from
32, and against the reward functions that trainers bring.

    scripts/build-wheel.sh && pip install dist/goldstone-*.whl
    pip install math-verify latex2sympy2_extended; pip install --no-deps verl   # peers
    python benches/python_calls.py [ROLLOUTS.jsonl]

All on the same rows in the same run, the best of five. Peers that are not installed are
left out, visibly.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import goldstone

from trainer_rewards import open_r1_accuracy, r1_format, verl_module

ROUNDS = 5
THREADS = 32


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest time of some rounds, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def report(name: str, rows: int, took: float, base: float) -> None:
    print(f"{name:<52} {took / rows * 1e6:>9.1f} µs/row {took / base:>7.2f}")


def calls(spec: str, rows: list[dict[str, object]]) -> None:
    """Python against the library: rows that are JSON already are the library's own cost."""
    one = goldstone.Scorer(spec, jobs=1)
    many = goldstone.Scorer(spec)
    lines = [json.dumps(row).encode() for row in rows]
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}

    print(f"\n{spec}, one thread{'':<40} per row   ratio")
    base = seconds(lambda: one.score_json(lines))
    report("library (rows are JSON, one call)", len(rows), base, base)
    report("score_batch(list)", len(rows), seconds(lambda: one.score_batch(rows)), base)
    report("score_batch(columns)", len(rows), seconds(lambda: one.score_batch(columns)), base)
    if importlib.util.find_spec("pyarrow"):
        import pyarrow

        table = pyarrow.Table.from_pylist(rows)
        report("score_batch(Arrow table)", len(rows), seconds(lambda: one.score_batch(table)), base)
        report("score_table(Arrow table)", len(rows), seconds(lambda: one.score_table(table)), base)
    took = seconds(lambda: [one.score(row) for row in rows])
    report("score(row), row by row", len(rows), took, base)
    took = seconds(lambda: [one.score(row).terms for row in rows])
    report("score(row).terms, row by row", len(rows), took, base)

    print(f"\n{spec}, all cores{'':<41} per row   ratio")
    base = seconds(lambda: many.score_batch(rows))
    report("score_batch(list)", len(rows), base, base)
    with ThreadPoolExecutor(THREADS) as threads:

        def from_threads() -> None:
            parts = [rows[start::THREADS] for start in range(THREADS)]
            list(threads.map(lambda part: [many.score(row).reward for row in part], parts))

        took = seconds(from_threads)
    report(f"score(row) from {THREADS} threads", len(rows), took, base)


def paid(rewards: list[float | None]) -> int:
    """How many answers a reward finds right: whether peers do what they should."""
    return sum(1 for reward in rewards if reward)


def peers(rows: list[dict[str, object]]) -> None:
    """The rewards of trainers on the same answers, in the form that each reads."""
    golds = [str(row["reference"]) for row in rows]
    answers = [str(row["completion"]).strip().rsplit("\n", 1)[-1].removeprefix("A: ") for row in rows]
    tagged = [
        f"<think>\n{row['completion']}\n</think>\n<answer>\n\\boxed{{{answer}}}\n</answer>"
        for row, answer in zip(rows, answers, strict=True)
    ]
    own = [{"completion": text, "reference": gold} for text, gold in zip(tagged, golds, strict=True)]
    scorer = goldstone.Scorer("r1-zero", jobs=1)
    print(f"\nrewards of trainers, one thread{'':<30} per row   ratio")

    def goldstone_r1() -> list[float | None]:
        return [scorer.score(row).terms["accuracy"].value for row in own]

    base = seconds(goldstone_r1)
    report("goldstone r1-zero (accuracy + format), row by row", len(rows), base, base)
    print(f"{'':<52} finds {paid(goldstone_r1())} right")
    pairs = list(zip(tagged, golds, strict=True))

    def open_r1() -> Callable[[], list[float | None]]:
        accuracy = open_r1_accuracy()
        return lambda: [
            accuracy(text, f"${gold}$") and 1.0 + r1_format(text) for text, gold in pairs
        ]

    def verl_gsm8k() -> Callable[[], list[float | None]]:
        compute = verl_module("gsm8k").compute_score  # type: ignore[attr-defined]
        marked = [(text + f"\n#### {answer}", gold) for (text, gold), answer in zip(pairs, answers, strict=True)]
        return lambda: [compute(text, gold) for text, gold in marked]

    def verl_math() -> Callable[[], list[float | None]]:
        compute = verl_module("math_reward").compute_score  # type: ignore[attr-defined]
        return lambda: [compute(text, gold) for text, gold in pairs]

    for name, make in [
        ("open-r1 accuracy (math-verify) + format", open_r1),
        ("verl gsm8k (strict: a regular expression)", verl_gsm8k),
        ("verl math_reward (string normalisation)", verl_math),
    ]:
        try:
            work = make()
        except ImportError as error:
            print(f"{name:<52} left out: no {error.name or error}")
            continue
        report(name, len(rows), seconds(work, rounds=1), base)
        print(f"{'':<52} finds {paid(work())} right")


def main() -> None:
    root = pathlib.Path(__file__).resolve().parents[1]
    file = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "examples/rollouts/gsm8k.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    print(f"{len(rows)} rollouts, Python {sys.version.split()[0]}")
    calls("gsm8k", rows)
    calls("math", rows)
    peers(rows[:1000])


if __name__ == "__main__":
    main()
