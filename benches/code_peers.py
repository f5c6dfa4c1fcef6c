"""Times this verifier beside others on HumanEval's reference solutions, in one run.

    cargo build --release
    python3.12 benches/code_peers.py HUMANEVAL.jsonl HUMANEVALPLUS.jsonl [--venv DIR] [--rounds N]

Rows are those of the example `code_corpus`: prompt, canonical_solution, tests. Peers
come from PyPI, at the versions below, into a virtual environment that is removed in
the end (`--venv` names one to keep). Needs Python 3.12 for pyeryx and the guest
`python` (`goldstone sandbox install python`).

Printed: tasks per second of wall clock and per second of processor time, this
process and its children together, for all tasks and for those that take no more than
LIGHT fuel: a few references compute for long, and decide the mean; the processor time of long loops in the guest,
relative to a native interpreter; the memory of a worker; one worker against two.
Processor time is what counts on a machine that others use.
"""

import argparse
import ast
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import venv

PEERS = ["pyeryx==0.11.0", "numpy==2.2.6", "psutil==7.0.0"]
# Its checker needs none of its other dependencies.
BARE_PEERS = ["evalplus==0.3.1"]

LIGHT = 100_000_000

LOOPS = {
    "sum": "s = 0\nfor i in range(5_000_000): s += i\n",
    "sieve": "n = 2_000_000\nmarks = bytearray([1]) * (n + 1)\nfor p in range(2, 1415):\n    if marks[p]: marks[p*p::p] = bytes(len(range(p*p, n + 1, p)))\nprint(sum(marks))\nfor k in range(12):\n    m = [True] * 200_000\n    for p in range(2, 448):\n        if m[p]:\n            for q in range(p*p, 200_000, p): m[q] = False\n",
    "dicts": "d = {}\nfor i in range(1_500_000): d[i % 5003] = d.get(i % 5003, 0) + i\n",
    "floats": "x = 0.5\nfor i in range(4_000_000): x = x * 3.7 * (1 - x)\n",
}


def used(work):
    """Wall and processor seconds of this process and the children it waits for."""
    def seconds():
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)
    wall, cpu = time.perf_counter(), seconds()
    work()
    return time.perf_counter() - wall, seconds() - cpu


def best(rounds, work):
    """The round with the least processor time: others only take from it."""
    return min((used(work) for _ in range(rounds)), key=lambda pair: pair[1])


def told(name, tasks, pair):
    wall, cpu = pair
    print(f"{name:44} {tasks / wall:7.0f} tasks/s  {tasks / cpu:7.0f} per CPU-second  {cpu / tasks * 1e3:6.2f} CPU-ms a task", flush=True)
    return tasks / cpu


def rows(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def check(row):
    return {"type": "check", "entry_point": row["entry_point"], "code": row["tests"], "prelude": row["prompt"]}


def program(row):
    ends = "" if re.search(r"^check\(", row["tests"], re.M) else f"\ncheck({row['entry_point']})\n"
    return row["canonical_solution"] + "\n" + row["tests"] + ends


class Goldstone:
    """Scores a file of rollouts with one or two workers."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def rollouts(self, name, rows, tests, times):
        lines = []
        for turn in range(times):
            for row in rows:
                completion = "```python\n" + row["canonical_solution"] + "\n```"
                lines.append(json.dumps({
                    "id": f"{turn}-{row['id']}", "task": "code", "prompt": "p",
                    "completion": completion, "tests": tests(row),
                }))
        path = self.folder / f"{name}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        return path

    def score(self, path, jobs=1):
        out = self.folder / "scored.jsonl"
        subprocess.run(
            [self.binary, "score", path, "--spec", "code", "--jobs", str(jobs),
             "-o", out, "--overwrite", "--quiet"], check=True,
        )
        scores = [json.loads(line) for line in out.read_text().splitlines()]
        unpaid = [score["id"] for score in scores if score["reward"] != 1]
        if unpaid:
            sys.exit(f"goldstone does not pay the reference solutions of {unpaid}")
        fuel = {score["id"].partition("-")[2]: score["terms"]["tests"] for score in scores}
        return {name: term.get("detail", term)["fuel"] for name, term in fuel.items()}

    def run(self, source):
        path = self.folder / "program.py"
        path.write_text(source)
        subprocess.run([self.binary, "run", path], check=True, capture_output=True)

    def memory(self):
        """Private memory of a worker in MiB, while a program runs in it."""
        path = self.folder / "long.py"
        path.write_text("while True: pass\n")
        run = subprocess.Popen([self.binary, "run", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
        children = pathlib.Path(f"/proc/{run.pid}/task").glob("*/children")
        workers = " ".join(child.read_text() for child in children).split()
        found = {}
        for worker in workers:
            for line in pathlib.Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()[1:]:
                name, value, *_ = line.split()
                found[name] = found.get(name, 0) + int(value) / 1024
        run.kill()
        run.wait()
        return found.get("Rss:", 0), found.get("Private_Dirty:", 0)


def by_subprocess(rows):
    def work():
        for row in rows:
            subprocess.run([sys.executable, "-I", "-S", "-c", program(row)], check=True, timeout=30)
    return work


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("humaneval")
    parser.add_argument("humanevalplus")
    parser.add_argument("--binary", default="target/release/goldstone")
    parser.add_argument("--venv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        place = pathlib.Path(options.venv or folder / "venv")
        python = place / "bin" / "python"
        if not python.exists():
            venv.create(place, with_pip=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *PEERS], check=True)
            subprocess.run([*pip, "--no-deps", *BARE_PEERS], check=True)
        measure(options, folder, python)


def measure(options, folder, python):
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, native {sys.version.split()[0]}")
    plain, plus = rows(options.humaneval), rows(options.humanevalplus)
    goldstone = Goldstone(os.path.abspath(options.binary), folder)
    # As often as it takes for the start of the worker to count as in use.
    times = 10
    path = goldstone.rollouts("plain", plain, check, times)
    plus_tests = lambda row: {"type": "calls", "entry_point": row["entry_point"], **row["tests"]}
    path_plus = goldstone.rollouts("plus", plus, plus_tests, times)
    light = [name for name, fuel in goldstone.score(path).items() if fuel <= LIGHT]
    plain_light = [row for row in plain if row["id"] in light]
    path_light = goldstone.rollouts("light", plain_light, check, times)
    one = best(options.rounds, lambda: goldstone.score(path))
    ours = told("goldstone, HumanEval, 1 worker", times * len(plain), one)
    two = best(options.rounds, lambda: goldstone.score(path, 2))
    told("goldstone, HumanEval, 2 workers", times * len(plain), two)
    print(f"  2 workers do {one[0] / two[0]:.2f} times the tasks of one", flush=True)
    for name, part, path, ours in (("", plain, path, ours), (" light", plain_light, path_light, None)):
        if ours is None:
            ours = told("goldstone, HumanEval light, 1 worker", times * len(part), best(options.rounds, lambda: goldstone.score(path)))
        native = told(f"python -I -S, HumanEval{name}, a process each", len(part), best(options.rounds, by_subprocess(part)))
        print(f"  processor time: {ours / native:.1f} times the tasks of a process each", flush=True)
        theirs = told(f"pyeryx, HumanEval{name}, one by one", *by_peer(options, folder, python, "pyeryx", part))
        print(f"  processor time: {ours / theirs:.1f} times the tasks of pyeryx", flush=True)
    ours = told("goldstone, HumanEval+ mini, 1 worker", times * len(plus), best(options.rounds, lambda: goldstone.score(path_plus)))
    theirs = told("evalplus, HumanEval+ mini, one by one", *by_peer(options, folder, python, "evalplus", plus))
    print(f"  processor time: {ours / theirs:.1f} times the tasks of evalplus", flush=True)
    _, empty = best(options.rounds, lambda: goldstone.run("pass"))
    _, empty_native = best(options.rounds, lambda: subprocess.run([sys.executable, "-I", "-S", "-c", "pass"]))
    for name, source in LOOPS.items():
        _, inside = best(options.rounds, lambda: goldstone.run(source))
        _, outside = best(options.rounds, lambda: subprocess.run([sys.executable, "-I", "-S", "-c", source], stdout=subprocess.DEVNULL))
        print(f"{name}: {inside - empty:.2f} s in the guest, {outside - empty_native:.2f} s natively, {(inside - empty) / (outside - empty_native):.1f} times", flush=True)
    resident, private = goldstone.memory()
    print(f"worker with a live instance: {resident:.1f} MiB resident, {private:.1f} MiB of it private")


def by_peer(options, folder, python, name, part):
    """Tasks, and the best round's wall and processor seconds, of a peer."""
    corpus = folder / "peer.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in part))
    done = subprocess.run(
        [python, __file__, corpus, corpus, "--peer", name, "--rounds", str(options.rounds)],
        check=True, stdout=subprocess.PIPE, text=True,
    )
    tasks, wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return tasks, (wall, cpu)


def peer(options):
    """In the environment of the peers: one of them; prints tasks, wall and processor seconds."""
    if options.peer == "pyeryx":
        import eryx
        corpus = rows(options.humaneval)
        programs = [program(row) for row in corpus]
        sandbox = eryx.Sandbox()
        sandbox.execute("pass")

        def work():
            for text in programs:
                sandbox.execute(text)
    else:
        from evalplus.eval import PASS, untrusted_check
        corpus = rows(options.humanevalplus)
        cases = []
        for row in corpus:
            tests = row["tests"]
            inputs = [list(ast.literal_eval(case["args"])) for case in tests["cases"]]
            expected = [ast.literal_eval(case["expected"]) for case in tests["cases"]]
            if row["entry_point"] == "find_zero":
                continue
            cases.append((row["canonical_solution"], inputs, row["entry_point"], expected, tests.get("atol") or 0))

        def work():
            for source, inputs, name, expected, atol in cases:
                status, _ = untrusted_check("humaneval", source, inputs, name, expected, atol, [0.1] * len(inputs))
                if status != PASS:
                    print("not passed:", name, file=sys.stderr)
        corpus = cases
    wall, cpu = best(options.rounds, work)
    print(json.dumps([len(corpus), wall, cpu]))


if __name__ == "__main__":
    main()
