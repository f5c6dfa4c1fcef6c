"""Reward functions for verifiers and prime-rl, of both of its interfaces.

Rubrics (verifiers 0.1):

    rubric = vf.Rubric(funcs=[goldstone.verifiers.reward("r1-zero")])

Tasks (verifiers 0.4, `verifiers.v1`):

    class Arithmetic(vf.Task[Data]):
        score = goldstone.verifiers.task_reward("r1-zero")

A rubric takes numbers alone, and turns an exception into 0 after logging it; that is its
rule, not ours. A task keeps the exception on its trace, without a reward. Sources:
verifiers 0.1.14, `rubrics/rubric.py`; 0.4.0, `v1/task.py` and `v1/trace.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from goldstone import Scorer
from goldstone._outcomes import Otherwise, Outcomes, Unknown
from goldstone._rows import Columns, text_or_messages
from goldstone._shared import scorer_of_rows

__all__ = ["GroupReward", "Reward", "reward", "task_reward"]


def reward(
    spec: Any,
    *,
    columns: Mapping[str, str] | None = None,
    abstain: Otherwise = 0.0,
    on_error: Otherwise = 0.0,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
    name: str | None = None,
    **scorer: Any,
) -> Reward | GroupReward:
    """The spec's total as a function for a `Rubric`.

    The rubric's `answer` is the reference; the row's other columns, and the keys of
    `info`, are the rollout's. A spec that compares a group gives a function of groups.
    """
    found = Scorer(spec, unknown=unknown, **scorer)
    outcomes = Outcomes(
        abstain=abstain,
        on_error=on_error,
        on_failure=on_failure,
        number=True,
        silent="a rubric of verifiers",
    )
    kind = GroupReward if found.needs_groups else Reward
    return kind(found, Columns(columns), outcomes, name or found.name)


class _Function:
    def __init__(self, scorer: Scorer, columns: Columns, outcomes: Outcomes, name: str) -> None:
        self._scorer = scorer
        self._columns = columns
        self._outcomes = outcomes
        self.__name__ = name
        self.__qualname__ = name

    def __repr__(self) -> str:
        return f"goldstone.verifiers.{type(self).__name__}({self._scorer.name!r})"

    def _rollout(
        self, prompt: Any, completion: Any, answer: Any, info: Any, row: Mapping[str, Any]
    ) -> dict[str, Any]:
        rollout = {**row, **_columns_of(info)}
        # The rubric's own task is an object; a rollout's is the name of a kind.
        if not isinstance(rollout.get("task"), str):
            rollout.pop("task", None)
        rollout["prompt"] = text_or_messages(prompt)
        rollout["completion"] = text_or_messages(completion)
        # An empty answer is how a rubric says that there is none.
        if answer is not None and answer != "":
            rollout["answer"] = rollout["reference"] = answer
        return self._columns.rollout(rollout)


def _columns_of(info: Any) -> Mapping[str, Any]:
    """The columns in a rubric's `info`: a mapping, or JSON text of one."""
    if isinstance(info, str):
        try:
            info = json.loads(info)
        except ValueError:
            return {}
    return info if isinstance(info, Mapping) else {}


class Reward(_Function):
    """A function of one rollout. Made by `reward`; can be pickled."""

    async def __call__(
        self, prompt: Any, completion: Any, answer: Any = None, info: Any = None, **row: Any
    ) -> float:
        """The total of one rollout."""
        rollout = self._rollout(prompt, completion, answer, info, row)
        score = await asyncio.to_thread(self._scorer.score, rollout)
        found = self._outcomes.reward(score)
        assert found is not None, "options without numbers are refused"
        return found


class GroupReward(_Function):
    """A function of all rollouts of a prompt. Made by `reward`; can be pickled."""

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        answers: Sequence[Any],
        infos: Sequence[Any],
    ) -> list[float]:
        """The total of each rollout."""
        rows = zip(prompts, completions, answers, infos, strict=True)
        rollouts = [{**self._rollout(*row, {}), "group": "0"} for row in rows]
        scores = await asyncio.to_thread(self._scorer.score_batch, rollouts)
        return [float(reward or 0) for reward in self._outcomes.rewards(scores)]


def _last_reply(trace: Any) -> Any:
    """What the model said last; `None`, which the score says, where it said nothing."""
    if trace.root_reply is not None:
        return trace.root_reply
    said = trace.assistant_messages
    return text_or_messages(said[-1:]) if said else None


def task_reward(
    spec: Any,
    *,
    columns: Mapping[str, str] | None = None,
    weight: float = 1.0,
    priority: int = 0,
    unknown: Unknown = "wrong",
    **scorer: Any,
) -> Any:
    """A method for a `vf.Task`: every reward of the spec, by name, so that they add up.

    The task's data are the row, whose `answer` or the like is the reference; what the
    model said last is the completion. A row without a reward raises, so that the trace
    has an error and no number. For a spec whose total is no sum, that total, under the
    spec's name. An undecided answer pays as a wrong one; with `unknown="null"` it raises.
    """
    import verifiers.v1 as vf

    found = scorer_of_rows(spec, "a task of verifiers", unknown=unknown, **scorer)
    mapping = Columns(columns)
    outcomes = Outcomes(abstain="raise", on_error="raise", silent="a task of verifiers")

    async def goldstone_reward(self: Any, task: Any, trace: Any) -> dict[str, float]:
        del self
        row = {name: getattr(task, name) for name in type(task).model_fields}
        row["prompt"] = text_or_messages(task.prompt)
        row["completion"] = _last_reply(trace)
        score = await asyncio.to_thread(found.score, mapping.rollout(row))
        total = outcomes.reward(score)
        assert total is not None, "abstaining raises"
        if not found.adds_up:
            return {found.name: total}
        return {name: t.value for name, t in score.terms.items() if t.value is not None}

    return vf.reward(goldstone_reward, weight=weight, priority=priority)
