"""slime's custom reward model, for `--custom-rm-path`.

    GOLDSTONE_SPEC=r1-zero … --custom-rm-path goldstone.slime.custom_rm

or, with options, a module of one's own that says

    custom_rm = goldstone.slime.reward("r1-zero")

`goldstone serve` answers `--rm-url`. Source: slime, August 2026, `rollout/rm_hub` and
`utils/types.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from goldstone import Score, Scorer
from goldstone._outcomes import Otherwise, Outcomes, Unknown, raws
from goldstone._rows import END_TOKENS, Columns, group_by_prompt, text_or_messages, without_end
from goldstone._shared import refuse_groups, refuse_names, spec_of_environment

__all__ = ["Reward", "custom_rm", "reward"]

#: How slime says that sampling ended, and what a rollout calls it.
_FINISH = {"completed": "stop", "truncated": "length", "aborted": "abort"}


def reward(
    spec: Any,
    *,
    columns: Mapping[str, str] | None = None,
    end_tokens: Sequence[str] = END_TOKENS,
    abstain: Otherwise = 0.0,
    on_error: Otherwise = 0.0,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
    **scorer: Any,
) -> Reward:
    """A custom reward model for the spec; the options are those of `goldstone.verl`.

    `end_tokens` are taken off the end of a response, which slime decodes with them.
    """
    found = Scorer(spec, unknown=unknown, **scorer)
    outcomes = Outcomes(abstain=abstain, on_error=on_error, on_failure=on_failure, number=True)
    return Reward(found, Columns(columns), outcomes, tuple(end_tokens))


class Reward:
    """A custom reward model. Made by `reward`; can be pickled."""

    def __init__(
        self, scorer: Scorer, columns: Columns, outcomes: Outcomes, end_tokens: Sequence[str]
    ) -> None:
        self._scorer = scorer
        self._columns = columns
        self._outcomes = outcomes
        self._end_tokens = end_tokens
        self.__name__ = "custom_rm"

    async def __call__(self, args: Any, sample: Any, **options: Any) -> Any:
        """The reward of a sample, or a list for a list of them (`--group-rm`).

        With `--reward-key`, a dictionary: `score` is the total, and there is a key for
        each reward of the spec, before its weight; `ValueError` for one called `score`.
        """
        del options
        if getattr(args, "reward_key", None):
            refuse_names(self._scorer, ("score",), "slime with `--reward-key`")
        if not isinstance(sample, (list, tuple)):
            refuse_groups(self._scorer, "slime without `--group-rm`")
        samples = list(sample) if isinstance(sample, (list, tuple)) else [sample]
        rollouts = [self._rollout(one) for one in samples]
        if self._scorer.needs_groups:
            group_by_prompt(rollouts)
        scores = await asyncio.to_thread(self._scorer.score_batch, rollouts)
        told = [self._told(args, score) for score in scores]
        return told if isinstance(sample, (list, tuple)) else told[0]

    def _rollout(self, sample: Any) -> dict[str, Any]:
        metadata = sample.metadata if isinstance(sample.metadata, Mapping) else {}
        row = {name: value for name, value in metadata.items() if value is not None}
        row["prompt"] = text_or_messages(sample.prompt)
        response = sample.response
        if isinstance(response, str):
            response = without_end(response, self._end_tokens)
        row["completion"] = response
        row["label"] = row["reference"] = sample.label
        row["n_tokens"] = sample.response_length
        row["finish_reason"] = _FINISH.get(str(getattr(sample.status, "value", "")))
        if sample.group_index is not None:
            row["group"] = str(sample.group_index)
        return self._columns.rollout(row)

    def _told(self, args: Any, score: Score) -> float | dict[str, float | None] | None:
        total = self._outcomes.reward(score)
        if getattr(args, "reward_key", None):
            return {"score": total, **raws(score, self._scorer.rewards)}
        return total


_of_environment: Reward | None = None


async def custom_rm(args: Any, sample: Any, **options: Any) -> Any:
    """The custom reward model of the spec that `GOLDSTONE_SPEC` names."""
    global _of_environment
    if _of_environment is None:
        _of_environment = reward(spec_of_environment())
    return await _of_environment(args, sample, **options)
