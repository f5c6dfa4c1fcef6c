"""Trustworthy rewards for reinforcement learning on verifiable tasks.

>>> import goldstone
>>> scorer = goldstone.Scorer("r1-zero")
>>> score = scorer.score({
...     "completion": "<think>6 * 7</think><answer>42</answer>",
...     "reference": "42",
... })
>>> score.reward, score.terms["accuracy"].verdict
(2.0, 'correct')
>>> bool(goldstone.verify_math("1/2", "0.5"))
True

A reward is a number, ``None`` where nobody can say, or ``None`` with an error where the
row is unusable or goldstone failed; no failure is ever a 0.
"""

from . import _pickles  # noqa: F401 - registers
from ._errors import (
    BadReferenceError,
    EngineError,
    GoldstoneError,
    OptionError,
    SandboxError,
    SpecError,
)
from ._functions import Language, Outcome, Sections, Verdict, language, parse, run_code, verify_math
from ._goldstone import RowError, Score, Term, __version__
from ._scorer import Scorer, shipped_specs

__all__ = [
    "BadReferenceError",
    "EngineError",
    "GoldstoneError",
    "Language",
    "OptionError",
    "Outcome",
    "RowError",
    "SandboxError",
    "Score",
    "Scorer",
    "Sections",
    "SpecError",
    "Term",
    "Verdict",
    "__version__",
    "language",
    "parse",
    "run_code",
    "shipped_specs",
    "verify_math",
]
