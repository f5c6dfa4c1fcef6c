"""The candidate: its module, its functions, and the objects of it that a tester holds."""

import builtins
import importlib
import itertools
import marshal
import operator
import sys
import types

from _harness.exceptions import BUILTIN, NAME, TEXT, stopped
from _harness.main import compiled
from _harness.plain import NODES, SCALARS, VIEWS, NotPlain, carried, lower, plain, received


class Program:
    """The candidate's module and the objects of it that a tester holds."""

    def __init__(self):
        self.names = None
        self.objects = {}
        self.next = 0

    def load(self, source, module):
        code, fault = compiled(source, module + ".py")
        if fault is not None:
            return fault
        made = types.ModuleType(module)
        made.__file__ = module + ".py"
        sys.modules[module] = made
        self.names = made.__dict__
        try:
            exec(code, made.__dict__)
        except BaseException as error:
            return stopped(error)
        return ("ok",)

    def find(self, name):
        names = self.names
        if name in names:
            return names[name]
        # LeetCode's form: one class that has the method.
        solution = names.get("Solution")
        if isinstance(solution, type) and hasattr(solution, name):
            return getattr(solution(), name)
        raise NameError("name '%s' is not defined" % name)

    def call(self, name, args, kwargs):
        try:
            result = self.find(name)(*args, **kwargs)
            if type(result) in VIEWS:
                return ("view", list(itertools.islice(result, NODES)))
            return ("value", result)
        except BaseException as error:
            return stopped(error)

    # Objects: what is no plain data stays here and goes over as a number.

    def keep(self, value):
        """A mark for what is no data: a class, an exception class, a function, an object."""
        mark = carried(value)
        if mark is not None:
            return mark
        kind = type(value)
        if isinstance(value, SCALARS + (list, tuple, set, frozenset, dict)):
            try:
                return plain(plain(value), self.keep)
            except NotPlain:
                pass
        number = self.hold(value)
        if isinstance(value, type):
            if issubclass(value, BaseException):
                bases = [NAME(base) for base in value.__mro__ if base in BUILTIN.values()]
                return ("e", number, NAME(value), bases[0] if bases else "Exception")
            return ("c", number, NAME(value))
        if kind in VIEWS:
            return ("v", plain(list(itertools.islice(value, NODES)), self.keep))
        return ("o", number, NAME(kind))

    def hold(self, value):
        """The number of an object that a tester holds."""
        for number, known in self.objects.items():
            if known is value:
                return number
        self.next += 1
        self.objects[self.next] = value
        return self.next

    def drop(self, mark, *rest):
        if mark == "o":
            return self.objects[rest[0]]
        if mark == "m":
            value = importlib.import_module(rest[0])
            for name in rest[1].split("."):
                value = getattr(value, name)
            return value
        if mark == "f":
            code, name, defaults, names = rest
            names = {key: lower(value, self.drop) for key, value in names.items()}
            defaults = lower(defaults, self.drop)
            return types.FunctionType(marshal.loads(code), {**names, "__builtins__": builtins}, name, defaults)
        if mark == "s":
            return slice(*rest)
        return received(mark, rest)

    def operate(self, operation, target, args, kwargs, opaque):
        try:
            args = [lower(item, self.drop) for item in args]
            kwargs = {name: lower(item, self.drop) for name, item in kwargs.items()}
            if operation == "name":
                result = self.find(target)
            elif operation == "call":
                result = self.objects[target](*args, **kwargs)
            elif operation == "invoke":
                result = self.find(target)(*args, **kwargs)
            else:
                result = OPERATIONS[operation](self.objects[target], *args)
            if opaque:
                return ("value", ("o", self.hold(result), NAME(type(result))))
            return ("value", plain(result, self.keep))
        except NotPlain as error:
            return ("refused", str(error)[:TEXT], None)
        except BaseException as error:
            return stopped(error)


def is_a(value, kind):
    return isinstance(value, kind)


OPERATIONS = {
    name: getattr(operator, name) for name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor",
        "lshift", "rshift", "neg", "pos", "invert", "eq", "ne", "lt", "le", "gt", "ge",
        "contains", "getitem", "setitem", "delitem",
    )
}
OPERATIONS.update(
    getattr=getattr, setattr=setattr, delattr=delattr, len=len, str=str, repr=repr, bool=bool,
    hash=hash, iter=iter, next=next, abs=abs, int=int, float=float, isinstance=is_a,
    radd=lambda value, other: other + value, rsub=lambda value, other: other - value,
    rmul=lambda value, other: other * value, rtruediv=lambda value, other: other / value,
    rpow=lambda value, other: other ** value,
    enter=lambda value: value.__enter__(), exit=lambda value: value.__exit__(None, None, None),
    divmod=divmod, round=round,
)


def truth(value):
    """What `if value` would do; a test may ask for no more than that."""
    try:
        return True if value else False
    except Exception:
        return None
