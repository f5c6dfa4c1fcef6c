#!/usr/bin/env bash
# Scores real rollouts with Ray Data, as examples/ray_score.py does, and compares every
# score with the bytes of the Python package. Ray listens on every interface there is, so
# it runs in a network namespace in which only loopback is up.
#
# usage: scripts/ray-check.sh    (after scripts/build-wheel.sh)
#
# `PYTHON` may name a Python that has Ray, pandas and goldstone already; otherwise a
# virtual environment is made. `ROLLOUTS` may name a file of rollouts with numbers to find.
set -euo pipefail
cd "$(dirname "$0")/.."

rollouts="${ROLLOUTS:-examples/rollouts/gsm8k.jsonl}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

skip() {
    echo "SKIPPED  Ray check: $1"
    exit 0
}

if [ -z "${PYTHON:-}" ]; then
    wheel="$(ls dist/goldstone-*.whl 2>/dev/null | tail -1)" || true
    [ -n "$wheel" ] || skip "no wheel in dist/; run scripts/build-wheel.sh"
    python3 -m venv "$work/venv" || skip "python3 has no venv"
    PYTHON="$work/venv/bin/python"
    "$PYTHON" -m pip install --quiet "$wheel" ray pyarrow pandas || skip "no Ray for this Python"
fi

enter=(unshare --net)
"${enter[@]}" true 2>/dev/null || enter=(unshare --map-root-user --net)
"${enter[@]}" true 2>/dev/null || skip "no network namespaces here"

"$PYTHON" - "$rollouts" "$work/rollouts" <<'EOF'
import json, pathlib, sys
import pyarrow, pyarrow.parquet

lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
folder = pathlib.Path(sys.argv[2])
folder.mkdir()
rows = pyarrow.Table.from_pylist([json.loads(line) for line in lines])
shard = -(-len(rows) // 4)
for number in range(4):
    part = rows.slice(number * shard, shard)
    pyarrow.parquet.write_table(part, folder / f"{number}.parquet", row_group_size=50)
EOF

export RAY_USAGE_STATS_ENABLED=0 RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
timeout 400 "${enter[@]}" bash -c 'ip link set lo up && exec "$@"' ray \
    "$PYTHON" examples/ray_score.py "$work/rollouts" "$work/scored" --spec gsm8k

"$PYTHON" - "$rollouts" "$work/scored" <<'EOF'
import pathlib, sys
import goldstone, pyarrow.parquet

lines = pathlib.Path(sys.argv[1]).read_bytes().splitlines()
expected = {line.decode() for line in goldstone.Scorer("gsm8k").score_json(lines)}
scored = pyarrow.parquet.read_table(sys.argv[2])
found = scored["score"].to_pylist()
assert len(found) == len(lines), (len(found), len(lines))
assert set(found) == expected, "Ray's scores differ"
rewards = scored["reward"].to_pylist()
print(f"Ray: {len(found)} scores, the same bytes; {sum(r or 0 for r in rewards):g} paid")
EOF
