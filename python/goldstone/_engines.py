"""The engines of this process: one for each spec and its options.

An engine starts when something is scored for the first time, and lives as long as the
process. A forked child forgets its parent's engines, which have no threads in it, and
starts its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from . import _goldstone


class Source(NamedTuple):
    """What a spec was compiled from; enough to compile it anywhere."""

    origin: str
    text: str
    grammars: tuple[tuple[str, str], ...]


class Key(NamedTuple):
    """What makes two engines the same."""

    source: Source
    jobs: int
    worker: str | None
    unknown: str

    def spec(self) -> _goldstone.Spec:
        """The spec, compiled."""
        origin, text, grammars = self.source
        spec = _goldstone.Spec.from_parts(origin, text, list(grammars))
        return spec.unknown_as_wrong() if self.unknown == "wrong" else spec


_engines: dict[Key, _goldstone.Engine] = {}
_sandboxes: dict[tuple[str, int, str | None], _goldstone.Sandbox] = {}
_lock = threading.Lock()


def engine(key: Key) -> _goldstone.Engine:
    """The engine of this process for ``key``, started where there is none."""
    found = _engines.get(key)
    if found is not None:
        return found
    with _lock:
        found = _engines.get(key)
        if found is None:
            found = _goldstone.Engine(key.spec(), key.jobs, worker_binary(key.worker))
            for notice in found.notices:
                print(f"goldstone: warning: {notice}", file=sys.stderr)
            _engines[key] = found
        return found


def sandbox(guest: str, jobs: int, worker: str | None) -> _goldstone.Sandbox:
    """The worker processes of this process for ``guest``."""
    with _lock:
        found = _sandboxes.get((guest, jobs, worker))
        if found is None:
            found = _goldstone.Sandbox(guest, jobs, worker_binary(worker))
            _sandboxes[guest, jobs, worker] = found
        return found


def worker_binary(given: str | None) -> str:
    """The ``goldstone`` command that programs run in: the one given, else the one of this
    package, else the one that the shell would find."""
    if given is not None:
        return given
    packaged = Path(__file__).parent / "bin" / "goldstone"
    if packaged.is_file():
        return str(packaged)
    return shutil.which("goldstone") or "goldstone"


def _before_fork() -> None:
    # Whoever starts an engine finishes first; nobody is inside of the library.
    _lock.acquire()
    _goldstone.before_fork()


def _after_in_parent() -> None:
    _goldstone.after_fork(False)
    _lock.release()


def _after_in_child() -> None:
    _goldstone.after_fork(True)
    _engines.clear()
    _sandboxes.clear()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_in_parent,
        after_in_child=_after_in_child,
    )
