"""The exceptions of goldstone, with the text that the command line prints."""

__all__ = [
    "BadReferenceError",
    "EngineError",
    "GoldstoneError",
    "OptionError",
    "SandboxError",
    "SpecError",
]


class GoldstoneError(Exception):
    """What every exception of goldstone is."""


class SpecError(GoldstoneError, ValueError):
    """A spec that is not there or has mistakes; the text shows all of them."""


class OptionError(GoldstoneError, ValueError):
    """An option of a function that does not exist, or a value that it cannot have."""


class BadReferenceError(GoldstoneError, ValueError):
    """A reference answer that cannot be used: the data is at fault, not the answer."""


class EngineError(GoldstoneError, RuntimeError):
    """Threads that cannot be started, or an engine of another process."""


class SandboxError(GoldstoneError, RuntimeError):
    """The sandbox is not installed or failed; never the fault of the program in it."""


for _class in (GoldstoneError, SpecError, OptionError, BadReferenceError, EngineError, SandboxError):
    _class.__module__ = "goldstone"
