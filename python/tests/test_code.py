"""Programs in the sandbox; needs a guest (`goldstone sandbox install python`)."""

from __future__ import annotations

import os

import pytest

import goldstone
from goldstone import _goldstone

TESTS = {"type": "calls", "entry_point": "f", "cases": [{"args": "(1,)", "expected": "2"}]}

needs_sandbox = pytest.mark.skipif(
    not _goldstone.HAS_SANDBOX, reason="this build has no sandbox"
)


@pytest.fixture(scope="module")
def guest(command) -> None:
    if not _goldstone.HAS_SANDBOX:
        pytest.skip("this build has no sandbox")
    try:
        goldstone.run_code("pass")
    except goldstone.SandboxError as error:
        if os.environ.get("GOLDSTONE_TEST_GUEST") == "required" or "not installed" not in str(error):
            raise
        pytest.skip(str(error))


def test_a_program_runs(guest):
    done = goldstone.run_code("print(input() * 2)", stdin="ab")
    assert done
    assert (done.verdict, done.stdout) == ("pass", "abab\n")
    done = goldstone.run_code("1 / 0")
    assert not done
    assert done.record["exception"] == "ZeroDivisionError"
    assert "Traceback" in done.stderr


def test_a_program_is_tested(guest):
    assert goldstone.run_code("def f(x): return x + 1", TESTS)
    done = goldstone.run_code("def f(x): return x", TESTS)
    assert (bool(done), done.passed, done.total) == (False, 0, 1)
    done = goldstone.run_code("No code.", TESTS, completion=True)
    assert (bool(done), done.verdict) == (False, "no_answer")
    block = "```python\ndef f(x): return x + 1\n```"
    assert goldstone.run_code(block, TESTS, completion=True)


def test_a_program_has_limits(guest):
    done = goldstone.run_code("while True: pass", fuel=1_000_000_000)
    assert not done
    assert "fuel" in done.verdict


def test_a_spec_runs_programs(guest):
    scorer = goldstone.Scorer("code")
    rows = [
        {"completion": f"```python\ndef f(x): return x + {n}\n```", "tests": TESTS} for n in (1, 2)
    ]
    assert [score.reward for score in scorer.score_batch(rows)] == [1.0, 0.0]
    child = os.fork()
    if child == 0:
        os._exit(0 if [s.reward for s in scorer.score_batch(rows)] == [1.0, 0.0] else 1)
    assert os.waitpid(child, 0)[1] == 0
    # The child's end has taken nothing from its parent.
    assert scorer.score(rows[0]).reward == 1.0


@needs_sandbox
def test_mistakes_are_named():
    with pytest.raises(goldstone.OptionError, match="unknown field `fuell`"):
        goldstone.run_code("pass", fuell=3)
    with pytest.raises(goldstone.OptionError, match="standard input"):
        goldstone.run_code("pass", TESTS, stdin="")
    with pytest.raises(goldstone.OptionError):
        goldstone.run_code("pass", {"type": "cals"})
    with pytest.raises(TypeError, match="`code` is a string"):
        goldstone.run_code(b"pass")
    with pytest.raises(goldstone.SandboxError, match="cobol"):
        goldstone.run_code("pass", guest="cobol")


@needs_sandbox
def test_a_worker_that_is_not_there_is_an_error_and_no_score():
    scorer = goldstone.Scorer("code", worker="/no/such/goldstone")
    with pytest.raises(goldstone.SandboxError):
        score = scorer.score({"completion": "```python\npass\n```", "tests": TESTS})
        assert score.reward is None
        assert score.error.kind == "machinery"
        raise goldstone.SandboxError("known with the first program")
