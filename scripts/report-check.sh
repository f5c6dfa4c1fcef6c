#!/usr/bin/env bash
# Makes reports of the example rollouts, and of hostile ones, and checks each in
# headless Chromium: scripts/report-check.mjs says what. Screenshots stay in the
# folder that is named.
#
# usage: scripts/report-check.sh [GOLDSTONE] [SHOTS]
# (default: the release build; a folder that goes again)
set -euo pipefail
cd "$(dirname "$0")/.."

browser="$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)"
if [ -z "$browser" ] || ! command -v node >/dev/null; then
    echo "report-check: SKIPPED, it needs Chromium and node" >&2
    exit 0
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
target="$(cargo metadata --format-version 1 --no-deps |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"
goldstone="${1:-$target/release/goldstone}"
shots="${2:-$work/shots}"

# Rows that try to leave their place, and names too long for theirs.
python3 - "$work/hostile.jsonl" <<'END'
import json, sys

bad = "</pre></ol></script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>" \
    "<style>*{display:none}</style><!-- \u202etxet\u200b\x00 '\"`" + "w" * 300
with open(sys.argv[1], "w") as file:
    for row in range(60):
        answer = row % 4
        line = {
            "id": f"{row} {bad}", "group": f"{bad}{row // 4}", "task": f"{bad}{row % 3}", "prompt": bad,
            "completion": f"<think>{bad * (row % 5 * 10)}</think>\n<answer>{answer}</answer>" if row % 7 else bad,
            "reference": "1" if row % 9 else bad, "finish_reason": bad, "n_tokens": 7 ** (row % 9),
        }
        print(json.dumps(line), file=file)
END
# Tasks and groups with names that have no place to break a line.
python3 - "$work/long.jsonl" <<'END'
import json, sys

with open(sys.argv[1], "w") as file:
    for row in range(40):
        task = "competition_mathematics" + "/level-" * 30 + str(row % 2)
        line = {
            "id": f"{task}/{row}", "group": f"{task}/{row // 4}", "task": task, "prompt": "1?",
            "completion": f"<think>.</think>\n<answer>{row % 3}</answer>", "reference": "1",
        }
        print(json.dumps(line), file=file)
END
examples=examples/rollouts
check() { # name, spec, rollouts
    "$goldstone" score "$3" --spec "$2" --allow-errors --quiet --report "$work/$1.html" >/dev/null
    echo "$1:"
    node scripts/report-check.mjs "$work/$1.html" "$shots/$1" "$browser"
}
check gsm8k gsm8k "$examples/gsm8k.jsonl"
check r1 r1-zero "$examples/r1.jsonl"
check hostile r1-zero "$work/hostile.jsonl"
check long r1-zero "$work/long.jsonl"
