"""OpenRLHF's `reward_func`, for `--reward.remote_url`.

    GOLDSTONE_SPEC=r1-zero python -m openrlhf.cli.train_ppo_ray \\
        --reward.remote_url "$(python -c 'import goldstone.openrlhf as m; print(m.__file__)')" …

For options, write a file of two lines and name that:

    from goldstone.openrlhf import reward
    reward_func = reward("r1-zero", on_error="raise")

OpenRLHF gives the prompt and the response as one text; this takes the response out of
it, and a row where it cannot is unusable: a prompt must not be judged as an answer.
`goldstone serve` answers the same trainer over HTTP. Source: OpenRLHF 0.11.2,
`openrlhf/utils/agent.py`.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from goldstone import Score, Scorer
from goldstone._outcomes import Otherwise, Outcomes, Unknown, accuracy as is_right, raws
from goldstone._rows import END_TOKENS, Columns, without_end
from goldstone._shared import refuse_names, scorer_of_rows, solvers, spec_of_environment

_log = logging.getLogger("goldstone")

__all__ = ["END_TOKENS", "Reward", "response", "reward", "reward_func"]

# What a tokenizer may put before the prompt: `<s>`, `<|begin_of_text|>`, `[gMASK]<sop>`.
_BEGIN = re.compile(r"(?:<[^<>\s]{1,32}>|\[gMASK\]){1,4}")

# What the trainer logs beside `extra_logs`, in the same place, and what these have beside
# the rewards. The same list is in `src/serve/protocol/openrlhf.rs`.
_TAKEN = (
    "abstain",
    "error",
    "reward",
    "score",
    "scores",
    "rewards",
    "response_clip_ratio",
    "response_length",
    "truncated",
    "total_length",
    "return",
    "kl",
    "logprobs_diff",
    "group_reward_std",
    "policy_loss",
    "critic_loss",
    "values",
    "actor_lr",
    "critic_lr",
    "entropy_loss",
    "ppo_clip_ratio",
    "ppo_kl",
    "vllm_kl",
    "is_filter_ratio",
    "actor_grad_norm",
    "critic_grad_norm",
)

# How much of a prompt's end must be found for a prompt that was cut at the front.
_LEAST_TAIL = 32


class NoResponseError(ValueError):
    """A query that does not begin with its prompt."""


def reward(
    spec: Any,
    *,
    accuracy: str | None = None,
    end_tokens: Sequence[str] = END_TOKENS,
    on_error: Otherwise = 0.0,
    abstain: Otherwise = 0.0,
    on_failure: Otherwise = "raise",
    unknown: Unknown = "wrong",
    **scorer: Any,
) -> Reward:
    """A `reward_func` for the spec.

    OpenRLHF takes numbers alone: `on_error` and `abstain` say what unusable and
    undecided rows are paid, and `extra_logs` counts them. An exception (`"raise"`)
    leaves the row without a reward, at which the trainer stops.

    `accuracy` names the reward whose verdict is the trainer's `scores`, for dynamic
    filtering; by default the spec's first that judges answers.

    Raises `ValueError` for a reward by a name that the trainer logs something else under,
    and for an `accuracy` that judges no answers. A reward that asks how long a response is
    in tokens, which the trainer does not tell, raises with the first row.
    """
    found = scorer_of_rows(spec, "OpenRLHF", unknown=unknown, **scorer)
    refuse_names(found, _TAKEN, "OpenRLHF")
    outcomes = Outcomes(
        abstain=abstain,
        on_error=on_error,
        on_failure=on_failure,
        number=True,
        silent="OpenRLHF",
    )
    return Reward(found, outcomes, solvers(found, accuracy), tuple(end_tokens))


class Reward:
    """A `reward_func`. Made by `reward`; can be pickled."""

    def __init__(
        self,
        scorer: Scorer,
        outcomes: Outcomes,
        solvers: Sequence[str],
        end_tokens: Sequence[str],
    ) -> None:
        self._scorer = scorer
        self._outcomes = outcomes
        self._solvers = solvers
        self._end_tokens = end_tokens
        self._told = False
        self.__name__ = "reward_func"

    def __call__(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
    ) -> dict[str, Any]:
        """`rewards`, `scores` (1 for a right answer, else 0: what dynamic filtering looks
        at; of a spec that judges no answers, the reward between 0 and 1) and `extra_logs`,
        as tensors. These have every reward before its weight: 0 where a row lacks it, as
        the trainer has no word for that."""
        import torch

        scores = self.scores(queries, prompts, labels)
        logs: dict[str, list[float]] = {}
        for score in scores:
            of_row: Mapping[str, float] = {
                **raws(score, self._scorer.rewards),
                "abstain": float(score.status == "abstain"),
                "error": float(score.status == "error"),
            }
            for name, number in of_row.items():
                logs.setdefault(name, []).append(number)
        return {
            "rewards": torch.tensor(self._outcomes.rewards(scores)),
            "scores": torch.tensor([self._solved(score) for score in scores]),
            "extra_logs": {name: torch.tensor(numbers) for name, numbers in logs.items()},
        }

    def _solved(self, score: Score) -> float:
        if self._solvers:
            return is_right(score, self._solvers)
        return 0.0 if score.reward is None else min(max(score.reward, 0.0), 1.0)

    def scores(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
    ) -> list[Score]:
        """The scores behind the tensors."""
        rollouts = []
        for query, prompt, label in zip(queries, prompts, labels, strict=True):
            row: dict[str, Any] = {"prompt": prompt, "label": label, "reference": label}
            try:
                row["completion"] = response(query, prompt, self._end_tokens)
            except NoResponseError as error:
                # Without a completion, the row's error says that it is missing.
                row["query"] = query
                if not self._told:
                    _log.warning("%s: %.80r, but the prompt is %.80r", error, query, prompt)
                    self._told = True
            rollouts.append(Columns().rollout(row))
        return self._scorer.score_batch(rollouts)


def response(query: str, prompt: str, end_tokens: Sequence[str] = END_TOKENS) -> str:
    """The response in a query that is the prompt and it, without the tokens that end it.

    The prompt is what the query begins with: as it is, or behind tokens that begin a
    text, or, where the trainer has cut it at the front to fit, its last 32 characters or
    more, if the prompt has these once. As tokenizers do not keep all texts, Unicode's
    normal form C and other white space count as the same.

    Raises `NoResponseError` where the query begins in none of these ways.
    """
    return without_end(_behind(query, prompt), end_tokens)


def _behind(query: str, prompt: str) -> str:
    # A prompt that is there as a whole, whatever its white space, was not cut: an end of
    # it that the query begins with as well is its own beginning.
    for way in (_end_as_it_is, _end_of, _end_of_tail):
        for form in dict.fromkeys((prompt, unicodedata.normalize("NFC", prompt))):
            end = way(query, form)
            if end is not None:
                return query[end:]
    raise NoResponseError("the query does not begin with the prompt")


def _end_as_it_is(query: str, prompt: str) -> int | None:
    """Where the prompt ends, if nothing stands before it but tokens that begin a text."""
    start = query.find(prompt)
    is_begin = start == 0 or (start > 0 and _BEGIN.fullmatch(query, 0, start))
    return start + len(prompt) if is_begin else None


def _end_of_tail(query: str, prompt: str) -> int | None:
    """Where a prompt ends that was cut at the front: behind the longest end of it that the
    query begins with. None where the prompt has that end twice: the query may begin with
    the first of them, and what follows be the rest of a prompt that a tokenizer changed."""
    # A cut may fall into a character.
    cut = query.lstrip("\ufffd")
    head = cut[:_LEAST_TAIL]
    start = prompt.find(head) if len(head) == _LEAST_TAIL else -1
    # The first place is the longest tail.
    while start >= 0:
        if cut.startswith(prompt[start:]):
            tail = prompt[start:]
            return len(query) - len(cut) + len(tail) if _is_once(tail, prompt) else None
        start = prompt.find(head, start + 1)
    return None


def _is_once(tail: str, prompt: str) -> bool:
    """Whether a prompt ends with `tail` and has it nowhere else, white space and
    composition aside."""
    tail, prompt = ("".join(unicodedata.normalize("NFC", it).split()) for it in (tail, prompt))
    return prompt.find(tail) == len(prompt) - len(tail)


def _end_of(query: str, prompt: str) -> int | None:
    """Where the prompt ends in a query that begins with it, white space aside."""
    wanted = [character for character in prompt if not character.isspace()]
    met = 0
    for index, character in enumerate(query):
        if met == len(wanted):
            return index
        if character.isspace():
            continue
        if character != wanted[met]:
            return None
        met += 1
    return len(query) if met == len(wanted) else None


_of_environment: Reward | None = None


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
) -> dict[str, Any]:
    """The `reward_func` of the spec that the environment variable `GOLDSTONE_SPEC` names."""
    global _of_environment
    if _of_environment is None:
        _of_environment = reward(spec_of_environment())
    return _of_environment(queries, prompts, labels)
