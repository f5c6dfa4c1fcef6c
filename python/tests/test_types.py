"""The package's types: checked by mypy, and true to the native half."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import goldstone
from goldstone import _goldstone

PACKAGE = Path(goldstone.__file__).parent

USE = """
import goldstone

scorer = goldstone.Scorer("r1-zero", jobs=2)
score: goldstone.Score = scorer.score({"completion": ""})
reward: float | None = score.reward
for name, term in score.terms.items():
    value: float | None = term.value
    because: str | None = term.reason
message: str = score.error.message if score.error is not None else ""
verdict: goldstone.Verdict = goldstone.verify_math("1", "1")
lines: list[bytes] = scorer.score_json(["{}"])
"""

MISUSE = """
import goldstone

reward: float = goldstone.Scorer("r1-zero").score({}).reward
"""


def mypy(program: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy")
    # Mypy finds what is installed, and what lies beside the package's own settings.
    sources = PACKAGE.parent
    is_source = (sources / "pyproject.toml").exists()
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(program)],
        capture_output=True,
        text=True,
        check=False,
        cwd=sources if is_source else program.parent,
    )


def test_the_package_is_typed(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    done = mypy(tmp_path / "use.py")
    assert done.returncode == 0, done.stdout


def test_a_reward_that_may_be_none_is_seen(tmp_path):
    (tmp_path / "misuse.py").write_text(MISUSE)
    done = mypy(tmp_path / "misuse.py")
    assert done.returncode == 1
    assert 'expression has type "float | None"' in done.stdout


def test_the_stub_names_what_there_is():
    stub = ast.parse((PACKAGE / "_goldstone.pyi").read_text())
    for node in stub.body:
        if isinstance(node, ast.AnnAssign):
            assert hasattr(_goldstone, node.target.id)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if not hasattr(_goldstone, "Sandbox") and node.name in {
                "Sandbox",
                "guest_of",
                "extract_program",
            }:
                continue
            found = getattr(_goldstone, node.name)
            for member in getattr(node, "body", []):
                if isinstance(node, ast.ClassDef) and isinstance(member, ast.FunctionDef):
                    assert hasattr(found, member.name), f"{node.name}.{member.name}"


def test_everything_public_is_documented():
    for name in goldstone.__all__:
        thing = getattr(goldstone, name)
        if name == "__version__":
            continue
        assert thing.__doc__, name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert value.__doc__, f"{name}.{member}"
