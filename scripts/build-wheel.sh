#!/usr/bin/env bash
# Builds the wheel of the Python package into dist/, with the `goldstone` command in it.
# The command and the package share one build of the library and all it needs.
#
# usage: scripts/build-wheel.sh [--profile NAME]    (default release)
#
# Needs maturin (`pip install maturin`), of the Python that `PYTHON` names.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release
case "${1:-}" in
"") ;;
--profile) profile="${2:?--profile needs a name}" ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

python="${PYTHON:-python3}"
# The bindings are compiled again where this is another one than the time before.
export PYO3_PYTHON="${PYO3_PYTHON:-$(command -v "$python")}"
"$python" -m maturin --version >/dev/null || {
    echo "no maturin: $python -m pip install maturin" >&2
    exit 1
}
target="$(cargo metadata --format-version 1 --no-deps |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')"
built="$target/$([ "$profile" = dev ] && echo debug || echo "$profile")"

cargo build --profile "$profile" --bin goldstone
mkdir -p python/goldstone/bin dist
# Programs are run in it: without symbols it starts as fast, and is a fifth of the size.
strip -o python/goldstone/bin/goldstone "$built/goldstone" 2>/dev/null ||
    cp "$built/goldstone" python/goldstone/bin/goldstone
chmod 755 python/goldstone/bin/goldstone

rm -f dist/goldstone-*.whl
"$python" -m maturin build --manifest-path python/Cargo.toml --profile "$profile" \
    --features command --out dist
ls -l dist/goldstone-*.whl
