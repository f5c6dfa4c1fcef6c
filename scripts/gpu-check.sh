#!/usr/bin/env bash
# Everything that needs a GPU, in one call of at most 9 minutes: the tests of the
# policy on it in f32 and bf16, a short run of the default recipe, what the device
# can do, and rollouts and training steps of the shapes of Qwen2.5 0.5B and 1.5B.
# Nothing is built and nothing is fetched: scripts/build-cuda.sh has made what it runs.
#
#   scripts/gpu-check.sh [RESULTS]              a folder, default target/gpu-check
#
#   GPU_CHECK_FROM     the folder with goldstone, all and policy (target/cuda/out)
#   GPU_CHECK_SECONDS  seconds that the whole may take (540)
#   GPU_CHECK_SHAPES   what is measured: `0.5B 1.5B`, or `tiny`
#   GPU_CHECK_DEVICE   cuda; with `cpu` and the shape `tiny` the script is tried out
#                      where there is no GPU
#
# RESULTS gets a file for each part and summary.txt: whether each passed, and the
# measurements as a Markdown table. Ends with 1 if a part failed or found no time,
# with 2 if there is no GPU to check.
set -uo pipefail
cd "$(dirname "$0")/.."

from=${GPU_CHECK_FROM:-target/cuda/out}
results=${1:-target/gpu-check}
limit=${GPU_CHECK_SECONDS:-540}
device=${GPU_CHECK_DEVICE:-cuda}
read -r -a shapes <<<"${GPU_CHECK_SHAPES:-0.5B 1.5B}"
mkdir -p "$results"
: >"$results/summary.txt"
: >"$results/table.md"

say() { echo "$*" | tee -a "$results/summary.txt"; }

for name in goldstone all policy; do
    if [ ! -x "$from/$name" ]; then
        echo "gpu-check: $from/$name is missing: run scripts/build-cuda.sh first" >&2
        exit 2
    fi
done
if [ "$device" = cuda ] && ! timeout 30 nvidia-smi >"$results/device.txt" 2>&1; then
    echo "gpu-check: nvidia-smi finds no GPU" >&2
    exit 2
fi

# The most memory in use on the device while a part runs, in MiB; nothing where the
# driver does not tell.
watcher=
end_watcher() {
    [ -n "$watcher" ] || return 0
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    watcher=
}
trap end_watcher EXIT
watch_memory() {
    [ "$device" = cuda ] || return 0
    nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 200 \
        >"$results/memory.txt" 2>/dev/null &
    watcher=$!
}
most_memory() {
    [ "$device" = cuda ] || return 0
    grep -xE '[0-9]+' "$results/memory.txt" | sort -n | tail -n 1
}

failed=0
# part NAME SECONDS COMMAND…: its output goes to a file, the end of it to the
# terminal, and its rows to the table. It may take the seconds, or what is left.
part() {
    local name=$1 most=$2 begin=$SECONDS code peak
    shift 2
    [ "$most" -le $((limit - SECONDS)) ] || most=$((limit - SECONDS))
    if [ "$most" -lt 5 ]; then
        say "FAILED  $name  no time was left for it"
        failed=1
        return
    fi
    echo "==> $name: $*"
    watch_memory
    timeout --signal INT --kill-after 5 "$most" "$@" >"$results/$name.txt" 2>&1
    code=$?
    end_watcher
    peak=$(most_memory)
    tail -n 15 "$results/$name.txt"
    grep '^| ' "$results/$name.txt" |
        sed -E "s/ \|\$/${peak:+; at most $peak MiB in use} |/" >>"$results/table.md"
    if [ "$code" -eq 0 ]; then
        say "passed  $name  $((SECONDS - begin)) s"
    else
        say "FAILED  $name  exit $code after $((SECONDS - begin)) s"
        failed=1
    fi
}

measure() { part "$1" "$2" "$from/policy" device "${@:3}"; }

export CUDA_SHIM_DEBUG=1 GOLDSTONE_TEST_DEVICE=$device GOLDSTONE_BENCH_DEVICE=$device
if [ "$device" = cuda ]; then
    say "$(date -u +%F) $(timeout 30 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader)"
else
    say "$(date -u +%F) $device"
fi
timeout 30 "$from/policy" device heading | grep '^|' >"$results/table.md"

# f32 against the oracle in f64, and bf16 against both.
part tests 120 "$from/all" policy:: --test-threads 1
# Before what is measured, so that it always finds time.
rm -rf "$results/run"
part run 90 "$from/goldstone" train addition --device "$device" --compute bf16 --plain \
    --output "$results/run" --set stages.cold-start.sft.steps=20 \
    --set stages.reasoning.grpo.steps=5 --set evaluation.prompts=64
# Where the time of its last step of GRPO went.
if [ -s "$results/run/metrics.jsonl" ]; then
    grep '"stage":"reasoning","kind":"train"' "$results/run/metrics.jsonl" | tail -n 1 |
        grep -oE '"(step_time|tokens_per_second|time/[a-z_]+)":[0-9.e+-]+' |
        sed -E 's/"([^"]*)":(.*)/| addition | bf16 | \1, last step | \2 | s, a share, or tokens\/s |/' \
            >>"$results/table.md"
fi

measure ceilings 30 ceilings
for shape in "${shapes[@]}"; do
    for rows in 64 256 512; do
        measure "rollout-$shape-bf16-$rows" 40 rollout "$shape" bf16 "$rows"
    done
    measure "train-$shape-bf16" 40 train "$shape" bf16
done
first=${shapes[0]}
measure "train-$first-bf16-recomputed" 40 train "$first" bf16 recompute
measure "train-$first-f32" 40 train "$first" f32
measure "rollout-$first-f32-256" 40 rollout "$first" f32 256

{ echo; cat "$results/table.md"; } >>"$results/summary.txt"
cat "$results/summary.txt"
exit "$failed"
