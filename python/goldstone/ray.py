"""Scoring inside of the data engines that people run already: Ray Data, Spark,
Hugging Face datasets.

>>> import pyarrow
>>> score_rows = ScoreRows("r1-zero")
>>> rows = pyarrow.table({
...     "completion": ["<think>6 * 7</think><answer>42</answer>"],
...     "reference": ["42"],
... })
>>> score_rows(rows)["reward"].to_pylist()
[2.0]

With Ray, each row group of Parquet files goes to an actor::

    rows = ray.data.read_parquet("rollouts/")
    scored = rows.map_batches(
        ScoreRows,
        fn_constructor_args=("gsm8k",),
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=8),
    )
    scored.write_parquet("scored/")
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._errors import OptionError
from ._scorer import Scorer

if TYPE_CHECKING:
    import pyarrow

__all__ = ["ScoreRows"]


class ScoreRows:
    """Scores batches of rows: those of Ray's ``map_batches(batch_format="pyarrow")``, of
    ``datasets.map(batched=True)``, of Spark's ``mapInArrow`` (as :meth:`stream`).

    What comes out has the columns of what went in and those of
    :meth:`Scorer.score_table`, which take the place of columns of the same name;
    ``keep=False`` leaves out the former. ``json`` names a column for each score as the
    command line writes it.

    ``jobs`` is 1 because such engines give a worker one CPU; give more where it has more.
    Rows without an ``id`` are called by their place in the batch.

    A spec that compares the rollouts of a group needs groups whole, which batches are
    not: it is refused unless ``whole_groups`` says that they are (``groupby("group")
    .map_groups``).
    """

    def __init__(
        self,
        spec: str | os.PathLike[str],
        *,
        jobs: int = 1,
        worker: str | os.PathLike[str] | None = None,
        keep: bool = True,
        json: str | None = None,
        whole_groups: bool = False,
    ) -> None:
        self.scorer = Scorer(spec, jobs=jobs, worker=worker)
        self.scorer._check_column(json)
        if self.scorer.needs_groups and not whole_groups:
            raise OptionError(
                "the spec compares the rollouts of a group, and a batch may have a part of one; "
                "give whole groups and `whole_groups=True`"
            )
        self._keep = keep
        self._json = json

    def __call__(self, batch: Any) -> Any:
        """The scores of a batch, in its form: a table for a table or a record batch, a
        dictionary of columns for a dictionary of columns. For a batch of Hugging Face
        datasets a table, as its columns have types: a dictionary's are those of the
        values, and the writer keeps those of the first batches, which may have no error."""
        table = getattr(batch, "pa_table", None)
        if table is not None:
            return self._table(table)
        if isinstance(batch, Mapping):
            return self._columns(batch)
        return self._table(batch)

    def stream(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Record batches in, record batches out, as Spark's ``mapInArrow`` calls it."""
        for batch in batches:
            yield from self._table(batch).to_batches()

    def _table(self, batch: Any) -> pyarrow.Table:
        import pyarrow

        scored = self.scorer.score_table(batch, json=self._json)
        if not self._keep:
            return scored
        rows: pyarrow.Table = pyarrow.table(batch)
        names = set(scored.column_names)
        kept = rows.select([name for name in rows.column_names if name not in names])
        for name in scored.column_names:
            kept = kept.append_column(scored.schema.field(name), scored[name])
        return kept

    def _columns(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        scores = self.scorer.score_batch(batch)
        scored: dict[str, list[Any]] = dict(batch) if self._keep else {}
        scored["id"] = [score.id for score in scores]
        scored["group"] = [score.group for score in scores]
        scored["reward"] = [score.reward for score in scores]
        scored["status"] = [score.status for score in scores]
        for prefix, part in (("r", "value"), ("raw", "raw"), ("reason", "reason")):
            for name in self.scorer.rewards:
                terms = (score.terms.get(name) for score in scores)
                scored[f"{prefix}.{name}"] = [getattr(term, part, None) for term in terms]
        errors = (score.error for score in scores)
        scored["error"] = [None if error is None else error.message for error in errors]
        if self._json is not None:
            scored[self._json] = [score.to_json().decode() for score in scores]
        return scored
