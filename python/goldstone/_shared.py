"""Scorers of adapters that are plain functions: one for each spec and process.

Trainers that take a function by its name call it row by row, from many threads and with
the spec as an argument.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any

from goldstone import Scorer

#: The environment variable that names the spec where a trainer has no place for it.
VARIABLE = "GOLDSTONE_SPEC"

_lock = threading.Lock()
_scorers: dict[Any, Scorer] = {}


def _after_in_child() -> None:
    # A thread of the parent may have held the old one; it is not in the child.
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)


def scorer_of_rows(spec: Any, trainer: str, **options: Any) -> Scorer:
    """A scorer for a trainer that calls row by row.

    Raises `ValueError` for a spec that compares a group.
    """
    found = Scorer(spec, **options)
    refuse_groups(found, trainer)
    return found


def refuse_groups(found: Scorer, trainer: str) -> None:
    """Refuses a spec that compares a group, where a call may have less than all of it:
    a rollout that is alone is the best of its group, whatever it is.

    Raises `ValueError`.
    """
    if found.needs_groups:
        raise ValueError(
            f"`{found.name}` compares the completions of a prompt, but {trainer} has them "
            "scored one by one; use a spec without such a reward"
        )


def refuse_names(found: Scorer, taken: Iterable[str], trainer: str) -> None:
    """Refuses a spec with a reward whose numbers would stand where the trainer, or its
    adapter, has something else: the total, say.

    Raises `ValueError`.
    """
    clash = sorted(set(found.rewards).intersection(taken))
    if clash:
        names = "`, `".join(clash)
        raise ValueError(
            f"`{found.name}` has the reward `{names}`, but {trainer} keeps something else "
            f"under that name; rename it in the spec, for example to `{clash[0]}_reward`"
        )


def solvers(found: Scorer, accuracy: str | None) -> tuple[str, ...]:
    """The rewards whose verdict says that an answer is right: the one called `accuracy`,
    by default all that judge answers, the first that applies.

    Raises `ValueError` where the spec has no such reward.
    """
    if accuracy is None:
        return found.solvers
    if accuracy in found.solvers:
        return (accuracy,)
    there = f"`{'`, `'.join(found.solvers)}`" if found.solvers else "none"
    raise ValueError(
        f"`accuracy` names `{accuracy}`, but of the rewards of `{found.name}` those that "
        f"judge answers are: {there}"
    )


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
