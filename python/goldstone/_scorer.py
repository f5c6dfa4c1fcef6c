"""The scorer: a spec that turns rollouts into scores."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Literal

from . import _engines, _goldstone
from ._goldstone import Score

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Scorer", "shipped_specs"]

#: Threads of an engine; as many as the command line takes.
MOST_JOBS = 1024


class Scorer:
    """A reward spec, ready to score rollouts.

    ``spec`` is the name of a spec that comes with goldstone (``"r1-zero"``), the path of
    a TOML file, or the TOML text itself. Mistakes are reported here and now; threads and
    processes start with the first score. A scorer can be pickled: it carries the spec's
    text, so that it works where the file is not.

    ``jobs`` is how many rows are scored, and programs run, at a time, up to 1024; 0 is one
    per core.
    ``worker`` is the ``goldstone`` command that sandboxed programs run in; without it, the
    one of this package is used.

    ``unknown`` is what an answer is paid that nobody can decide, where the spec does not
    price it: ``"null"``, nothing at all, or what a ``"wrong"`` one is. A policy can write
    such answers, and trainers leave rows without a reward out of the baseline; so
    ``goldstone train`` does the latter.

    >>> scorer = Scorer("r1-zero")
    >>> row = {"completion": "<think>6 * 7</think><answer>42</answer>", "reference": "42"}
    >>> scorer.score(row).reward
    2.0
    >>> scorer.score(row | {"reference": None}).reward is None
    True
    """

    __slots__ = ("_engine", "_key", "_process", "_spec")

    def __init__(
        self,
        spec: str | os.PathLike[str],
        *,
        jobs: int = 0,
        worker: str | os.PathLike[str] | None = None,
        unknown: Literal["null", "wrong"] = "null",
    ) -> None:
        if not isinstance(spec, (str, os.PathLike)):
            raise TypeError(
                f"a spec is a name, a path or TOML text, not `{type(spec).__name__}`"
            )
        if not isinstance(jobs, int) or isinstance(jobs, bool) or not 0 <= jobs <= MOST_JOBS:
            raise ValueError(f"jobs is {jobs!r}; it is a whole number from 0 to {MOST_JOBS}")
        loaded = _goldstone.Spec.load(os.fspath(spec))
        if unknown not in ("null", "wrong"):
            raise ValueError(f'unknown is {unknown!r}; it is "null" or "wrong"')
        source = _engines.Source(loaded.origin, loaded.text, tuple(loaded.grammars))
        binary = None if worker is None else os.fspath(worker)
        self._set(loaded, _engines.Key(source, jobs, binary, unknown))

    def _set(self, spec: _goldstone.Spec, key: _engines.Key) -> None:
        self._spec = spec
        self._key = key
        self._engine: _goldstone.Engine | None = None
        self._process = -1

    def _started(self) -> _goldstone.Engine:
        engine = self._engine
        if engine is None or self._process != os.getpid():
            engine = self._engine = _engines.engine(self._key)
            self._process = os.getpid()
        return engine

    def score(self, rollout: Mapping[str, Any]) -> Score:
        """Scores one rollout, on the calling thread; the GIL is free meanwhile,
        unless rows lately took so little that handing it on would take longer.

        What is wrong with the rollout is in the score: nothing is raised for a missing
        reference. A reward that compares the rollouts of a group is ``None`` with the
        reason ``needs_group``: score whole groups with :meth:`score_batch`.
        """
        return self._started().score(rollout)

    def score_batch(self, rows: Any) -> list[Score]:
        """Scores many rollouts on all threads, each among all those of its group; the
        scores are in the order of the rows.

        ``rows`` is an iterable of mappings, a mapping of columns, or whatever speaks
        Arrow's C stream interface (tables of pyarrow, polars, pandas).
        """
        engine = self._started()
        if hasattr(rows, "__arrow_c_stream__"):
            return engine.score_stream(rows)
        if isinstance(rows, Mapping):
            _check_columns(rows)
            return engine.score_columns(rows)
        if isinstance(rows, (str, bytes)):
            raise TypeError("rows are mappings; `score_json` takes JSON texts")
        return engine.score_rows(rows)

    def score_json(self, rows: Iterable[str | bytes]) -> list[bytes]:
        """Scores JSON objects; each score is the line that ``goldstone score --columns
        scores`` writes, without its line end."""
        if isinstance(rows, (str, bytes)):
            raise TypeError("rows are a list of JSON texts, one for each rollout")
        # Half of a surrogate pair becomes the escape that JSON has for it.
        texts = (
            row.encode("utf-8", "backslashreplace") if isinstance(row, str) else row
            for row in rows
        )
        return self._started().score_json(texts)

    def score_table(self, table: Any, *, json: str | None = None) -> pyarrow.Table:
        """Scores an Arrow table: a row comes out for each that goes in, with the columns
        ``id``, ``group``, ``reward``, ``status``, for each reward ``r.<name>``,
        ``raw.<name>`` and ``reason.<name>``, and ``error``. ``json`` names one column more,
        with each score as the command line writes it; ``ValueError`` where it is one of
        these. Needs pyarrow."""
        import pyarrow

        if not hasattr(table, "__arrow_c_stream__"):
            raise TypeError(f"`{type(table).__name__}` is no Arrow table")
        self._check_column(json)
        scored: pyarrow.Table = pyarrow.table(self._started().score_table(table, json))
        return scored

    def _check_column(self, json: str | None) -> None:
        """Refuses a column for the scores that has the name of another one."""
        of_rewards = {f"{part}.{name}" for part in ("r", "raw", "reason") for name in self.rewards}
        if json in of_rewards | {"id", "group", "reward", "status", "error"}:
            raise ValueError(f"`json` is {json!r}, which is another column of the scores")

    async def ascore(self, rollout: Mapping[str, Any]) -> Score:
        """:meth:`score` on a thread of asyncio's."""
        return await asyncio.to_thread(self.score, rollout)

    async def ascore_batch(self, rows: Any) -> list[Score]:
        """:meth:`score_batch` on a thread of asyncio's."""
        return await asyncio.to_thread(self.score_batch, rows)

    @property
    def name(self) -> str:
        """The spec's name."""
        return self._spec.name

    @property
    def description(self) -> str:
        """The spec's description; empty if it has none."""
        return self._spec.description

    @property
    def text(self) -> str:
        """The spec's TOML text."""
        return self._spec.text

    @property
    def sha256(self) -> str:
        """SHA-256 of the spec's text and of the grammars that it names."""
        return self._spec.sha256

    @property
    def rewards(self) -> tuple[str, ...]:
        """The names of the rewards, in the spec's order."""
        return tuple(self._spec.rewards)

    @property
    def weights(self) -> dict[str, float]:
        """The weight of every reward, by name."""
        return dict(zip(self._spec.rewards, self._spec.weights, strict=True))

    @property
    def solvers(self) -> tuple[str, ...]:
        """The rewards that judge the answer, in the spec's order; a rollout is solved by
        the verdict of the first that applies."""
        return tuple(self._spec.solvers)

    @property
    def adds_up(self) -> bool:
        """Whether a total is the sum of its terms: no gate, no table, no clip."""
        return self._spec.adds_up

    @property
    def needs_groups(self) -> bool:
        """Whether a reward compares the rollouts of a group."""
        return self._spec.needs_groups

    def __getstate__(self) -> _engines.Key:
        return self._key

    def __setstate__(self, key: _engines.Key) -> None:
        self._set(key.spec(), key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scorer) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Scorer({self._key.source.origin!r}, rewards={self.rewards!r})"


def _check_columns(columns: Mapping[str, Any]) -> None:
    """Refuses what has items but no order, or no rows of its own: a set, a mapping."""
    for name, column in columns.items():
        if isinstance(column, (Set, Mapping)):
            raise TypeError(
                f"the column `{name}` is a `{type(column).__name__}`; a column is a list or an array"
            )


def shipped_specs() -> dict[str, str]:
    """The TOML texts of the specs that come with goldstone, by name."""
    return dict(_goldstone.shipped())
