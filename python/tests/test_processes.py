"""Pickles, forks, threads, event loops, signals, memory."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import goldstone
from conftest import RIGHT, WRONG, run_python
from goldstone import _engines

WORKERS = 8
EXPECTED = [2.0, 1.0] * 20


def rewards(scorer: goldstone.Scorer) -> list[float | None]:
    return [score.reward for score in scorer.score_batch([RIGHT, WRONG] * 20)]


def test_nothing_starts_before_the_first_score():
    code = "\n".join([
        "import os, goldstone, pickle",
        "before = len(os.listdir('/proc/self/task'))",
        "scorer = pickle.loads(pickle.dumps(goldstone.Scorer('r1-zero')))",
        "assert len(os.listdir('/proc/self/task')) == before",
        "scorer.score_batch([{'completion': ''}] * 2)",
        "assert len(os.listdir('/proc/self/task')) > before",
    ])
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_scorers_of_one_spec_share_one_engine():
    first = goldstone.Scorer("r1-zero", jobs=3)
    second = pickle.loads(pickle.dumps(goldstone.Scorer("r1-zero", jobs=3)))
    other = goldstone.Scorer("r1-zero", jobs=1)
    assert first == second != other
    assert first._started() is second._started() is not other._started()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_process_pool(scorer, method):
    assert rewards(scorer) == EXPECTED
    context = multiprocessing.get_context(method)
    with context.Pool(WORKERS) as pool:
        answers = pool.map(rewards, [scorer] * 2 * WORKERS, chunksize=1)
    assert answers == [EXPECTED] * 2 * WORKERS


def test_a_child_starts_its_own_engine_and_the_parents_lives_on(scorer):
    engine = scorer._started()
    child = os.fork()
    if child == 0:
        fresh = not _engines._engines and scorer._started() is not engine
        refused = False
        try:
            engine.score(RIGHT)
        except goldstone.EngineError:
            refused = True
        os._exit(0 if fresh and refused and rewards(scorer) == EXPECTED else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert scorer._started() is engine
    assert rewards(scorer) == EXPECTED


def test_forks_in_the_middle_of_batches(scorer):
    stop = threading.Event()

    def score() -> None:
        while not stop.is_set():
            assert rewards(scorer) == EXPECTED

    threads = [threading.Thread(target=score) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if rewards(scorer) == EXPECTED else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_threads_get_their_own_answers(scorer):
    def answer(number: int) -> float | None:
        completion = f"<think>so</think><answer>{number}</answer>"
        return scorer.score({"completion": completion, "reference": str(number // 2 * 2)}).reward

    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(answer, range(2000)))
    assert answers == [2.0 - number % 2 for number in range(2000)]


def test_the_interpreter_runs_while_a_batch_is_scored():
    math = goldstone.Scorer("math")
    rows = [{"completion": r"\boxed{(x+1)^8}", "reference": "x^8 - 1"}] * 4000
    counted = 0
    with ThreadPoolExecutor(1) as thread:
        batch = thread.submit(math.score_batch, rows)
        while not batch.done():
            counted += 1
            time.sleep(0.001)
    assert len(batch.result()) == len(rows)
    assert counted > 3


def test_asyncio(scorer):
    async def main() -> list[float | None]:
        alone = await asyncio.gather(*(scorer.ascore(RIGHT) for _ in range(50)))
        batch = await scorer.ascore_batch([RIGHT, WRONG])
        return [score.reward for score in [*alone, *batch]]

    assert asyncio.run(main()) == [2.0] * 51 + [1.0]


LONG_BATCH = """
import signal, sys, goldstone
# A shell may have started all this in the background, where interrupts are ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
scorer = goldstone.Scorer(sys.argv[1])
row = {"completion": r"\\boxed{(x+1)^{12}+\\sin(x)}", "reference": "x^{12} - 1 + \\\\cos(x)"}
rows = [row] * 500_000
print("ready", flush=True)
try:
    while True:
        scorer.score_batch(rows)
except KeyboardInterrupt:
    assert scorer.score(row).reward == 0.0
    print("interrupted", flush=True)
"""


GROUPS = "version = 1\n[rewards.a]\nmath = {}\n[rewards.b]\ngroup_length = { of = 'a' }"


@pytest.mark.parametrize("spec", ["math", GROUPS], ids=["alone", "groups"])
def test_control_c_ends_a_long_batch(spec):
    spec_text = spec if spec == "math" else spec.replace("'", '"')
    program = LONG_BATCH if spec == "math" else LONG_BATCH.replace("assert", "assert True or")
    child = subprocess.Popen(
        [sys.executable, "-c", program, spec_text], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(2)
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert said == "interrupted\n"
    assert child.returncode == 0
    # Far less than the rest of the batch would take.
    assert time.monotonic() - begin < 20


def test_no_signal_handler_is_installed():
    code = "\n".join([
        "import signal",
        "before = {s: signal.getsignal(s) for s in signal.valid_signals()}",
        "import goldstone",
        "goldstone.Scorer('r1-zero').score_batch([{'completion': ''}] * 3)",
        "assert before == {s: signal.getsignal(s) for s in signal.valid_signals()}",
        "import threading; assert threading.active_count() == 1",
    ])
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_memory_stays_flat(scorer):
    rows = [RIGHT, WRONG] * 500

    def used() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for _ in range(5):
        scorer.score_batch(rows)
    for _ in range(2000):
        scorer.score(RIGHT)
    before = used()
    for _ in range(20):
        for score in scorer.score_batch(rows):
            repr(score)
    for _ in range(10_000):
        scorer.score(RIGHT).to_dict()
    # Kilobytes; thirty thousand scores that were kept would be more than that.
    assert used() - before < 8_000
