"""The native half of the package; use `goldstone` itself."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, final

__version__: str
HAS_SANDBOX: bool

@final
class Score:
    """What a spec says of one rollout. Cannot be changed."""

    @property
    def id(self) -> str:
        """The rollout's name."""
    @property
    def group(self) -> str:
        """The name of its group."""
    @property
    def reward(self) -> float | None:
        """The total, or `None` where there is none: never 0 for a failure."""
    @property
    def status(self) -> Literal["ok", "abstain", "error"]:
        """Whether there is a reward, and if not, whose fault that is."""
    @property
    def terms(self) -> MappingProxyType[str, Term]:
        """The rewards that applied, by name, in the spec's order."""
    @property
    def error(self) -> RowError | None:
        """What went wrong; with the status `"error"` only."""
    def to_dict(self) -> dict[str, Any]:
        """The score as dictionaries, lists, strings and numbers."""
    def to_json(self) -> bytes:
        """The score as the command line writes it, byte for byte."""
    @staticmethod
    def from_json(json: bytes) -> Score:
        """The score that `to_json` wrote."""

@final
class Term:
    """One reward of the spec, as it fell out for one rollout. Cannot be changed."""

    @property
    def value(self) -> float | None:
        """`weight * raw`, or `None` where it could not be judged."""
    @property
    def raw(self) -> float | None:
        """The number before the weight."""
    @property
    def verdict(self) -> Literal["correct", "wrong", "no_answer", "unknown"] | None:
        """The verdict behind the number; `None` for measures and behind a closed gate."""
    @property
    def reason(self) -> str | None:
        """Why; a stable code."""
    @property
    def detail(self) -> dict[str, Any]:
        """Evidence: what was found, where, and how it was decided."""

@final
class RowError:
    """Why a row has no reward. Cannot be changed."""

    @property
    def kind(self) -> Literal["data", "machinery"]:
        """Whose fault."""
    @property
    def message(self) -> str:
        """What was wrong and what would be right."""
    @property
    def field(self) -> str | None:
        """The field at fault, as a JSON pointer."""
    @property
    def term(self) -> str | None:
        """The spec's reward that met the error."""

@final
class Spec:
    @staticmethod
    def load(source: str) -> Spec: ...
    @staticmethod
    def from_parts(origin: str, text: str, grammars: list[tuple[str, str]]) -> Spec: ...
    @property
    def origin(self) -> str: ...
    @property
    def grammars(self) -> list[tuple[str, str]]: ...
    @property
    def text(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def rewards(self) -> list[str]: ...
    @property
    def weights(self) -> list[float]: ...
    @property
    def solvers(self) -> list[str]: ...
    @property
    def adds_up(self) -> bool: ...
    def unknown_as_wrong(self) -> Spec: ...
    @property
    def needs_groups(self) -> bool: ...

@final
class Engine:
    def __new__(cls, spec: Spec, jobs: int, worker: str | None) -> Engine: ...
    @property
    def notices(self) -> list[str]: ...
    def score(self, row: Mapping[str, Any]) -> Score: ...
    def score_rows(self, rows: Iterable[Mapping[str, Any]]) -> list[Score]: ...
    def score_columns(self, columns: Mapping[str, Any]) -> list[Score]: ...
    def score_json(self, rows: Iterable[str | bytes]) -> list[bytes]: ...
    def score_stream(self, table: Any) -> list[Score]: ...
    def score_table(self, table: Any, json: str | None) -> ScoredStream: ...

@final
class ScoredStream:
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

@final
class Sandbox:
    def __new__(cls, guest: str, jobs: int, worker: str | None) -> Sandbox: ...
    def run(
        self, source: str, stdin: bytes, tests_json: str | None, options_json: str
    ) -> bytes: ...

def guest_of(tests_json: str) -> str | None: ...
def extract_program(completion: str) -> tuple[str | None, str | None]: ...
def shipped() -> list[tuple[str, str]]: ...
def verify_math(gold: str, answer: str, is_response: bool, options_json: str) -> bytes: ...
def language(text: str, target: str, options_json: str) -> bytes: ...
def parse(text: str, prompt: str, options_json: str) -> bytes: ...
def before_fork() -> None: ...
def after_fork(is_child: bool) -> None: ...
