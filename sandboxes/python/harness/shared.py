"""Shared mode: tests beside the candidate, which can reach them."""

from _harness.asserts import pieces
from _harness.program import Program
from _harness.suite import run_unittest
from _harness.tester import Tester


class Neighbour:
    """`shared` mode: the candidate's own objects, in the tester's interpreter."""

    objects = "shared"
    asked = 1
    ended = raised = refused = None

    def __init__(self, program):
        self.function = self.named = program.find


def run_shared(source, kind, entry, module, prelude, setup, code, asserts):
    program = Program()
    end = program.load(source, module)
    if end != ("ok",):
        return ("load", end)
    tester = Tester(Neighbour(program), dict(program.names))
    if kind == "unittest":
        run_unittest(tester, module, setup, code)
    else:
        tester.names["__name__"] = "tests"
        if tester.define(prelude, "prelude.py"):
            tester.names.update((name, program.names[name]) for name in entry if name in program.names)
            if tester.define(setup, "setup.py"):
                tester.each(pieces(tester, entry, code, asserts))
    return ("tests", tester.results, 1, tester.total)
