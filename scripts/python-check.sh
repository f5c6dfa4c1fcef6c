#!/usr/bin/env bash
# Builds the Python package, installs it into a virtual environment of its own and runs
# its tests there. Skipped, visibly, only where Python has no virtual environments.
#
# usage: scripts/python-check.sh [--profile NAME]    (default release)
set -euo pipefail
cd "$(dirname "$0")/.."

if ! python3 -c 'import venv, ensurepip' 2>/dev/null && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq python3-venv || true
fi
if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    echo "SKIPPED  Python package: no Python 3.10 or newer with venv here"
    exit 0
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet maturin pytest mypy numpy pyarrow
# The bindings depend on the version of Python alone, not on the environment.
export PYO3_PYTHON="${PYO3_PYTHON:-$(command -v python3)}"
PYTHON="$work/venv/bin/python" scripts/build-wheel.sh "$@"
"$work/venv/bin/pip" install --quiet dist/goldstone-*.whl

# The command of the package, in no source folder.
(cd "$work" && echo '{"completion": "#### 42", "reference": "42"}' |
    venv/bin/goldstone score - --spec gsm8k --columns scores)
# Real trainers have a check of their own.
"$work/venv/bin/pytest" -c python/pyproject.toml python/tests --ignore=python/tests/trainers
