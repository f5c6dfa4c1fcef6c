"""The module `pytest`, for tests that import it."""

import types


def pytest_module():
    """As much of pytest as tests in data sets use."""
    import contextlib
    import math
    import re
    made = types.ModuleType("pytest")

    class Raised:
        value = type = None

    @contextlib.contextmanager
    def raises(kinds, match=None):
        caught = Raised()
        try:
            yield caught
        except kinds as error:
            caught.value, caught.type = error, type(error)
            if match is not None and not re.search(match, str(error)):
                raise AssertionError("the message does not match") from None
            return
        raise AssertionError("nothing was raised")

    class Approx:
        def __init__(self, expected, rel=None, abs=None):
            self.expected, self.rel, self.abs = expected, rel, abs

        def __eq__(self, got):
            return near(got, self.expected, self.rel, self.abs)

        __hash__ = None

    def near(got, expected, rel, limit):
        if isinstance(expected, (list, tuple)):
            return isinstance(got, (list, tuple)) and len(got) == len(expected) and all(
                near(a, b, rel, limit) for a, b in zip(got, expected)
            )
        if isinstance(expected, dict):
            return isinstance(got, dict) and got.keys() == expected.keys() and all(
                near(got[key], expected[key], rel, limit) for key in expected
            )
        if type(got) not in (int, float) or type(expected) not in (int, float):
            return type(got) is type(expected) and got == expected
        return math.isclose(
            got, expected,
            rel_tol=1e-6 if rel is None and limit is None else rel or 0.0,
            abs_tol=1e-12 if limit is None else limit,
        )

    class Mark:
        @staticmethod
        def parametrize(names, values, ids=None):
            names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)

            def decorate(function):
                rows = [dict(zip(names, row if len(names) > 1 else (row,))) for row in values]
                old = getattr(function, "_cases", [{}])
                function._cases = [{**one, **two} for one in old for two in rows]
                return function
            return decorate

    made.raises, made.approx, made.mark = raises, Approx, Mark()
    return made
