"""Verifiers for open-instruct, one for each value of a row's `dataset`.

    import goldstone.open_instruct
    goldstone.open_instruct.verifier("gsm8k_strict", "gsm8k")

open-instruct finds verifiers by what is derived from its `VerifierFunction`; import the
module that says this before it builds them. It multiplies a score by the verifier's
weight and by `verification_reward`, and expects 0 to 1; the spec's total goes over as it
is. open-instruct is not on PyPI; this follows its source of August 2026,
`open_instruct/ground_truth_utils.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldstone._outcomes import Otherwise, Outcomes, Unknown, reasons
from goldstone._rows import Columns
from goldstone._shared import scorer_of_rows

__all__ = ["verifier"]

# Python forgets derived classes that nobody holds.
_made: list[type] = []


def verifier(
    dataset: str,
    spec: Any,
    *,
    weight: float = 1.0,
    columns: Mapping[str, str] | None = None,
    abstain: Otherwise = 0.0,
    on_error: Otherwise = 0.0,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
    **scorer: Any,
) -> type:
    """A verifier class for the rows of `dataset`.

    The row's `ground_truth` is the column `label` and the reference; its prompt, where
    the trainer gives it, is the prompt.
    """
    from open_instruct import ground_truth_utils

    found = scorer_of_rows(spec, "open-instruct", unknown=unknown, **scorer)
    mapping = Columns(columns)
    outcomes = Outcomes(abstain=abstain, on_error=on_error, on_failure=on_failure, number=True)

    class Verifier(ground_truth_utils.VerifierFunction):  # type: ignore[misc]
        """The spec's total."""

        def __init__(self, verifier_config: Any = None) -> None:
            super().__init__(dataset, weight=weight, verifier_config=verifier_config)

        def __call__(
            self,
            tokenized_prediction: Any,
            prediction: str,
            label: Any,
            query: str | None = None,
            rollout_state: Any = None,
        ) -> Any:
            del rollout_state
            row = {"completion": prediction, "label": label, "reference": label, "prompt": query}
            if tokenized_prediction is not None:
                row["n_tokens"] = len(tokenized_prediction)
            score = found.score(mapping.rollout(row))
            total = outcomes.reward(score)
            return ground_truth_utils.VerificationResult(score=total, reasoning=reasons(score))

    Verifier.__name__ = Verifier.__qualname__ = f"Goldstone_{dataset}"
    _made.append(Verifier)
    return Verifier
