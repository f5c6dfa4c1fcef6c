"""Compiles CPython's standard library into the archives that boot the guest.

usage: mkstdlib.py LIB FROZEN STDLIB, run by the CPython whose library LIB is.

FROZEN holds what must exist before the first import (shim.c reads it): a count,
then for each module its name, whether it is a package, and its marshalled code.
STDLIB holds all else (boot.py reads it): a marshalled index, name -> (is_package,
offset, length), and one run of marshalled code. Numbers are 32 bits, little-endian;
names and codes are preceded by their length. The same library gives the same bytes.
"""

import marshal
import os
import sys

# CPython imports these while it starts.
FIRST = ["encodings", "encodings.aliases", "encodings.ascii", "encodings.latin_1", "encodings.utf_8"]

# Tests, graphical programs, installers, terminals: nothing that a task can use
# where there is no screen, no file and no network.
SKIPPED_FOLDERS = {
    "__pycache__", "_pyrepl", "curses", "ensurepip", "idlelib", "msilib", "pydoc_data",
    "site-packages", "test", "tkinter", "turtledemo", "venv", "xmlrpc",
}
SKIPPED_FILES = {
    "_aix_support.py", "_android_support.py", "_apple_support.py", "_ios_support.py",
    "antigravity.py", "turtle.py", "webbrowser.py",
}


def modules(lib):
    """Yields (name, is_package, path inside LIB), in an order of their own."""
    for folder, folders, files in os.walk(lib):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        inside = os.path.relpath(folder, lib)
        parents = [] if inside == "." else inside.split(os.sep)
        for file in sorted(files):
            if not file.endswith(".py") or (not parents and file in SKIPPED_FILES):
                continue
            is_package = file == "__init__.py"
            name = ".".join(parents if is_package else [*parents, file[:-3]])
            yield name, is_package, "/".join([*parents, file])


def code(lib, path):
    """The marshalled code of one file; tracebacks will name it /lib/PATH."""
    with open(os.path.join(lib, path), "rb") as file:
        return marshal.dumps(compile(file.read(), "/lib/" + path, "exec", dont_inherit=True, optimize=0))


def number(value):
    return value.to_bytes(4, "little")


def block(data):
    return number(len(data)) + data


def main(lib, frozen_path, stdlib_path):
    frozen, index, blob = [], {}, []
    at = 0
    for name, is_package, path in modules(lib):
        data = code(lib, path)
        if name in FIRST:
            frozen.append(block(name.encode()) + number(is_package) + block(data))
        index[name] = (is_package, at, len(data))
        blob.append(data)
        at += len(data)
    missing = set(FIRST) - set(index)
    if missing:
        sys.exit(f"mkstdlib: {lib} has no {', '.join(sorted(missing))}")
    with open(frozen_path, "wb") as file:
        file.write(number(len(frozen)) + b"".join(frozen))
    with open(stdlib_path, "wb") as file:
        file.write(block(marshal.dumps(index)) + b"".join(blob))
    print(f"{len(index)} modules, {at} bytes")


main(*sys.argv[1:])
