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

#: What only the trainer knows of a completion, and what makes a group of them. A column
#: of a data set by such a name is about something else: the length of the worked answer.
OF_TRAINER = ("group", "sample_index", "n_tokens", "finish_reason")

#: What a chat message says. Images and calls of tools decide no reward.
_MESSAGE = ("role", "content", "reasoning_content", "reasoning", "thinking")


#: Texts of tokens that end a response; some trainers decode them with the rest.
END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|finetune_right_pad_id|>",
    "<|end|>",
    "<|return|>",
    "</s>",
    "<pad>",
    "<eos>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<|eom_id|>",
)


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

    def rollout(
        self, row: Mapping[str, Any], told: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The row with the fields of a rollout.

        Where a trainer gives the columns of a data set and what it knows itself apart,
        `told` is the latter: `OF_TRAINER` are taken from it alone, unless `override`
        names a column.

        Raises `ValueError` where a column that `override` names is not there.
        """
        rollout = dict(row)
        if told is not None:
            for name in OF_TRAINER:
                rollout.pop(name, None)
            rollout.update(told)
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


def well_formed(text: str) -> str:
    """The text with U+FFFD for each byte of what cannot be written: half of a surrogate
    pair, which a cut emoji leaves. Two halves side by side are the character that they are
    of. So rows of a scorer are read, too, in which Python writes such halves as escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return whole.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def without_end(text: str, end_tokens: Sequence[str] = END_TOKENS) -> str:
    """The text without the tokens that end it."""
    while True:
        for token in end_tokens:
            if token and text.endswith(token):
                text = text[: -len(token)]
                break
        else:
            return text


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
        # In its own order: of several that hold thinking, the last counts.
        found = {name: value for name, value in message.items() if name in _MESSAGE}
    elif hasattr(message, "role"):
        found = {name: getattr(message, name) for name in _MESSAGE if hasattr(message, name)}
    else:
        return message
    for name, said in found.items():
        if isinstance(said, Iterable) and not isinstance(said, (str, bytes, Mapping)):
            found[name] = [{"text": text} for text in map(_part, said) if text is not None]
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
    columns = {name: found for name, values in lists.items() if (found := _list(values, count))}
    return [{name: values[index] for name, values in columns.items()} for index in range(count)]


def _list(values: Any, count: int) -> list[Any] | None:
    """A column of `count` rows as a list of plain values; `None` for what is no column."""
    if isinstance(values, (str, bytes, Mapping, type)) or not hasattr(values, "__len__"):
        return None
    try:
        if len(values) != count:
            return None
        plain = values.tolist() if hasattr(values, "tolist") else list(values)
    except TypeError:
        # An array of no dimension has no length, and some objects have one without items.
        return None
    return plain if isinstance(plain, list) else None


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
