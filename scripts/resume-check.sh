#!/usr/bin/env bash
# Kills `goldstone score` (-9) at ten random points of a large file, goes on with
# `--resume` each time, and compares the output with that of an uninterrupted run,
# byte for byte: as JSON lines, gzip, zstd and Parquet.
#
# usage: scripts/resume-check.sh [GOLDSTONE] [MEGABYTES] [SEED]
# (default: the release build; 200; a seed of the moment, which is printed)
set -euo pipefail
cd "$(dirname "$0")/.."

target="$(cargo metadata --format-version 1 --no-deps |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"
goldstone="$(realpath "${1:-$target/release/goldstone}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

python3 - "$goldstone" "$work" "${2:-200}" "${3:-}" <<'END'
import filecmp, json, os, pathlib, random, signal, subprocess, sys, time

KILLS = 10
NAMES = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst", "out.parquet"]
goldstone, work, megabytes = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
seed = int(sys.argv[4]) if sys.argv[4] else random.randrange(2**32)
draw = random.Random(seed)

# The example rollouts again and again, each time of another name.
examples = [json.loads(line) for line in open("examples/rollouts/gsm8k.jsonl")]
rows, size, turn = 0, 0, 0
with open(work / "in.jsonl", "w") as file:
    while size < megabytes << 20:
        for row in examples:
            size += file.write(json.dumps(row | {"id": f"{turn}/{row['id']}"}) + "\n")
        rows, turn = rows + len(examples), turn + 1
print(f"seed {seed}: {rows} rows, {size >> 20} MiB")


def score(output, *more):
    command = [goldstone, "score", "in.jsonl", "--spec", "gsm8k", "--quiet", "-o", output, *more]
    return subprocess.Popen(command, cwd=work)


def size_of(name):
    try:
        return os.stat(work / name).st_size
    except FileNotFoundError:
        return 0


failed = False
text_size = None
for name in NAMES:
    whole = "whole-" + name
    begin = time.monotonic()
    if score(whole).wait() != 0:
        sys.exit(f"{name}: the uninterrupted run failed")
    took = time.monotonic() - begin
    end = size_of(whole)
    text_size = text_size or end
    points = sorted(draw.random() for _ in range(KILLS))
    killed = []
    for point in points:
        child = score(name, "--resume")
        # Where a run is: what is packed, and the text that is not.
        while child.poll() is None:
            done = size_of(name) / end + size_of(name + ".tail") / text_size
            if done >= point:
                break
            time.sleep(0.0005)
        # Some die at the start of a run, too.
        time.sleep(draw.random() * 0.05)
        child.send_signal(signal.SIGKILL)
        code = child.wait()
        if code == -signal.SIGKILL:
            killed.append(f"{point:.2f}")
        elif code != 0:
            sys.exit(f"{name}: a run that went on ended with {code}")
    if len(killed) < KILLS // 2:
        sys.exit(f"{name}: only {len(killed)} of {KILLS} runs were killed: it takes a larger file")
    if score(name, "--resume").wait() != 0:
        sys.exit(f"{name}: the last run failed")
    same = filecmp.cmp(work / whole, work / name, shallow=False)
    manifest = json.load(open(work / (name + ".manifest.json")))
    is_whole = manifest["complete"] and manifest["rows"] == rows and not (work / (name + ".tail")).exists()
    verdict = "same bytes" if same and is_whole else "DIFFERS"
    failed |= verdict == "DIFFERS"
    print(f"{name}: {end} bytes in {took:.1f} s, killed {len(killed)} times at {' '.join(killed)}: {verdict}")
    for file in work.glob("*" + name + "*"):
        file.unlink()
sys.exit(failed)
END
