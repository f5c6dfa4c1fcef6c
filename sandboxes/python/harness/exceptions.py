"""Exceptions: a program's as data, and that of tests which can't be run."""

import builtins
import marshal
import sys

from _harness.plain import VERSION, dumps

TEXT = 300
NAME = type.__dict__["__name__"].__get__
BUILTIN = {
    name: kind for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


class BadTests(Exception):
    """The tests cannot be run as they are."""


def told(error):
    """An exception as data: type, message, nearest built-in type, arguments or None."""
    kind = type(error)
    try:
        text = str(error)[:TEXT]
        text = text.encode("utf-8", "replace").decode("utf-8", "replace")
    except BaseException:
        text = ""
    base = "Exception"
    for parent in kind.__mro__:
        if parent in BUILTIN.values():
            base = NAME(parent)
            break
    try:
        args = marshal.loads(dumps(error.args)) if len(text) < TEXT else None
        if len(marshal.dumps(args, VERSION)) > 4096:
            args = None
    except BaseException:
        args = None
    try:
        name = str(NAME(kind))[:100].encode("utf-8", "replace").decode("utf-8")
    except BaseException:
        name = base
    return (name, text, base, args)


def stopped(error):
    """How what a program did ends: an exception of its own, or an end of the process."""
    if isinstance(error, SystemExit):
        code = error.code
        if code is None:
            return ("exit", 0)
        if isinstance(code, int):
            return ("exit", int.__int__(code) & 0xFF)
        try:
            sys.stderr.write(str(code)[:TEXT] + "\n")
        except BaseException:
            pass
        return ("exit", 1)
    return ("raise",) + told(error)
