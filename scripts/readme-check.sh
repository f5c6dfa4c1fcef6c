#!/usr/bin/env bash
# Runs the first ```console block of the README and compares what it prints
# with what the README shows. Times and rates are masked in both.
#
# usage: scripts/readme-check.sh [FILE]    (default README.md)
set -euo pipefail
cd "$(dirname "$0")/.."
readme="${1:-README.md}"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

awk '/^```/ { if (inside) exit; inside = ($0 == "```console"); next } inside' "$readme" >"$work/block"
if ! grep -q '^\$ ' "$work/block"; then
    echo "$readme: no \`\`\`console block with a \`\$ command\` line" >&2
    exit 1
fi

# Numbers before ` rows/s`, ` MB/s` and ` s`.
mask() {
    sed -E -e 's/[0-9][0-9.,]*[kM]? (rows|MB)\/s/N \1\/s/g' -e 's/[0-9][0-9.,]* s([^a-z]|$)/N s\1/g' \
        -e 's/[[:space:]]+$//'
}

# A block may write `goldstone …`: the binary that was built last comes first.
cargo build --quiet
target="$(cargo metadata --format-version 1 --no-deps |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"
export PATH="$target/debug:$PATH" NO_COLOR=1 CARGO_TERM_QUIET=true

# The block again, with the real output behind each command.
while IFS= read -r line; do
    case "$line" in
    '$ '*)
        echo "$line"
        # A command may fail on purpose; its output says so.
        bash -c "${line#\$ }" 2>&1 </dev/null || true
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
