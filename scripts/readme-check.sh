#!/usr/bin/env bash
# Runs the ```console blocks of the README, in order, and compares what they print
# with what the README shows. Times, rates and fuel are masked in both. A command
# below which the README shows nothing is run for its effect and must succeed.
#
# usage: scripts/readme-check.sh [FILE]    (default README.md)
set -euo pipefail
cd "$(dirname "$0")/.."
readme="${1:-README.md}"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

awk '/^```/ { inside = !inside && $0 == "```console"; next } inside' "$readme" >"$work/block"
if ! grep -q '^\$ ' "$work/block"; then
    echo "$readme: no \`\`\`console block with a \`\$ command\` line" >&2
    exit 1
fi

# Numbers before ` rows/s`, ` MB/s`, ` s` and ` M fuel`, and behind `"fuel":`.
mask() {
    sed -E -e 's/[0-9.]+ [kM] fuel/N fuel/g' -e 's/"fuel":[0-9]+/"fuel":N/g' -e 's/[0-9][0-9.,]*[kM]? (rows|MB)\/s/N \1\/s/g' -e 's/[0-9][0-9.,]* s([^a-z]|$)/N s\1/g' \
        -e 's/[[:space:]]+$//'
}

# A block may write `goldstone …`: the binary that was built last comes first.
cargo build --release --quiet
target="$(cargo metadata --format-version 1 --no-deps |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"
export PATH="$target/release:$PATH" NO_COLOR=1 CARGO_TERM_QUIET=true

# Whether the README shows output below line $1 of the block.
shows_output() {
    local next
    next="$(sed -n "$(($1 + 1))p" "$work/block")"
    [ -n "$next" ] && [ "${next#\$ }" = "$next" ]
}

# The block again, with the real output behind each command.
number=0
while IFS= read -r line; do
    number=$((number + 1))
    case "$line" in
    '$ '*)
        echo "$line"
        if shows_output "$number"; then
            # A command may fail on purpose; its output says so.
            bash -c "${line#\$ }" 2>&1 </dev/null || true
        else
            bash -c "${line#\$ }" >&2 </dev/null
        fi
        ;;
    esac
done <"$work/block" >"$work/actual"

mask <"$work/block" >"$work/expected.masked"
mask <"$work/actual" >"$work/actual.masked"
if ! diff -u --label "$readme" --label "actual output" "$work/expected.masked" "$work/actual.masked"; then
    echo "$readme: the output has changed" >&2
    exit 1
fi
echo "$readme: the output is as shown"
