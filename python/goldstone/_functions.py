"""The verifiers by themselves: one answer, one program, one text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _engines, _goldstone
from ._errors import OptionError
from ._rows import well_formed

__all__ = ["Language", "Outcome", "Sections", "Verdict", "language", "parse", "run_code", "verify_math"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the math verifier says of an answer. True where the answer is correct, and
    only there."""

    outcome: str
    """``"correct"``, ``"wrong"``, ``"no_answer"`` or ``"unknown"`` (nobody can decide)."""
    reason: str | None
    """The rule that decided; a stable code."""
    credit: float
    """1.0 for a correct answer, else 0.0."""
    gold: str
    """The reference in canonical form."""
    detail: dict[str, Any]
    """Evidence: the answer in canonical form, its place in bytes, how it was proved."""

    def __bool__(self) -> bool:
        return self.outcome == "correct"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a program. True where it passed, and only there."""

    verdict: str
    """``"pass"``, or why not: ``"wrong_answer"``, ``"runtime_error"``, …"""
    record: dict[str, Any]
    """All that ``goldstone run --json`` prints: tests, output, fuel, memory, limits."""

    def __bool__(self) -> bool:
        return self.verdict == "pass"

    @property
    def stdout(self) -> str:
        """What a program without tests wrote to standard output."""
        return str(self.record.get("stdout", ""))

    @property
    def stderr(self) -> str:
        """What a program without tests wrote to standard error."""
        return str(self.record.get("stderr", ""))

    @property
    def message(self) -> str | None:
        """Why it failed, for a person."""
        return self.record.get("message") or None

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return int(self.record.get("passed", 0))

    @property
    def total(self) -> int:
        """How many tests there are."""
        return int(self.record.get("total", 0))


@dataclass(frozen=True, slots=True)
class Language:
    """How much of a text is in a language."""

    value: float | None
    """The share of words in the language, shaped as asked; ``None`` abstains."""
    reason: str | None
    """Why there is no number."""
    detail: dict[str, Any]
    """Counts, the main language, and the first foreign stretches as ``[start, end,
    language, probability]`` in bytes of the text."""


@dataclass(frozen=True, slots=True)
class Sections:
    """A completion's sections. True where it has the format, and only there."""

    think: str | None
    """The thinking; ``None`` where the completion is invalid or has none."""
    answer: str | None
    """The answer; ``None`` where the completion is invalid."""
    violation: str | None
    """The first rule that it breaks; a stable code."""
    at: int | None
    """Where that shows, in bytes of the text."""
    tag_score: float
    """Partial credit for the format, in [0, 1]; 1 for valid completions alone."""

    def __bool__(self) -> bool:
        return self.violation is None


def verify_math(gold: str, answer: str, *, response: bool = False, **options: Any) -> Verdict:
    """Compares an answer with the reference ``gold``, as ``goldstone math`` does.

    With ``response``, ``answer`` is a whole response in which the answer is to be found.
    ``options`` are those of a spec's ``math = { … }`` that say how answers are compared.
    Raises :class:`BadReferenceError` where the reference cannot be used.

    >>> verify_math("0.5", r"\\frac{1}{2}").outcome
    'correct'
    >>> verify_math("10%", "10").outcome
    'wrong'
    """
    gold = _text("gold", gold)
    answer = _text("answer", answer)
    return Verdict(**json.loads(_goldstone.verify_math(gold, answer, response, _options(options))))


def language(text: str, target: str, **options: Any) -> Language:
    """Measures how much of ``text`` is in the language ``target`` (``"en"``, ``"zh"``, …).

    ``options`` are those of a spec's ``language = { … }``: ``min_words``, ``strict_mask``,
    ``names``, ``allow``, ``shaping``.
    """
    text = _text("text", text)
    target = _text("target", target)
    return Language(**json.loads(_goldstone.language(text, target, _options(options))))


def parse(text: str, template: str | None = "r1", *, prompt: str = "", **options: Any) -> Sections:
    """Parses a completion by a template (``"r1"``, ``"think_text"``, ``"think_boxed"``, …).

    ``prompt`` is the prompt or its end, for templates whose opening tag may be in it.
    ``options`` are those of a spec's ``[format]``; for a grammar of your own, give
    ``template=None`` and ``grammar``.
    """
    text = _text("text", text)
    prompt = _text("prompt", prompt)
    if template is not None:
        options["template"] = template
    return Sections(**json.loads(_goldstone.parse(text, prompt, _options(options))))


def run_code(
    code: str,
    tests: Mapping[str, Any] | str | None = None,
    stdin: str | bytes | None = None,
    *,
    completion: bool = False,
    guest: str = "python",
    seed: int = 0,
    objects: bool = False,
    worker: str | None = None,
    **limits: int,
) -> Outcome:
    """Runs a program in the sandbox, by itself or against tests, as ``goldstone run`` does.

    ``tests`` has the form of a rollout's field ``tests``. With ``completion``, ``code`` is
    a completion, of which the last code block is run. ``limits`` are ``fuel``,
    ``total_fuel``, ``memory_mb``, ``output_kb``, ``value_kb``, ``calls`` and ``wall_ms``.
    Raises :class:`SandboxError` where the sandbox is not installed, or fails.
    """
    code = _text("code", code)
    if not _goldstone.HAS_SANDBOX:
        raise OptionError("this build of goldstone has no sandbox")
    if completion:
        found, reason = _goldstone.extract_program(code)
        if found is None:
            return Outcome("no_answer", {"verdict": "no_answer", "reason": reason})
        code = found
    if tests is not None and stdin is not None:
        raise OptionError("tests bring their own standard input; leave out `stdin`")
    given = None if tests is None else tests if isinstance(tests, str) else json.dumps(tests)
    if given is not None:
        given = well_formed(given)
        guest = _goldstone.guest_of(given) or guest
    if "fuel" in limits:
        limits["total_fuel"] = max(limits.get("total_fuel", 300_000_000_000), limits["fuel"])
    options = {"guest": guest, "seed": seed, "limits": limits}
    if objects:
        options["objects"] = "full"
    sandbox = _engines.sandbox(guest, 0, worker)
    read = well_formed(stdin).encode() if isinstance(stdin, str) else stdin or b""
    record = json.loads(sandbox.run(code, read, given, _options(options)))
    return Outcome(record["verdict"], record)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"`{name}` is a string, not `{type(value).__name__}`")
    return well_formed(value)


def _options(options: Mapping[str, Any]) -> str:
    try:
        return json.dumps(options, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(f"an option has no JSON form: {error}") from None
