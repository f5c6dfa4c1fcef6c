"""The candidate as tests see it: what they call, build and hold crosses as bytes."""

import importlib
import marshal
import sys
import types

import _goldstone
from _harness.exceptions import BUILTIN, TEXT
from _harness.handle import Handle, handle
from _harness.plain import SCALARS, VERSION, NotPlain, carried, lower, plain, received
from _harness.reader import read


class Ended(BaseException):
    """The candidate's process ended: nothing more can be asked of it."""


class CandidateError(Exception):
    """An exception of a type that the candidate defined."""


class Candidate:
    """The candidate, as tests see it: functions that take and return plain data."""

    def __init__(self, objects):
        self.objects = objects
        self.asked = 0
        self.ended = None
        self.raised = None
        self.refused = None
        self.classes = {}

    def ask(self, letter, *message):
        if self.ended is not None:
            raise Ended
        self.asked += 1
        answer = _goldstone.ask(letter + marshal.dumps((self.asked,) + message, VERSION))
        if answer[:1] != b"\0":
            self.ended = ("gone",)
            raise Ended
        try:
            reply = read(answer[1:])
            if type(reply) is not tuple or len(reply) < 2 or reply[0] != self.asked or type(reply[0]) is not int:
                raise NotPlain("a bad reply")
            if reply[1] in ("value", "exit"):
                (told,) = reply[2:]
            elif reply[1] == "refused":
                told, _ = reply[2:]
            elif reply[1] == "raise":
                told = reply[2:]
                name, text, base, args = told
                if not (type(name) is type(text) is type(base) is str and type(args) in (tuple, type(None))):
                    raise NotPlain("a bad reply")
            else:
                raise NotPlain("a bad reply")
        except (NotPlain, ValueError) as error:
            self.ended = ("protocol", str(error))
            raise Ended from None
        if reply[1] == "exit":
            self.ended = ("exit", told)
            raise Ended
        if reply[1] == "refused":
            self.refused = str(told)[:TEXT]
            raise self.remember(TypeError(self.refused))
        if reply[1] == "raise":
            base_class = BUILTIN.get(base, Exception)
            if not issubclass(base_class, Exception):
                self.ended = ("stop", name, text)
                raise Ended
            raise self.remember(self.error(name, text, base, args))
        return told

    def remember(self, error):
        self.raised = error
        return error

    def error(self, name, text, base, args):
        kind = self.classes.get(name) or (BUILTIN.get(name) if name in BUILTIN else None)
        if kind is None:
            kind = type(name, (CandidateError, BUILTIN.get(base, Exception)), {}) if base in BUILTIN else CandidateError
        try:
            return kind(*args) if args is not None else kind(text)
        except Exception:
            return CandidateError(text)

    def function(self, name):
        def call(*args, **kwargs):
            return self.operate("invoke", name, args, kwargs)
        call.__name__ = call.__qualname__ = name
        return call

    def helper(self, name, trusted):
        """A helper function of the task's own: it decides, but a solution that
        brings one of that name has to bring the same."""
        own = self.function(name)
        brings = True

        def call(*args, **kwargs):
            nonlocal brings
            said = None
            if brings:
                try:
                    said = own(*args, **kwargs)
                except NameError:
                    brings = False
                except Exception as error:
                    said = error
            value = trusted(*args, **kwargs)
            if brings and not alike(said, value):
                raise AssertionError("the solution's own `%s` is not the task's" % name)
            return value
        return call

    # Objects.

    def operate(self, operation, target, args=(), kwargs={}, opaque=False):
        value = self.ask(
            b"O", operation, target,
            [plain(item, self.lift) for item in args],
            {name: plain(item, self.lift) for name, item in kwargs.items()},
            opaque,
        )
        try:
            value = lower(value, self.drop)
            if opaque and type(value) is not Handle:
                raise NotPlain("a bad reply")
            return value
        except (NotPlain, ArithmeticError, TypeError, ValueError, IndexError) as error:
            if error is self.raised:
                raise
            self.ended = ("protocol", "a bad reply")
            raise Ended from None

    def lift(self, value):
        """An argument that is no plain data: tests may use what they like."""
        if type(value) is Handle or isinstance(value, type) and issubclass(value, CandidateError):
            return ("o", vars(value)["_number"])
        mark = carried(value)
        if mark is not None:
            return mark
        if type(value) is slice:
            return ("s", value.start, value.stop, value.step)
        if isinstance(value, types.FunctionType) and value.__closure__ is None:
            return self.lift_function(value)
        if isinstance(value, (list, tuple, set, frozenset, dict) + SCALARS):
            return plain(plain(value), self.lift)
        module = getattr(value, "__module__", None) or getattr(
            getattr(value, "__objclass__", None), "__module__", "builtins"
        )
        name = getattr(value, "__qualname__", "")
        if module in sys.stdlib_module_names or module == "builtins":
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part, None)
            if found is value:
                return ("m", module, name)
        raise NotPlain("not plain data: " + type(value).__name__)

    def lift_function(self, function):
        """A function of the tests' that needs nothing of theirs goes over as code."""
        code, names = function.__code__, {}
        for name in code.co_names:
            known = function.__globals__.get(name)
            if known is not None and known is not function and not isinstance(known, types.ModuleType):
                try:
                    names[name] = plain(known, self.lift)
                except NotPlain:
                    pass
        defaults = plain(function.__defaults__ or (), self.lift)
        return ("f", marshal.dumps(code, VERSION), function.__name__, defaults, names)

    def drop(self, mark, *rest):
        if mark == "v":
            return iter(lower(rest[0], self.drop))
        if mark in ("r", "d"):
            return received(mark, rest)
        if type(rest[0]) is not int:
            raise NotPlain("a bad reply")
        if mark == "e":
            number, name, base = rest
            if not (type(name) is type(base) is str):
                raise NotPlain("a bad reply")
            if name not in self.classes:
                base = BUILTIN.get(base, Exception)
                base = base if issubclass(base, Exception) else Exception
                self.classes[name] = type(name, (CandidateError, base), {"_number": number})
            return self.classes[name]
        if mark in ("o", "c") and len(rest) == 2:
            if not self.objects:
                self.refused = "not plain data: " + str(rest[1])[:100]
                raise self.remember(TypeError(self.refused))
            return handle(self, rest[0], str(rest[1])[:100])
        raise NotPlain("a bad reply")

    def named(self, name):
        """What the solution's module has under that name."""
        return self.operate("name", name)


def alike(one, other):
    """Equal, floats nearly."""
    if type(one) is float and type(other) is float:
        return one == other or abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1.0)
    return one == other
