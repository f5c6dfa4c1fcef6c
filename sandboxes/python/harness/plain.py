"""Plain data: what crosses between interpreters, in exact types."""

import collections
import datetime
import decimal
import fractions
import itertools
import marshal
import sys
import types

VERSION = 2  # no references, no interned strings: every value is written out
DEPTH = 200
NODES = 200_000
SCALARS = (int, float, complex, str, bytes)
ATOMS = frozenset((type(None), bool) + SCALARS)
VIEWS = (
    types.GeneratorType, map, filter, zip, enumerate, range, reversed,
    type({}.keys()), type({}.values()), type({}.items()),
    type(iter([])), type(iter(())), type(iter(set())), type(iter({})), type(iter("")),
    type(reversed([])), itertools.chain, itertools.islice, itertools.starmap,
    itertools.product, itertools.permutations, itertools.combinations, itertools.accumulate,
)


class NotPlain(Exception):
    """A value that does not cross: neither plain data nor a view of it."""


def inherits_equality(value, base):
    """Whether a subclass compares as its base does."""
    return type(value).__eq__ is base.__eq__


def plain(value, lift=None, depth=0, budget=None):
    """The same value in exact types.

    A subclass whose equality is its base's (a named tuple, a default dictionary)
    becomes the base. `lift` makes something of what is no data, or refuses.
    """
    budget = [NODES] if budget is None else budget
    budget[0] -= 1
    if depth > DEPTH or budget[0] < 0:
        raise NotPlain("too deep or too large")
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is tuple and lift is not None:
        return ("t",) + tuple([plain(item, lift, depth + 1, budget) for item in value])
    for base in (list, tuple, set, frozenset):
        if kind is base or isinstance(value, base) and inherits_equality(value, base):
            if lift is not None and kind is not base:
                break
            return base([plain(item, lift, depth + 1, budget) for item in base.__iter__(value)])
    if kind is dict or kind is collections.Counter or kind is collections.OrderedDict or (
        isinstance(value, dict) and inherits_equality(value, dict)
    ):
        if lift is None or kind is dict:
            return {
                plain(key, lift, depth + 1, budget): plain(item, lift, depth + 1, budget)
                for key, item in dict.items(value)
            }
    if lift is not None:
        return lift(value)
    for base in SCALARS:
        if isinstance(value, base) and inherits_equality(value, base):
            if base is str:
                return str.__str__(value)
            if base is int:
                return int.__int__(value)
            if base is float:
                return float.__float__(value)
            if base is bytes:
                return bytes.__getitem__(value, slice(None))
            return complex(value.real, value.imag)
    if kind.__module__ == "numpy" and hasattr(value, "ndim") and value.ndim == 0 and kind.__name__ != "ndarray":
        return plain(value.item(), None, depth, budget)
    raise NotPlain("not plain data: " + kind.__name__)


def dumps(value, numpy="numpy"):
    """A reply's bytes; the quick way first, it takes exact types alone."""
    if numpy not in sys.modules:
        try:
            return marshal.dumps(value, VERSION)
        except ValueError:
            pass
    return marshal.dumps(plain(value), VERSION)


def lower(value, drop):
    """Undoes `plain(…, lift)`: tuples lose their mark, `drop` takes the others back."""
    kind = type(value)
    if kind is tuple:
        if value[0] == "t":
            return tuple([lower(item, drop) for item in value[1:]])
        return drop(*value)
    if kind in (list, set, frozenset):
        return kind([lower(item, drop) for item in value])
    if kind is dict:
        return {lower(key, drop): lower(item, drop) for key, item in value.items()}
    return value


def carried(value):
    """The mark of a value of the standard library that is data too, or None."""
    kind = type(value)
    if kind is range:
        return ("r", value.start, value.stop, value.step)
    if kind is datetime.date:
        return ("d", "date", value.year, value.month, value.day)
    if kind is datetime.datetime and value.tzinfo is None:
        return ("d", "datetime") + value.timetuple()[:6] + (value.microsecond,)
    if kind is datetime.time and value.tzinfo is None:
        return ("d", "time", value.hour, value.minute, value.second, value.microsecond)
    if kind is datetime.timedelta:
        return ("d", "timedelta", value.days, value.seconds, value.microseconds)
    if kind is decimal.Decimal:
        return ("d", "Decimal", str(value))
    if kind is fractions.Fraction:
        return ("d", "Fraction", value.numerator, value.denominator)
    return None


CARRIED = {
    kind.__name__: kind for kind in (
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
        decimal.Decimal, fractions.Fraction,
    )
}


def received(mark, rest):
    """Undoes `carried`; the mark may be a candidate's."""
    if not all(type(part) in (int, str) for part in rest):
        raise NotPlain("a bad reply")
    if mark == "r" and len(rest) == 3:
        return range(*rest)
    if mark == "d" and len(rest) > 1 and rest[0] in CARRIED:
        return CARRIED[rest[0]](*rest[1:])
    raise NotPlain("a bad reply")
