"""What the tests share: rows, specs, and the command for comparison."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import goldstone
from goldstone import _engines

ROOT = Path(__file__).resolve().parents[2]

RIGHT = {"completion": "<think>6 * 7</think><answer>42</answer>", "reference": "42"}
WRONG = {"completion": "<think>6 * 7</think><answer>41</answer>", "reference": "42"}

GROUPED = """
version = 1
[rewards.accuracy]
math = {}
[rewards.brevity]
weight = 0.5
group_length = { of = "accuracy" }
"""


@pytest.fixture
def right() -> dict[str, str]:
    return dict(RIGHT)


@pytest.fixture
def wrong() -> dict[str, str]:
    return dict(WRONG)


@pytest.fixture(scope="session")
def scorer() -> goldstone.Scorer:
    return goldstone.Scorer("r1-zero")


@pytest.fixture(scope="session")
def rollouts_file() -> Path:
    """Real rollouts; `GOLDSTONE_ROLLOUTS` names a larger file of them."""
    given = os.environ.get("GOLDSTONE_ROLLOUTS")
    return Path(given) if given else ROOT / "examples/rollouts/gsm8k.jsonl"


@pytest.fixture(scope="session")
def rollouts(rollouts_file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in rollouts_file.read_text().splitlines()]


@pytest.fixture(scope="session")
def command() -> str:
    """The `goldstone` command: that of `GOLDSTONE_COMMAND`, else that of the package."""
    binary = os.environ.get("GOLDSTONE_COMMAND") or _engines.worker_binary(None)
    try:
        subprocess.run([binary, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no `goldstone` command; GOLDSTONE_COMMAND may name one")
    return binary


@pytest.fixture
def module(monkeypatch):
    """Puts a module of a trainer in its place."""

    def put(name, **contents):
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            path = ".".join(parts[:end])
            if path not in sys.modules:
                monkeypatch.setitem(sys.modules, path, ModuleType(path))
            if end > 1:
                parent = sys.modules[".".join(parts[: end - 1])]
                monkeypatch.setattr(parent, parts[end - 1], sys.modules[path], raising=False)
        for key, value in contents.items():
            monkeypatch.setattr(sys.modules[name], key, value, raising=False)

    return put


def run_python(code: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs a program in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
