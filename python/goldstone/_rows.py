"""A trainer's row as a rollout: which column is which field.

Trainers call the same thing by different names. A rollout has the fields `prompt`,
`completion` and `reference`; what a data set calls them is said here, once, for all
adapters. Columns that are no field stay as they are, for specs that name them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: The fields of a rollout.
FIELDS = (
    "id",
    "group",
    "sample_index",
    "task",
    "data_source",
    "prompt",
    "completion",
    "reference",
    "tests",
    "language",
    "n_tokens",
    "finish_reason",
)

#: Columns that the gold answer is taken from, the first that the row has a value in.
#: `solution` comes last: where a data set has both, it is the worked one.
REFERENCES = ("reference", "answer", "ground_truth", "solution")

#: What a chat message says. Images and calls of tools decide no reward.
_MESSAGE = ("role", "content", "reasoning_content", "reasoning", "thinking")


class Columns:
    """Which column of a trainer's row is which field of a rollout.

    `override` names them where the defaults are wrong: `{"reference": "gold"}`, or a
    JSON pointer into a column, `{"tests": "/verification_info/test_cases"}`; a column
    that holds JSON as text is read on the way.

    Raises `ValueError` for a field that rollouts do not have.
    """

    def __init__(self, override: Mapping[str, str] | None = None) -> None:
        self.override = dict(override or {})
        for field in self.override:
            if field not in FIELDS:
                raise ValueError(
                    f"`{field}` is no field of a rollout; the fields are `{'`, `'.join(FIELDS)}`"
                )

    def rollout(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with the fields of a rollout.

        Raises `ValueError` where a column that `override` names is not there.
        """
        rollout = dict(row)
        if "reference" not in self.override and row.get("reference") is None:
            for name in REFERENCES:
                if row.get(name) is not None:
                    rollout["reference"] = row[name]
                    break
        for field, place in self.override.items():
            rollout[field] = _find(row, place)
        return rollout


def _find(row: Mapping[str, Any], place: str) -> Any:
    name, *inner = place[1:].split("/") if place.startswith("/") else [place]
    if name not in row:
        raise ValueError(f"there is no column `{name}`; the columns are `{'`, `'.join(row)}`")
    value = row[name]
    for token in inner:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
        if isinstance(value, Mapping):
            value = value.get(token)
        elif isinstance(value, Sequence) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value


def text_or_messages(value: Any) -> Any:
    """A prompt or a completion: a string as it is, messages with their texts alone.

    Messages may be mappings or objects with such attributes (pydantic's models).
    """
    if value is None or isinstance(value, str) or not isinstance(value, Iterable):
        return value
    if isinstance(value, Mapping):
        return value
    return [_message(message) for message in value]


def _message(message: Any) -> Any:
    if isinstance(message, Mapping):
        found = {name: message[name] for name in _MESSAGE if name in message}
    elif hasattr(message, "role"):
        found = {name: getattr(message, name) for name in _MESSAGE if hasattr(message, name)}
    else:
        return message
    content = found.get("content")
    if content is not None and not isinstance(content, str) and isinstance(content, Iterable):
        found["content"] = [{"text": text} for text in map(_part, content) if text is not None]
    return found


def _part(part: Any) -> str | None:
    text = part.get("text") if isinstance(part, Mapping) else getattr(part, "text", None)
    return text if isinstance(text, str) else None


def rows(
    lists: Mapping[str, Any],
    count: int,
) -> list[dict[str, Any]]:
    """One row for each position of lists that have `count` items; what is no such list
    (a trainer's state, a function) is no column."""
    columns = {
        name: values
        for name, values in lists.items()
        if isinstance(values, (list, tuple)) and len(values) == count
    }
    return [{name: values[index] for name, values in columns.items()} for index in range(count)]


def group_by_prompt(
    rollouts: Sequence[dict[str, Any]],
    num_generations: int | None = None,
) -> None:
    """Names the groups of a batch in which all completions of a prompt stand together.

    A prompt that comes back later in the batch is another group; two equal ones side by
    side are one, unless `num_generations` says how many completions each has.

    Raises `ValueError` where a group of `num_generations` is not of one prompt.
    """
    if num_generations is not None and len(rollouts) % num_generations != 0:
        raise ValueError(
            f"a batch of {len(rollouts)} completions is no whole number of groups of "
            f"{num_generations}; rewards that compare a group need all of it in one process"
        )
    group = 0
    for index, rollout in enumerate(rollouts):
        same = index > 0 and rollout.get("prompt") == rollouts[index - 1].get("prompt")
        if num_generations is None:
            group += index > 0 and not same
        elif index % num_generations == 0:
            group = index // num_generations
        elif not same:
            raise ValueError(
                f"completions {index - 1} and {index} have different prompts, but groups have "
                f"{num_generations} completions"
            )
        if rollout.get("group") is None:
            rollout["group"] = str(group)
