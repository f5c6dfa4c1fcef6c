"""What stands between the judge and a Python program, inside the guest.

The judge sends messages, `turn` answers each with one reply. A candidate shares
this interpreter, so nothing here is secret and nothing here decides: whoever
forges a reply has said no more than a return value says. What decides is the
judge, and for tests that are programs a tester in an instance of its own, which
meets a candidate only as bytes that `Reader` checks.

Messages are one letter and a marshalled tuple (version 2, plain data):

    L (source, module)                            define a program
    C (id, name, args, kwargs)                    call one of its functions
    P (source,) or (source, name)                 run a program as `__main__`; with its
                                                  name, what ends it is shown as Python does
    T (kind, entry, module, prelude, setup, code, asserts, begun, objects)   be the tester
    W (source, kind, entry, …, asserts)           both at once, for `shared` mode

The tester sends the candidate `C`, and `O (id, operation, …)` for objects and names.
"""

import atexit
import io
import linecache
import marshal
import os
import random
import sys
import types

import _goldstone
from _harness.asserts import run_tests
from _harness.candidate import Candidate
from _harness.exceptions import TEXT, stopped
from _harness.main import run_main
from _harness.plain import VERSION, NotPlain, dumps
from _harness.program import Program, truth
from _harness.shared import run_shared
from _harness.tester import Tester, stop_clocks

PROGRAM = Program()
STDOUT, STDERR = sys.stdout, sys.stderr
STARTED = []
# Nothing has been read from it when the snapshot is taken.
sys.stdin = io.TextIOWrapper(
    io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding="utf-8", errors="strict"
)


def start():
    """Once in an instance: what a snapshot has frozen is made fresh."""
    STARTED.append(True)
    random.seed(int.from_bytes(os.urandom(32)))


def rehearse():
    """Plays turns of the usual kinds before the snapshot is taken: byte code adapts to
    what it is used for, caches fill, and no run has to write either anew."""
    modules = dict(sys.modules)
    numbers = [1, 2.5, "three", (4,), [5], {6: None}, True]
    for _ in range(REHEARSALS):
        for message in (
            (b"P", (REHEARSED + "print(f(3))\n",)),
            (b"P", (REHEARSED + "raise ValueError('no')\n",)),
            (b"L", (REHEARSED, "solution")),
            (b"C", (0, "f", (3,), {})),
            (b"C", (1, "g", (numbers,), {})),
            (b"C", (2, "f", ("no",), {})),
        ):
            turn(message[0] + marshal.dumps(message[1], VERSION), reply=len, run_exit=int)
    STARTED.clear()
    PROGRAM.__init__()
    linecache.clearcache()
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.modules.update(modules)


REHEARSALS = 20
REHEARSED = """
from typing import List
class C:
    def __init__(self, n): self.n = n
def f(n):
    total = 0
    for i in range(n):
        total += i * C(i).n
    assert total == sum(x * x for x in range(n)), "no"
    return total
def g(xs: List[int]):
    return [x for x in xs if x]
"""


def turn(message, reply=_goldstone.reply, loads=marshal.loads, run_exit=atexit._run_exitfuncs):
    if not STARTED:
        start()
    letter, given = message[:1], loads(message[1:])
    if letter == b"L":
        answer = dumps(PROGRAM.load(*given))
    elif letter in (b"C", b"O"):
        number, rest = given[0], given[1:]
        end = PROGRAM.call(*rest) if letter == b"C" else PROGRAM.operate(*rest)
        try:
            answer = dumps((number,) + end)
        except NotPlain as error:
            answer = dumps((number, "refused", str(error)[:TEXT], truth(end[1])))
        except BaseException as error:
            answer = dumps((number,) + stopped(error))
    elif letter == b"P":
        answer = dumps(run_main(*given, run_exit=run_exit))
    elif letter == b"T":
        *job, begun, objects = given
        names = types.ModuleType("tests")
        sys.modules["tests"] = names
        tester = Tester(Candidate(objects), names.__dict__, begun)
        stop_clocks()
        run_tests(tester, *job)
        answer = dumps((tester.results, tester.candidate.asked, tester.total))
    elif letter == b"W":
        answer = dumps(run_shared(*given))
    else:
        return 2
    for stream in (STDOUT, STDERR):
        try:
            stream.flush()
        except BaseException:
            pass
    reply(answer)
    return 0
