#!/usr/bin/env bash
# Has real trainers call goldstone's adapters (python/tests/trainers), among them three
# steps of TRL's GRPOTrainer with a random model on the CPU. Says what it skips, and why;
# exits with an error if anything fails.
#
# usage: scripts/trainers-check.sh    (after scripts/build-wheel.sh)
#
# Without more it skips, unless python3 has torch: torch from PyPI brings gigabytes of
# CUDA. Either of these runs it anywhere:
#
#   TORCH="torch==2.11.0" scripts/trainers-check.sh     what pip is to install, and whence
#   PYTHON=/path/to/python scripts/trainers-check.sh    has goldstone, pytest and trainers
#
# The environment is made in target/trainers: 1.3 GB beside torch, Python 3.11 or 3.12.
# `GOLDSTONE` may name the command, for the server's part, which is skipped without it.
set -euo pipefail
cd "$(dirname "$0")/.."
needs=python/tests/trainers

skip() {
    echo "SKIPPED  trainers' check: $1"
    exit 0
}

if [ -z "${PYTHON:-}" ]; then
    wheel="$(ls dist/goldstone-*.whl 2>/dev/null | tail -1)" || true
    [ -n "$wheel" ] || skip "no wheel in dist/; run scripts/build-wheel.sh"
    if [ -z "${TORCH:-}" ] && ! python3 -c 'import torch' 2>/dev/null; then
        skip "python3 has no torch; name what to install in TORCH, or a Python in PYTHON"
    fi
    folder=target/trainers
    site=()
    [ -n "${TORCH:-}" ] || site=(--system-site-packages)
    python3 -m venv ${site[@]+"${site[@]}"} "$folder" || skip "python3 has no venv"
    PYTHON="$PWD/$folder/bin/python"
    install=("$PYTHON" -m pip install --quiet --disable-pip-version-check)
    # Words, so that TORCH may say from where.
    # shellcheck disable=SC2086
    [ -z "${TORCH:-}" ] || "${install[@]}" $TORCH || skip "torch cannot be installed"
    # pip warns of what the trainers ask of one another and do not get.
    "${install[@]}" --no-deps -r "$needs/alone.txt" || skip "no trainers for this Python"
    "${install[@]}" -r "$needs/requirements.txt" || skip "what the trainers need is not to be had"
    "${install[@]}" --no-deps --force-reinstall "$wheel"
    export GOLDSTONE="${GOLDSTONE:-$PWD/$folder/bin/goldstone}"
    # An older interface under the same name: a folder of its own.
    old="$PWD/$folder/verifiers-0.1"
    if "${install[@]}" --no-deps --upgrade --target "$old" verifiers==0.1.14; then
        export GOLDSTONE_VERIFIERS_0_1="$old"
    fi
fi

begin=$SECONDS
"$PYTHON" -m pytest "$needs" -q -rs -W ignore -p no:cacheprovider
# A check in which nothing ran would be none.
"$PYTHON" - <<'PYTHON'
import importlib.util, sys
missing = [name for name in ("trl", "verl", "openrlhf") if importlib.util.find_spec(name) is None]
if missing:
    sys.exit(f"not installed, so not checked: {', '.join(missing)}")
PYTHON
echo "trainers' check passed in $((SECONDS - begin)) s"
