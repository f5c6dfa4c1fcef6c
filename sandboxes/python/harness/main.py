"""Programs: compiled, and run as `__main__`."""

import builtins
import linecache
import sys
import types

from _harness.exceptions import stopped, told


def ignore(error, frames=None):
    """What is done with an exception that nobody wants to see."""


def show(error, frames=None):
    """Writes an exception to standard error as the interpreter does, without the
    frames of the harness."""
    if not isinstance(error, SystemExit):
        try:
            sys.excepthook(type(error), error.with_traceback(frames), frames)
            sys.stderr.flush()
        except BaseException:
            pass


def compiled(source, name, seen=ignore, change=None):
    """The code of a program, or why there is none."""
    linecache.cache[name] = (lambda: source,)
    try:
        source = source.removeprefix("\ufeff")
        if change is not None:
            source = change(source)
        return compile(source, name, "exec", 0, True), None
    except BaseException as error:
        seen(error)
        return None, ("compile",) + told(error)


def run_main(source, name=None, *, run_exit):
    """Runs a program, and `run_exit` for what it wants done at its end; how it ended."""
    seen = ignore if name is None else show
    name = name or "main.py"
    code, fault = compiled(source, name, seen)
    if fault is not None:
        return fault
    made = types.ModuleType("__main__")
    made.__file__ = name
    made.__builtins__ = builtins
    sys.modules["__main__"] = made
    try:
        exec(code, made.__dict__)
        end = ("ok",)
    except BaseException as error:
        frames = error.__traceback__
        seen(error, frames and frames.tb_next)
        end = stopped(error)
    try:
        run_exit()
    except BaseException as error:
        end = stopped(error)
    try:
        sys.stdout.flush()
    except BaseException:
        pass
    return end


def leave(code=None):
    """What `site` would give programs as `exit` and `quit`."""
    raise SystemExit(code)


builtins.exit = builtins.quit = leave
