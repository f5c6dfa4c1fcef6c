"""Tests that are a file of unittest's or pytest's kind, and the module that it imports."""

import builtins
import sys
import types

from _harness.candidate import Ended
from _harness.exceptions import BadTests
from _harness.plain import NotPlain, lower
from _harness.pytest_module import pytest_module


def solution_module(candidate, module):
    """The module that tests import; its names are asked for one by one."""
    made = types.ModuleType(module)
    made.__file__ = module + ".py"

    def find(name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            if not candidate.objects:
                value = candidate.operate("name", name) if candidate.objects is not None else named(candidate, name)
            else:
                value = candidate.named(name)
        except NameError:
            if name in vars(builtins):
                raise BadTests("the tests replace `%s` in the solution, which they can't reach" % name) from None
            raise
        setattr(made, name, value)
        return value
    made.__getattr__ = find
    return made


def named(candidate, name):
    """By value: data and exception types as they are, anything else as a function."""
    value = candidate.ask(b"O", "name", name, [], {}, False)
    if type(value) is tuple and value[:1] in (("o",), ("c",)):
        return candidate.function(name)
    try:
        return lower(value, candidate.drop)
    except (NotPlain, ArithmeticError, TypeError, ValueError, IndexError) as error:
        if error is candidate.raised:
            raise
        candidate.ended = ("protocol", "a bad reply")
        raise Ended from None


def run_unittest(tester, module, setup, code):
    import unittest
    sys.modules.setdefault("pytest", pytest_module())
    tests = types.ModuleType("test_" + module)
    sys.modules[tests.__name__] = tests
    tester.names = tests.__dict__
    if not tester.define(setup, "setup.py") or not tester.define(code, "tests.py"):
        return
    suite = []
    for name, value in list(vars(tests).items()):
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            for test in unittest.defaultTestLoader.loadTestsFromTestCase(value):
                method = getattr(value, test._testMethodName)
                if getattr(value, "__unittest_skip__", False) or getattr(method, "__unittest_skip__", False):
                    continue
                suite.append((test.id().partition(".")[2], lambda test=test: run_case(test)))
        elif isinstance(value, type) and name.startswith("Test") and value.__module__ == tests.__name__:
            for method in dir(value):
                if method.startswith("test") and callable(getattr(value, method)):
                    suite.extend(pytest_items(name + "." + method, value, method))
        elif name.startswith("test") and isinstance(value, types.FunctionType):
            suite.extend(pytest_items(name, None, value))
    tester.each(sorted(suite, key=lambda item: item[0]))


def run_case(test):
    """One test; a skip or an expected failure is no pass."""
    import unittest
    outcome = unittest.TestResult()
    raised = []
    note = lambda case, error: raised.append(error[1])
    outcome.addError = outcome.addFailure = note
    outcome.addSubTest = lambda case, sub, error: raised.append(error[1]) if error is not None else None
    test.run(outcome)
    if raised:
        raise raised[0]
    if outcome.skipped or outcome.expectedFailures or outcome.unexpectedSuccesses or outcome.testsRun != 1:
        raise BadTests("the test was skipped, or is expected to fail")


def pytest_items(title, owner, method):
    """A test of pytest's kind, once for each of its parameters."""
    function = getattr(owner, method) if owner is not None else method
    cases = getattr(function, "_cases", [{}])

    def item(case):
        def act():
            if owner is None:
                return method(**case)
            instance = owner()
            if hasattr(instance, "setup_method"):
                instance.setup_method()
            return getattr(instance, method)(**case)
        return act
    return [(title if len(cases) == 1 else "%s[%03d]" % (title, index), item(case)) for index, case in enumerate(cases)]
