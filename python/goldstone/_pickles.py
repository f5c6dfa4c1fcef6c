"""Parts of scores in pickles: each goes as a score with nothing else in it.

A score is pickled by its JSON. Its terms and its error are views of that, without a
constructor of their own.
"""

from __future__ import annotations

import copyreg
import json
from typing import Any

from ._goldstone import RowError, Score, Term

_EMPTY: dict[str, Any] = {"id": "", "group": "", "reward": None, "terms": {}}


def _term(text: str) -> Term:
    score = {**_EMPTY, "status": "ok", "terms": {"term": json.loads(text)}}
    return Score.from_json(json.dumps(score).encode()).terms["term"]


def _row_error(text: str) -> RowError:
    score = {**_EMPTY, "status": "error", "error": json.loads(text)}
    error = Score.from_json(json.dumps(score).encode()).error
    assert error is not None, "the score has one"
    return error


def _reduce_term(term: Term) -> tuple[Any, tuple[str]]:
    parts = ("value", "raw", "verdict", "reason", "detail")
    return _term, (json.dumps({part: getattr(term, part) for part in parts}),)


def _reduce_row_error(error: RowError) -> tuple[Any, tuple[str]]:
    parts = ("kind", "message", "field", "term")
    return _row_error, (json.dumps({part: getattr(error, part) for part in parts}),)


copyreg.pickle(Term, _reduce_term)
copyreg.pickle(RowError, _reduce_row_error)
