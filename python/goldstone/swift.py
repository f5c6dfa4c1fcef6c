"""Reward classes for ms-swift's GRPO (`--reward_funcs`, by `--external_plugins`).

    # plugin.py
    from swift.rewards import orms
    import goldstone.swift
    orms["goldstone"] = goldstone.swift.orm("r1-zero")

ms-swift takes `None` for a row without a reward, and adds the others up: a row that has
none in any function is paid 0. Source: ms-swift 4.6.0, `swift/rewards/orm.py` and
`swift/rl_core/grpo_algorithm.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldstone import Scorer
from goldstone._outcomes import Otherwise, Outcomes, Unknown
from goldstone._rows import Columns, group_by_prompt, rows, text_or_messages

__all__ = ["orm"]


def orm(
    spec: Any,
    *,
    columns: Mapping[str, str] | None = None,
    abstain: Otherwise = None,
    on_error: Otherwise = None,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
    name: str | None = None,
    **scorer: Any,
) -> type:
    """A class for ms-swift's registry `orms`; the options are those of `goldstone.trl`.

    `name`, by default the spec's, is what the trainer's logs call it.
    """
    from swift.rewards.orm import ORM

    found = Scorer(spec, unknown=unknown, **scorer)
    mapping = Columns(columns)
    outcomes = Outcomes(abstain=abstain, on_error=on_error, on_failure=on_failure)

    class Reward(ORM):  # type: ignore[misc]
        """The spec's total."""

        def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
            rollouts = [
                _rollout(completion, row, mapping)
                for completion, row in zip(completions, rows(columns, len(completions)))
            ]
            if found.needs_groups:
                group_by_prompt(rollouts)
            return [outcomes.reward(score) for score in found.score_batch(rollouts)]

    Reward.__name__ = Reward.__qualname__ = name or found.name
    return Reward


def _rollout(completion: Any, row: dict[str, Any], columns: Columns) -> dict[str, Any]:
    messages = text_or_messages(row.get("messages")) or []
    # The conversation ends with the completion.
    if messages and messages[-1].get("role") == "assistant":
        messages = messages[:-1]
    told = {"prompt": messages, "completion": text_or_messages(completion)}
    if row.get("prompt_id"):
        told["group"] = row["prompt_id"]
    turns = row.get("response_token_ids")
    if turns:
        told["n_tokens"] = sum(map(len, turns))
    # With both, the trainer says how sampling ended, not the data set.
    ended = row.get("finish_reason")
    if "is_truncated" in row and bool(row["is_truncated"]) == (ended == "length"):
        told["finish_reason"] = ended
    return columns.rollout(row, told)
