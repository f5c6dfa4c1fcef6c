"""Scorers of adapters that are plain functions: one for each spec and process.

Trainers that take a function by its name call it row by row, from many threads and with
the spec as an argument.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from goldstone import Scorer

#: The environment variable that names the spec where a trainer has no place for it.
VARIABLE = "GOLDSTONE_SPEC"

_lock = threading.Lock()
_scorers: dict[Any, Scorer] = {}


def scorer(spec: Any, **options: Any) -> Scorer:
    """The scorer of this spec and these options."""
    key = (spec, *sorted(options.items()))
    with _lock:
        found = _scorers.get(key)
        if found is None:
            found = _scorers[key] = Scorer(spec, **options)
        return found


def spec_of_environment() -> str:
    """The spec that `GOLDSTONE_SPEC` names.

    Raises `ValueError` where it is not set.
    """
    spec = os.environ.get(VARIABLE)
    if not spec:
        raise ValueError(f"set {VARIABLE} to a spec: a shipped name or the path of a TOML file")
    return spec
