"""Reward functions for TRL's trainers (GRPO, RLOO), and for those that call as TRL does
(Axolotl, Unsloth).

    from goldstone import trl

    GRPOTrainer(model=…, reward_funcs=trl.reward("r1-zero"), train_dataset=…)

`reward` is one function for the total. `rewards` gives one function for each reward of
the spec, with `weights` for the trainer's `reward_weights`. Rows without a reward are
`None`, which TRL leaves out of the group's baseline. Source: TRL 1.16.0,
`GRPOTrainer._calculate_rewards`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from math import fsum
from typing import Any

from goldstone import Score, Scorer
from goldstone._outcomes import Otherwise, Outcomes, has_failed, reasons
from goldstone._rows import Columns, group_by_prompt, rows, text_or_messages
from goldstone._shared import refuse_names

__all__ = ["Reward", "reward", "rewards", "weights"]

# Columns of the trainer's table of completions, which has one for each function.
_COLUMNS = ("step", "prompt", "completion", "advantage")

# What is logged beside the rewards.
_STATUSES = ("abstain", "error")


def reward(
    spec: Any,
    *,
    columns: Mapping[str, str] | None = None,
    num_generations: int | None = None,
    abstain: Otherwise = None,
    on_error: Otherwise = None,
    on_failure: Otherwise = "raise",
    name: str | None = None,
    **scorer: Any,
) -> Reward:
    """The spec's total as one reward function.

    `spec` and the options in `scorer` are those of `goldstone.Scorer`. `columns` names
    the data set's columns where the defaults are wrong, `{"reference": "gold"}`; by
    default the reference is the row's `reference`, `answer`, `ground_truth` or
    `solution`, the first that it has. `num_generations` is needed only by rewards that
    compare a group, and only if a batch may hold one prompt twice in a row. `abstain`,
    `on_error` and `on_failure` say what a row is paid that nobody can judge, that is
    unusable, or on which goldstone failed: a number, `None` or `"raise"`.

    `name` is what the trainer's logs call it; by default the spec's name.
    """
    outcomes = Outcomes(abstain=abstain, on_error=on_error, on_failure=on_failure)
    batches = _Batches(Scorer(spec, **scorer), Columns(columns), outcomes, num_generations)
    refuse_names(batches.scorer, _STATUSES, "the log of TRL's adapter")
    called = name or batches.scorer.name
    if called in _COLUMNS:
        raise ValueError(f"TRL's table of completions has a column `{called}`; give `name`")
    return Reward(batches, None, called)


def rewards(
    spec: Any,
    *,
    columns: Mapping[str, str] | None = None,
    num_generations: int | None = None,
    abstain: Otherwise = None,
    on_error: Otherwise = None,
    on_failure: Otherwise = "raise",
    **scorer: Any,
) -> list[Reward]:
    """One reward function for each reward of the spec, in its order, each with its
    number before the weight; `weights` has the weights.

    A batch is scored once for all of them. A row whose total is `None` is `None` in
    each: the sum of the others would pay it for what nobody has judged. A reward that
    does not apply to a row is `None` there.

    Raises `ValueError` for a spec with a gate, a table or a clipped total, which no sum
    of functions comes to.
    """
    outcomes = Outcomes(abstain=abstain, on_error=on_error, on_failure=on_failure)
    batches = _Batches(Scorer(spec, **scorer), Columns(columns), outcomes, num_generations)
    if not batches.scorer.adds_up:
        raise ValueError(
            f"the total of `{batches.scorer.name}` is no sum of its rewards; use `reward`, "
            "which is one function"
        )
    refuse_names(batches.scorer, _COLUMNS, "TRL's table of completions")
    return [Reward(batches, term, term) for term in batches.scorer.rewards]


def weights(spec: Any, **scorer: Any) -> list[float]:
    """The weights of `rewards(spec)`, for the trainer's `reward_weights`."""
    found = Scorer(spec, **scorer)
    return [found.weights[name] for name in found.rewards]


class Reward:
    """A reward function as TRL calls it. Made by `reward` and `rewards`.

    Can be pickled, also by trainers that score in a process of their own. `__name__`
    is its name in the logs and may be set.
    """

    def __init__(self, batches: _Batches, term: str | None, name: str) -> None:
        self._batches = batches
        self._term = term
        self.__name__ = name
        self.__qualname__ = name

    def __repr__(self) -> str:
        of = "" if self._term is None else f", reward={self._term!r}"
        return f"goldstone.trl.Reward({self._batches.scorer.name!r}{of})"

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        trainer_state: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One number, or `None`, for each completion."""
        del trainer_state
        scores = self._batches.score(
            prompts, completions, completion_ids, columns, self._term
        )
        of_spec = self._batches.scorer.rewards
        if self._term is None:
            found = [self._batches.outcomes.reward(score) for score in scores]
        else:
            found = [self._batches.term(score, self._term) for score in scores]
        # Of the functions for the rewards of a spec, one speaks for all.
        if scores and (self._term is None or self._term == of_spec[0]):
            self._log(scores, log_extra, log_metric)
        return found

    def _log(
        self,
        scores: list[Score],
        log_extra: Callable[[str, list[Any]], None] | None,
        log_metric: Callable[[str, float], None] | None,
    ) -> None:
        name = self.__name__ if self._term is None else self._batches.scorer.name
        if log_extra is not None:
            # A column of the function's own name would take the place of its numbers.
            log_extra(f"{name}/reasons", [reasons(score) for score in scores])
        if log_metric is None:
            return
        # TRL itself logs the means of functions that stand alone.
        for of_spec in self._batches.scorer.rewards if self._term is None else ():
            terms = [score.terms[of_spec].raw for score in scores if of_spec in score.terms]
            numbers = [raw for raw in terms if raw is not None]
            if numbers:
                log_metric(f"{name}/{of_spec}", fsum(numbers) / len(numbers))
        for status in _STATUSES:
            share = sum(score.status == status for score in scores) / len(scores)
            log_metric(f"{name}/{status}", share)


class _Batches:
    """Batches of a trainer, each scored once, however many functions ask."""

    def __init__(
        self,
        scorer: Scorer,
        columns: Columns,
        outcomes: Outcomes,
        num_generations: int | None,
    ) -> None:
        self.scorer = scorer
        self.columns = columns
        self.outcomes = outcomes
        if num_generations is not None and num_generations < 1:
            raise ValueError(f"`num_generations` is {num_generations}; a group has 1 or more")
        self.num_generations = num_generations
        self._lock = threading.Lock()
        self._last: tuple[Any, list[Score], set[str | None]] | None = None
        _made.add(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_last": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())
        _made.add(self)

    def score(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None,
        columns: Mapping[str, Any],
        term: str | None,
    ) -> list[Score]:
        """The scores, for the function of the reward `term`."""
        rollouts = self._rollouts(prompts, completions, completion_ids, columns)
        key = _frozen(rollouts)
        with self._lock:
            # A batch with failures is scored anew for a function that asks again; the
            # others must be told of the same scores, as their numbers are added up.
            if self._last is not None and self._last[0] == key:
                _, scores, asked = self._last
                if term not in asked or not any(map(has_failed, scores)):
                    asked.add(term)
                    return scores
            scores = self.scorer.score_batch(rollouts)
            self._last = key, scores, {term}
            return scores

    def _rollouts(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None,
        columns: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        count = len(completions)
        if len(prompts) != count:
            raise ValueError(f"{len(prompts)} prompts, but {count} completions")
        for name, values in {"completion_ids": completion_ids, **columns}.items():
            if isinstance(values, (list, tuple)) and len(values) != count:
                raise ValueError(
                    f"the column `{name}` has {len(values)} values, but there are {count} "
                    "completions"
                )
        rollouts = []
        for index, row in enumerate(rows(columns, count)):
            told = {
                "prompt": text_or_messages(prompts[index]),
                "completion": text_or_messages(completions[index]),
            }
            if completion_ids is not None:
                told["n_tokens"] = len(completion_ids[index])
            rollouts.append(self.columns.rollout(row, told))
        if self.scorer.needs_groups:
            group_by_prompt(rollouts, self.num_generations)
        return rollouts

    def term(self, score: Score, name: str) -> float | None:
        """The number of one reward, before its weight."""
        if score.reward is None:
            return self.outcomes.without(score, tell=name == self.scorer.rewards[0])
        term = score.terms.get(name)
        return None if term is None else term.raw


#: All that there are, for a forked child.
_made: weakref.WeakSet[_Batches] = weakref.WeakSet()


def _after_in_child() -> None:
    # A thread of the parent may have been scoring; it is not in the child.
    for batches in list(_made):
        batches._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)


class _Same:
    """An object that is equal to itself alone, and kept so that no other takes its place."""

    __slots__ = ("of",)

    def __init__(self, of: Any) -> None:
        self.of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.of is other.of

    __hash__ = None  # type: ignore[assignment]


def _frozen(value: Any) -> Any:
    """What `value` is now, to compare a later one with, whatever is done to it meanwhile."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        # 1, 1.0 and True are equal, but not the same answer.
        return type(value), value
    if isinstance(value, Mapping):
        return [(name, _frozen(inner)) for name, inner in value.items()]
    if isinstance(value, (list, tuple)):
        return [_frozen(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _frozen(value.tolist())
    return _Same(value)
