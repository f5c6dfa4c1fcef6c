"""``python -m goldstone`` and the command ``goldstone``: the binary of this package."""

import os
import sys

from ._engines import worker_binary


def main() -> None:
    """Becomes the ``goldstone`` command."""
    binary = worker_binary(None)
    # The command of this package is itself found on the path where there is no binary.
    if not os.path.isabs(binary) or os.path.realpath(binary) == os.path.realpath(sys.argv[0]):
        sys.exit("this build of the package has no `goldstone` command in it")
    os.execv(binary, ["goldstone", *sys.argv[1:]])


if __name__ == "__main__":
    main()
