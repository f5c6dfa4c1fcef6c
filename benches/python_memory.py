"""Whether memory stays flat over a million calls from Python.

    python benches/python_memory.py [CALLS]

Prints the resident memory of the process ten times on the way; fails where the last is
more than 4 MiB above the first.
"""

from __future__ import annotations

import os
import sys
import time

import goldstone


def resident_kb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    scorer = goldstone.Scorer("r1-zero", jobs=1)
    completion = "<think>so</think><answer>{}</answer>"
    seen = []
    begin = time.perf_counter()
    for call in range(count):
        # Ever other rows, a bad one now and then.
        row: dict[str, object] = {"completion": completion.format(call), "reference": call // 2}
        if call % 100 == 0:
            row["reference"] = float("nan")
        score = scorer.score(row)
        assert (score.reward is None) == (call % 100 == 0)
        if call % 10 == 0:
            score.to_dict()
        if (call + 1) % (count // 10) == 0:
            seen.append(resident_kb())
            print(f"{call + 1:>9} calls  {seen[-1] / 1024:.1f} MiB", flush=True)
    print(f"{(time.perf_counter() - begin) / count * 1e6:.1f} µs a call")
    if seen[-1] - seen[0] > 4096:
        sys.exit("memory grows")


if __name__ == "__main__":
    main()
