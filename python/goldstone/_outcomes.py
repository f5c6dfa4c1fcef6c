"""What a trainer is told of a score: a number, `None`, an exception.

A row without a reward is one of three things. It *abstains*: nobody can say. Its data
are unusable, an *error*. Or our machinery, or a judge that we ask, failed: a *failure*.
A trainer that can leave
a row out is told `None`; one that takes numbers alone is told the number that its user
chose. A failure of ours is raised unless that was chosen too: a reward of 0 for a row
that nobody judged teaches the policy something false.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

from goldstone._errors import EngineError, GoldstoneError

if TYPE_CHECKING:
    from goldstone import Score

_log = logging.getLogger("goldstone")

#: What is done with a row that has no reward.
Otherwise = float | None | Literal["raise"]

#: What an answer is paid that nobody can decide; see `goldstone.Scorer`.
Unknown = Literal["null", "wrong"]


class UnusableRowError(GoldstoneError, ValueError):
    """A row that has no reward because of its data, or because nobody can say."""


class Outcomes:
    """What is done with rows that have no reward.

    Each option is a number, `None` or `"raise"`. Numbers are for trainers that take
    nothing else. `None` is refused where `number` says that this is such a trainer.

    `silent` names a trainer that does not tell how long a completion is in tokens, nor
    how sampling ended. A reward that asks for that would abstain on every row, and every
    row would be paid the same: instead, such a row raises `ValueError`. Once a row has had
    a value from that reward, the rows do have such a column, and one that lacks it is
    a row without a reward like others.
    """

    def __init__(
        self,
        *,
        abstain: Otherwise,
        on_error: Otherwise,
        on_failure: Otherwise = "raise",
        number: bool = False,
        silent: str | None = None,
    ) -> None:
        self._silent = silent
        # The rewards that a row has had a value from. Replaced, never changed, so that it
        # can be read, and pickled, without the lock.
        self._valued: frozenset[str] = frozenset()
        self.abstain = _checked("abstain", abstain, number)
        self.on_error = _checked("on_error", on_error, number)
        self.on_failure = _checked("on_failure", on_failure, number)
        self._told: Counter[str] = Counter()
        self._lock = threading.Lock()
        _made.add(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_told": Counter()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())
        _made.add(self)

    def reward(self, score: Score) -> float | None:
        """The reward of a row, or what stands for it.

        Raises `EngineError` for a failure of ours and `UnusableRowError` for other rows
        without a reward, where the option says `"raise"`.
        """
        self._note((score,))
        if score.reward is not None:
            return score.reward
        return self.without(score)

    def rewards(self, scores: Sequence[Score]) -> list[float | None]:
        """`reward` of each row of a batch, in which no row comes first."""
        self._note(scores)
        return [self.reward(score) for score in scores]

    def _note(self, scores: Iterable[Score]) -> None:
        """Remembers which rewards gave a value. A closed gate's says nothing of the row."""
        if self._silent is None:
            return
        found = {
            name
            for score in scores
            for name, term in score.terms.items()
            if name not in self._valued and term.value is not None and term.reason != "gated"
        }
        if found:
            with self._lock:
                self._valued |= found

    def without(self, score: Score, tell: bool = True) -> float | None:
        """What stands for the reward of a row that has none; warns of it if `tell`."""
        if self._silent is not None:
            _refuse_untold(score, self._silent, self._valued)
        if score.error is None:
            problem = f"row `{score.id}` abstains{_why(score)}"
            if _judge_failed(score):
                return self._take("on_failure", self.on_failure, problem, tell)
            return self._take("abstain", self.abstain, problem, tell)
        field = f", field `{score.error.field}`" if score.error.field else ""
        problem = f"row `{score.id}`{field}: {score.error.message}"
        if score.error.kind == "machinery":
            return self._take("on_failure", self.on_failure, problem, tell)
        return self._take("on_error", self.on_error, problem, tell)

    def _take(
        self, option: str, otherwise: Otherwise, problem: str, tell: bool
    ) -> float | None:
        if otherwise == "raise":
            raise EngineError(problem) if option == "on_failure" else UnusableRowError(problem)
        if tell:
            self._tell(option, otherwise, problem)
        return otherwise

    def _tell(self, option: str, otherwise: float | None, problem: str) -> None:
        """Warns of the 1st, 10th, 100th… such row."""
        with self._lock:
            self._told[option] += 1
            count = self._told[option]
        if count == 10 ** (len(str(count)) - 1):
            _log.warning(
                "%d row%s without a reward, paid %s by `%s`; the last: %s",
                count,
                "" if count == 1 else "s",
                otherwise,
                option,
                problem,
            )


#: All that there are, for a forked child.
_made: weakref.WeakSet[Outcomes] = weakref.WeakSet()


def _after_in_child() -> None:
    # A thread of the parent may have held the old ones; it is not in the child.
    for outcomes in list(_made):
        outcomes._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)


@cache
def outcomes(
    spec: Any, abstain: Otherwise, on_error: Otherwise, on_failure: Otherwise, silent: str
) -> Outcomes:
    """The same object for the same spec and options, for adapters that are asked row by
    row: it counts what it warns of, and remembers what the rows have. For trainers that
    take numbers alone, and are `silent`."""
    return Outcomes(
        abstain=abstain, on_error=on_error, on_failure=on_failure, number=True, silent=silent
    )


_LENGTH = "how long a completion is in tokens (`n_tokens`)"
_ENDING = "how sampling ended (`finish_reason`)"

#: What a reward asks that only a sampler knows: by the reason for which it abstains, or
#: the field that it misses.
_UNTOLD = {
    "no_n_tokens": _LENGTH,
    "no_length": _LENGTH,
    "no_finish_reason": _ENDING,
    "/n_tokens": _LENGTH,
    "/finish_reason": _ENDING,
}


def _refuse_untold(score: Score, trainer: str, valued: frozenset[str]) -> None:
    asked = [(name, t.reason) for name, t in score.terms.items() if t.value is None]
    if score.error is not None and score.error.term is not None:
        asked.append((score.error.term, score.error.field))
    for name, what in asked:
        if what in _UNTOLD and name not in valued:
            raise ValueError(
                f"the reward `{name}` asks {_UNTOLD[what]}, which {trainer} does not tell, "
                "and no row so far has told; use a spec without it, or give every row that column"
            )


def has_failed(score: Score) -> bool:
    """Whether a row has no reward because we, or a judge that we ask, failed."""
    if score.error is not None:
        return score.error.kind == "machinery"
    return score.reward is None and _judge_failed(score)


def _judge_failed(score: Score) -> bool:
    """Whether a judge that is asked over the network did not judge."""
    terms = score.terms.values()
    return any(t.value is None and (t.reason or "").startswith("remote_") for t in terms)


def _checked(option: str, otherwise: Any, number: bool) -> Otherwise:
    if otherwise == "raise":
        return "raise"
    if otherwise is None and not number:
        return None
    # The numbers of numpy are `Real`, too, but for its truth values.
    is_number = isinstance(otherwise, Real) and not isinstance(otherwise, bool)
    if is_number and math.isfinite(otherwise):
        return float(otherwise)
    none = "" if number else "`None`, "
    raise ValueError(f'`{option}` is {otherwise!r}, expected {none}a number or "raise"')


def _why(score: Score) -> str:
    """The rewards that could not be judged, with their reasons."""
    open_terms = [f"{name} ({t.reason})" for name, t in score.terms.items() if t.value is None]
    return f": {', '.join(open_terms)}" if open_terms else ": no reward of the spec applies"


def accuracy(score: Score, solvers: Iterable[str]) -> float:
    """1 where the answer is right, else 0: by the first of `solvers` that applied."""
    if score.reward is not None:
        for name in solvers:
            if name in score.terms:
                return float(score.terms[name].verdict == "correct")
    return 0.0


def raws(score: Score, names: tuple[str, ...]) -> dict[str, float]:
    """Every reward's number before its weight; 0 where it has none, which is what it
    adds to the total."""
    found = {name: score.terms[name].raw for name in names if name in score.terms}
    return {name: found.get(name) or 0.0 for name in names}


def reasons(score: Score) -> str:
    """A line for people: every reward's verdict and reason, or what is wrong."""
    if score.error is not None:
        return f"error: {score.error.message}"
    parts = []
    for name, term in score.terms.items():
        words = [word for word in (term.verdict, term.reason) if word]
        parts.append(f"{name}: {' '.join(words) or term.raw}")
    return "; ".join(parts)
