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

import string
from collections.abc import Mapping
from typing import Any, NamedTuple

from goldstone import Scorer, parse
from goldstone._rows import text_or_messages, well_formed
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

# Roles of whoever asks, instructs or returns what a tool did. What they say is no answer.
# The same list is in `src/rollout/text.rs`.
_OTHERS = frozenset(
    (
        "user",
        "human",
        "system",
        "developer",
        "tool",
        "tool_response",
        "tool_result",
        "function",
        "ipython",
        "environment",
        "env",
        "observation",
    )
)

# ASCII alone: a role in other letters is another role.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# What opens and closes the thinking, where that is not as in R1; from
# `src/format/template.rs`.
_MARKERS = {
    "r1_prefill": ("", "</think>"),
    "think_text_prefill": ("", "</think>"),
    "r1_zh": ("<思考>", "</思考>"),
    "magistral": ("[THINK]", "[/THINK]"),
    "kimi": ("◁think▷", "◁/think▷"),
    "ether0": ("<|think_start|>", "<|think_end|>"),
}
_ANALYSIS = "<|channel|>analysis<|message|>"
_TO_FINAL = "<|end|><|start|>assistant"


def rollout(entry: Mapping[str, Any], completion: Any) -> dict[str, Any]:
    """An entry of a data set, and a completion, as a rollout."""
    metadata = entry.get("metadata") or {}
    return {
        "prompt": entry["question"],
        "completion": text_or_messages(completion),
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

    The completion is a text or chat messages, of which the assistant's last is judged.
    Messages of others alone are no answer, and earn 0; the score of what is neither, or
    of a message without a role, is `None`.
    """
    if has_one_answer(dataset):
        found: Scorer = scorer(spec)
        refuse_groups(found, "reasoning-gym")
        return found.score(rollout(entry, completion)).reward
    text = _text(completion, template)
    if text is None:
        return None
    answer = parse(text, template).answer
    if answer is None:
        return 0.0
    own = float(dataset.score_answer(answer, entry))
    return own if partial or own >= 1.0 else 0.0


def _text(completion: Any, template: str) -> str | None:
    """What is judged of a completion: the text, or that of the message that answers, with
    its thinking in front as the template has it. The rule is a scorer's, so that it does
    not matter to a completion which data set it answers; what a scorer finds unusable is
    `None`, and of messages that all are of others the text is empty."""
    if isinstance(completion, str):
        return completion
    given = text_or_messages(completion)
    if not isinstance(given, list):
        return None
    try:
        messages = [_message(message) for message in given]
    except _UnusableError:
        return None
    said = [message for message in messages if message.role == "assistant"] or [
        message for message in messages if message.role.translate(_LOWER) not in _OTHERS
    ]
    if not said:
        return ""
    return _joined(said[-1].thinking, said[-1].content, template)


class _UnusableError(ValueError):
    """A message that has no role, or content that is no text."""


class _Message(NamedTuple):
    role: str
    content: str
    thinking: str | None


def _message(message: Any) -> _Message:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise _UnusableError
    content = ""
    thinking = None
    for name, value in message.items():
        if name == "content":
            content = _content(value)
        elif name != "role":
            # Servers without a parser of thinking write an empty one; the last that is
            # not empty counts.
            thinking = _content(value) or thinking
    return _Message(message["role"], content, thinking)


def _content(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return "".join(well_formed(part["text"]) for part in value)
    raise _UnusableError


def _joined(thinking: str | None, content: str, template: str) -> str:
    """Thinking that a server moved out of the content, back in its place."""
    if thinking is None or template == "text":
        return content
    if template in ("think_optional", "harmony") and not thinking.strip(" \t\r\n"):
        thinking = None
    if template == "harmony":
        analysis = "" if thinking is None else f"{_ANALYSIS}{thinking}{_TO_FINAL}"
        return f"{analysis}<|channel|>final<|message|>{content}<|return|>"
    if thinking is None:
        return content
    before, after = _MARKERS.get(template, ("<think>", "</think>"))
    return f"{before}\n{thinking}\n{after}\n{content}"
