#!/usr/bin/env bash
# Has real trainers call goldstone's adapters (python/tests/trainers), among them three
# steps of TRL's GRPOTrainer with a random model on the CPU. Says what it skips, and why;
# exits with an error if anything fails.
#
# usage: scripts/trainers-check.sh    (after scripts/build-wheel.sh)
#
# `PYTHON` may name a Python that has goldstone, pytest and trainers already. Otherwise an
# environment is made in target/trainers, which takes about 1 GB of downloads, 3 GB of
# disk and Python 3.11 or 3.12. `GOLDSTONE` may name the command for the server's part;
# without it, that part is skipped.
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
    folder=target/trainers
    python3 -m venv "$folder" || skip "python3 has no venv"
    PYTHON="$PWD/$folder/bin/python"
    install=("$PYTHON" -m pip install --quiet --disable-pip-version-check)
    # Torch runs on a CPU without the gigabytes of CUDA that it asks for, so what asks
    # for torch is installed by itself, and what else is needed is listed.
    "${install[@]}" --no-deps -r "$needs/alone.txt" || skip "no torch, or no trainers, for this Python"
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
