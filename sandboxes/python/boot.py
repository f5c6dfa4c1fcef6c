"""Boots the guest's interpreter, before the snapshot: an importer over the standard
library in memory, the imports that programs share, and the harness.

Run by shim.c, which has read the first part of the boot archive from standard input.
This reads the rest: the harness' sources, then what mkstdlib.py wrote. All that is
done here is done once, and every run of a program starts where it ends.
"""

import _goldstone
import gc
import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec

sys.dont_write_bytecode = True


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


# In the order of the archive: a part of the harness imports from those before it.
_PARTS = """
    plain reader exceptions main program handle candidate order tester pytest_module suite
    asserts shared turn
"""
_harness = {part: _read_block() for part in _PARTS.split()}
_index = marshal.loads(_read_block())
# name -> (is_package, marshalled code); the archive holds the codes in this order.
_library = {name: (is_package, _read(length)) for name, (is_package, _, length) in _index.items()}
if posix.read(0, 1):
    raise ValueError("the boot archive goes on behind its end")
# Written by CPython's own build for the machine at hand; nothing here needs it.
_library["_sysconfigdata__wasi_wasm32-wasi"] = (
    False,
    marshal.dumps(compile("build_time_vars = {}", "sysconfigdata", "exec")),
)


class LibraryLoader:
    """Loads a module of the standard library from memory."""

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        exec(marshal.loads(_library[module.__spec__.name][1]), module.__dict__)

    @staticmethod
    def is_package(name):
        return _library[name][0]

    @staticmethod
    def get_code(name):
        return marshal.loads(_library[name][1])

    @staticmethod
    def get_source(name):
        return None


class LibraryFinder:
    """Finds modules of the standard library in memory."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        entry = _library.get(name)
        if entry is None:
            return None
        is_package = entry[0]
        origin = "/lib/" + name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
        spec = ModuleSpec(name, LibraryLoader, origin=origin, is_package=is_package)
        spec.has_location = True
        return spec

    @staticmethod
    def invalidate_caches():
        pass


sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, "__name__", "") != "PathFinder"] + [LibraryFinder]
sys.path_hooks.clear()
sys.path_importer_cache.clear()
sys.path.clear()

# What programs of tasks import; in the snapshot, importing them costs a look-up.
_SHARED = """
    abc argparse array ast asyncio atexit base64 binascii bisect builtins cProfile calendar
    cmath codecs collections collections.abc colorsys concurrent.futures configparser
    contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib dis doctest
    email email.message encodings.idna enum errno fnmatch fractions functools gc getopt
    gettext glob graphlib hashlib heapq hmac html html.parser importlib.machinery
    importlib.util inspect io ipaddress itertools json keyword linecache locale logging math
    mimetypes numbers operator os pathlib pickle platform pprint profile queue random re
    reprlib sched secrets select selectors shlex shutil signal socket stat statistics string
    stringprep struct sys tempfile textwrap threading time timeit token tokenize traceback
    types typing unicodedata unittest unittest.mock urllib.parse uuid warnings weakref
    xml.etree.ElementTree zlib zoneinfo
"""
for _name in _SHARED.split():
    __import__(_name)


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
        thread._handle = threading._make_thread_handle(ident)
        try:
            function()
        finally:
            threading._active[ident] = starter
            thread._handle._set_done()
        return thread._handle

    def start_new_thread(function, args, kwargs={}, /):
        threading.Thread(target=function, args=args, kwargs=kwargs).start()
        return _thread.get_ident()

    def stack_size(size=0, /):
        return 0

    def run_submitted(executor):
        if executor._initializer is not None:
            initializer, executor._initializer = executor._initializer, None
            initializer(*executor._initargs)
        executor._work_queue.get_nowait().run()

    threading._start_joinable_thread = start_joinable_thread
    _thread.start_new_thread = _thread.start_new = start_new_thread
    threading.stack_size = _thread.stack_size = stack_size
    concurrent.futures.thread.ThreadPoolExecutor._adjust_thread_count = run_submitted


_settle_asyncio()
_run_threads_where_they_start()

# Modules imported by now are never loaded again.
for _name in [name for name in _library if name in sys.modules]:
    del _library[_name]

import types

# While it is loaded, a module for each part, so that each says what it takes from others.
# A program finds one, `_harness`, which is what the last part defines.
for _part, _source in _harness.items():
    harness = sys.modules["_harness." + _part] = types.ModuleType("_harness")
    exec(compile(_source, "<harness/%s>" % _part, "exec", dont_inherit=True), harness.__dict__)
for _part in _harness:
    del sys.modules["_harness." + _part]
sys.modules["_harness"] = harness
turn = harness.turn
harness.rehearse()

# Neither the collector nor a count of references ever writes to what is shared.
gc.collect()
_goldstone.keep(gc.get_objects())
gc.freeze()
