#!/usr/bin/env bash
# Everything that needs a GPU, in one call: the tests of the policy on it, its
# speed, and a short run of the default recipe. Nothing is built and nothing is
# fetched: scripts/build-cuda.sh has made what it runs.
#
#   scripts/gpu-check.sh [RESULTS]              a folder, default target/gpu-check
#
#   GPU_CHECK_FROM     the folder with goldstone, all and policy (target/cuda/out)
#   GPU_CHECK_SECONDS  seconds that the run may take (180)
#
# RESULTS gets a file for each part and summary.txt, which says of each whether it
# passed. Ends with 1 if a part failed, with 2 if there is no GPU to check.
set -uo pipefail
cd "$(dirname "$0")/.."

from=${GPU_CHECK_FROM:-target/cuda/out}
results=${1:-target/gpu-check}
limit=${GPU_CHECK_SECONDS:-180}
mkdir -p "$results"
: >"$results/summary.txt"

say() { echo "$*" | tee -a "$results/summary.txt"; }

for name in goldstone all policy; do
    if [ ! -x "$from/$name" ]; then
        echo "gpu-check: $from/$name is missing: run scripts/build-cuda.sh first" >&2
        exit 2
    fi
done
if ! nvidia-smi >"$results/device.txt" 2>&1; then
    echo "gpu-check: nvidia-smi finds no GPU" >&2
    exit 2
fi

failed=0
# part NAME COMMAND…: its output goes to a file, the end of it to the terminal.
part() {
    local name=$1 begin=$SECONDS code
    shift
    echo "==> $name: $*"
    "$@" >"$results/$name.txt" 2>&1
    code=$?
    tail -n 15 "$results/$name.txt"
    if [ "$code" -eq 0 ]; then
        say "passed  $name  $((SECONDS - begin)) s"
    else
        say "FAILED  $name  exit $code after $((SECONDS - begin)) s"
        failed=1
    fi
}

export CUDA_SHIM_DEBUG=1
say "$(date -u +%F) $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader)"
part tests env GOLDSTONE_TEST_DEVICE=cuda "$from/all" policy:: --test-threads 1
part speed env GOLDSTONE_BENCH_DEVICE=cuda "$from/policy"
rm -rf "$results/run"
part run timeout --signal INT --kill-after 30 "$limit" \
    "$from/goldstone" train addition --device cuda --plain --output "$results/run" \
    --set stages.cold-start.sft.steps=30 --set stages.reasoning.grpo.steps=10
cat "$results/summary.txt"
exit "$failed"
