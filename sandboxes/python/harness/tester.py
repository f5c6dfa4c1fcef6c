"""The tester: runs tests and says what came of each."""

import types

from _harness.candidate import Ended
from _harness.exceptions import TEXT, BadTests, told
from _harness.main import compiled
from _harness.order import ORDER, with_order
from _harness.plain import NotPlain


class Tester:
    """Runs tests and says what came of each."""

    def __init__(self, candidate, names, begun=0):
        self.candidate = candidate
        self.names = names
        self.begun = begun
        self.total = begun + 1
        self.results = []

    def each(self, tests):
        """The tests from the first that is wanted, until the candidate ends."""
        self.total = len(tests)
        for title, action in tests[self.begun:]:
            if not self.run(title[:TEXT], action):
                break

    def program(self, text):
        """An action that runs a piece of the tests."""
        def act():
            code, fault = compiled(text, "tests.py", change=with_order)
            if fault is not None:
                raise BadTests("%s: %s" % fault[1:3])
            self.execute(code)
        return act

    def execute(self, code):
        for name, value in ORDER.items():
            self.names.setdefault(name, value)
        exec(code, self.names)

    def run(self, title, action):
        """One test: nothing raised is a pass."""
        candidate = self.candidate
        candidate.raised = candidate.refused = None
        asked = candidate.asked
        try:
            action()
            result = ("pass",)
        except Ended:
            result = ("ended",)
        except BaseException as error:
            result = self.judged(error)
        if candidate.ended is not None:
            result = candidate.ended
        # With the calls that it made: from one number up to another.
        self.results.append((title, asked, candidate.asked) + result)
        return candidate.ended is None

    def judged(self, error):
        candidate = self.candidate
        name, text, base, _ = told(error)
        if error is candidate.raised:
            if candidate.refused is not None:
                return ("wrong", "TypeError", candidate.refused)
            return ("wrong" if base == "AssertionError" else "raise", name, text)
        if candidate.asked == 0 or isinstance(
            error, (BadTests, ImportError, NameError, SyntaxError, NotPlain, SystemExit)
        ):
            return ("bad", name, text)
        if isinstance(error, AssertionError):
            return ("wrong", name, text)
        return ("raise", name, text)

    def define(self, source, title):
        """Code of the tests that is no test itself; `False` where it fails."""
        if not source:
            return True
        before = len(self.results)
        code, fault = compiled(source, title, change=with_order)
        if fault is not None:
            self.results.append((title, 0, 0, "bad", fault[1], fault[2]))
            return False
        going = self.run(title, lambda: self.execute(code))
        if self.results[-1][3] == "pass":
            self.results.pop()
        return going and len(self.results) == before


def stop_clocks():
    """Tests that measure time would measure a clock that the solution's work does
    not move: any speed would pass."""
    import time
    import unittest.case
    unittest.case.time = types.SimpleNamespace(perf_counter=time.perf_counter)

    def refused():
        raise BadTests("the tests measure time, which has no meaning here")
    for name in ("time", "perf_counter", "monotonic", "process_time", "thread_time"):
        setattr(time, name, refused)
        setattr(time, name + "_ns", refused)
