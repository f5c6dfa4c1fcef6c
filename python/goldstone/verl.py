"""verl's `compute_score`, for its reward managers (naive, dapo, gdpo, rate_limited, remote).

    reward.custom_reward_function.path=pkg://goldstone.verl
    reward.custom_reward_function.name=compute_score
    +reward.custom_reward_function.reward_kwargs.spec=r1-zero

verl takes numbers alone, so a row without a reward gets one too: `on_error` and
`abstain`, both 0 by default, with `status` and `error` beside it to tell it from a
wrong answer. A failure of goldstone is raised. Source: verl 0.9.1,
`experimental/reward_loop/reward_manager`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from goldstone import Score, Scorer
from goldstone._outcomes import (
    Otherwise,
    Unknown,
    accuracy as accuracy_of,
    outcomes,
    raws,
)
from goldstone._rows import Columns
from goldstone._shared import refuse_groups, refuse_names, scorer, solvers

__all__ = ["compute_score", "compute_score_async", "compute_score_batch"]

# What this gives beside the rewards, what verl's managers and dumps add to it, and the
# columns of its batches, into which all of it goes.
_TAKEN = (
    "score",
    "acc",
    "status",
    "error",
    "reward",
    "timeout",
    "overlong_reward",
    "input",
    "output",
    "gts",
    "step",
    "request_id",
    "uid",
    "index",
    "data_source",
    "reward_model",
    "extra_info",
    "raw_prompt",
    "agent_name",
    "tools_kwargs",
    "interaction_kwargs",
    "multi_modal_data",
    "multi_modal_inputs",
)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    spec: str,
    columns: Mapping[str, str] | None = None,
    accuracy: str | None = None,
    on_error: Otherwise = 0.0,
    abstain: Otherwise = 0.0,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
    reward_router_address: Any = None,
    reward_model_tokenizer: Any = None,
) -> dict[str, Any]:
    """Scores one response.

    `ground_truth` is the reference; the keys of `extra_info` are columns of the row, and
    `columns` names fields among them, as in `{"tests": "ground_truth"}`.

    The dictionary has the same keys for every row, as verl demands: `score`, the total;
    `acc`, 1 where the answer is right, by the reward that `accuracy` names or by the
    spec's first that judges answers; one number for each reward of the spec, before its
    weight (GDPO's `gdpo_reward_keys`); `status`, and `error` with what was wrong, or an
    empty text.

    Raises `ValueError` for a reward by one of these names, or by that of a column of
    verl's batches; for an `accuracy` that judges no answers; and for a reward that asks
    how long the response is in tokens, which verl does not tell.

    `unknown` is `"wrong"` by default: an answer that nobody can decide pays what a
    wrong one pays, as in `goldstone train`. With `"null"` it abstains.
    """
    del reward_router_address, reward_model_tokenizer
    row = _row(data_source, solution_str, ground_truth, extra_info, columns)
    found = scorer(spec, unknown=unknown)
    refuse_groups(found, "verl (`compute_score_batch` aside)")
    refuse_names(found, _TAKEN, "verl")
    right_by = solvers(found, accuracy)
    paid = outcomes(spec, abstain, on_error, on_failure, "verl")
    score = found.score(row)
    return _told(found, score, paid.reward(score), right_by)


async def compute_score_async(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """`compute_score` for a manager that awaits; other rows are scored meanwhile."""
    return await asyncio.to_thread(
        compute_score, data_source, solution_str, ground_truth, extra_info, **options
    )


def compute_score_batch(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    spec: str,
    columns: Mapping[str, str] | None = None,
    accuracy: str | None = None,
    on_error: Otherwise = 0.0,
    abstain: Otherwise = 0.0,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
) -> list[dict[str, Any]]:
    """`compute_score` for all responses of a step at once, as the manager `batch` of
    verl's older trainers calls it. The only form for specs that compare a group: their
    rows need a column `group` in `extra_infos`, such as verl's `index`, by `columns`.
    """
    batch = zip(data_sources, solution_strs, ground_truths, extra_infos, strict=True)
    found = scorer(spec, unknown=unknown)
    refuse_names(found, _TAKEN, "verl")
    right_by = solvers(found, accuracy)
    scores = found.score_batch([_row(*row, columns) for row in batch])
    paid = outcomes(spec, abstain, on_error, on_failure, "verl")
    rewards = paid.rewards(scores)
    return [
        _told(found, score, reward, right_by)
        for score, reward in zip(scores, rewards, strict=True)
    ]


def _row(
    data_source: str,
    solution: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None,
    columns: Mapping[str, str] | None,
) -> dict[str, Any]:
    row = {name: value for name, value in (extra_info or {}).items() if value is not None}
    row["data_source"] = data_source
    row["completion"] = solution
    row["ground_truth"] = row["reference"] = ground_truth
    return Columns(columns).rollout(row)


def _told(
    found: Scorer, score: Score, reward: float | None, right_by: Sequence[str]
) -> dict[str, Any]:
    return {
        "score": reward,
        "acc": accuracy_of(score, right_by),
        **raws(score, found.rewards),
        "status": score.status,
        "error": score.error.message if score.error is not None else "",
    }
