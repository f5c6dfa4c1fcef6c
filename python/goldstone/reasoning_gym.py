"""Scores for reasoning-gym's data sets, with no credit for answers that are not right.

    data = reasoning_gym.create_dataset("leg_counting", size=100, seed=1)
    goldstone.reasoning_gym.score(data, data[0], completion)

A third of its data sets have one right answer, and its own rule pays a text that merely
contains it: its length over the text's, so "1 2 3 4 5" earns 0.11 of any digit. Here
such a row is compared whole, by a spec. The others judge answers by rules of their own
(a sudoku, a route), which this asks, and takes their 1 for right and all else for wrong
unless `partial`. The answer is taken out of the completion by the spec's format.
Source: reasoning-gym 0.1.25, `dataset.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldstone import Scorer, parse
from goldstone._rows import text_or_messages
from goldstone._shared import refuse_groups, scorer

__all__ = ["SPEC", "rollout", "score"]

#: The answer between the tags of R1's template equals the oracle's, white space aside.
SPEC = """\
version = 1
name = "reasoning-gym"
description = "The answer is the oracle's, white space aside: 1 or 0."

[format]
template = "r1"
prefill = "auto"

[rewards.accuracy]
exact = { normalize = "whitespace" }
"""


def rollout(entry: Mapping[str, Any], completion: Any) -> dict[str, Any]:
    """An entry of a data set, and a completion, as a rollout."""
    metadata = entry.get("metadata") or {}
    return {
        "prompt": entry["question"],
        "completion": completion,
        "reference": entry["answer"],
        "data_source": metadata.get("source_dataset"),
    }


def has_one_answer(dataset: Any) -> bool:
    """Whether the data set leaves it to the base class to judge: one text is right."""
    from reasoning_gym.dataset import ProceduralDataset

    return type(dataset).score_answer is ProceduralDataset.score_answer


def score(
    dataset: Any,
    entry: Mapping[str, Any],
    completion: Any,
    *,
    spec: Any = SPEC,
    template: str = "r1",
    partial: bool = False,
) -> float | None:
    """The reward of a completion: 1 for a right answer in valid format, else 0.

    `spec` scores data sets with one right answer; its `reward` is returned as it is,
    `None` included. The others get the answer of the format `template`, judged by
    the data set, in Python and in this process.

    The completion is a text or chat messages, of which the assistant's last is judged;
    without one there is nothing to judge, and the score is `None`.
    """
    if has_one_answer(dataset):
        found: Scorer = scorer(spec)
        refuse_groups(found, "reasoning-gym")
        return found.score(rollout(entry, completion)).reward
    text = _text(completion)
    if text is None:
        return None
    answer = parse(text, template).answer
    if answer is None:
        return 0.0
    own = float(dataset.score_answer(answer, entry))
    return own if partial or own >= 1.0 else 0.0


def _text(completion: Any) -> str | None:
    """What is judged of a completion: the text, or the assistant's last message, with its
    thinking in front as the tags of R1 have it."""
    if isinstance(completion, str):
        return completion
    messages = text_or_messages(completion)
    if not isinstance(messages, list):
        return None
    for message in reversed(messages):
        if not isinstance(message, Mapping) or message.get("role") != "assistant":
            continue
        content = message.get("content") or ""
        if not isinstance(content, str):
            content = "".join(part["text"] for part in content)
        thinking = (message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
        thought = next((text for text in thinking if text), None)
        return content if thought is None else f"<think>{thought}</think>{content}"
    return None
