#!/usr/bin/env bash
# Builds goldstone with CUDA on a machine that has no GPU, no driver and no CUDA
# toolkit: the compiler comes from PyPI, the libraries are opened at run time.
#
#   scripts/build-cuda.sh [CARGO ARGUMENTS]     e.g. --no-default-features --features cli,cuda
#
# What comes out lies in $CUDA_BUILD_DIR/out: goldstone, the tests (all) and the
# benchmark of the policy, for scripts/gpu-check.sh. Needs cargo, a C++ compiler
# up to gcc 15, python3 with venv, PyPI and crates.io, and 4 GB of disk.
#
#   CUDA_COMPUTE_CAP   90    architecture of the GPU (90: H100, H200)
#   CUDA_BUILD_DIR     target/cuda
#   JOBS               all cores
set -euo pipefail
cd "$(dirname "$0")/.."

build=${CUDA_BUILD_DIR:-$PWD/target/cuda}
jobs=${JOBS:-$(nproc)}
# Not newer: PTX of a later compiler is refused by a driver of the 580 series.
packages=(
    nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88
    nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96 nvidia-curand==10.4.0.35
)

toolkit() {
    [ -e "$build/toolkit/.complete" ] && return
    rm -rf "$build/toolkit" "$build/site"
    mkdir -p "$build"
    python3 -m venv "$build/venv"
    "$build/venv/bin/pip" install --quiet --no-deps --target "$build/site" "${packages[@]}"
    mv "$build/site/nvidia/cu13" "$build/toolkit"
    rm -rf "$build/site"
    chmod +x "$build"/toolkit/bin/* "$build"/toolkit/nvvm/bin/*
    # -lcudart means the static runtime.
    cp "$build/toolkit/lib/libcudart_static.a" "$build/toolkit/lib/libcudart.a"
    touch "$build/toolkit/.complete"
}

shims() {
    local cudarc
    cudarc=$(cargo metadata --locked --format-version 1 --features cuda | python3 -c '
import json, os, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == "cudarc":
        print(os.path.dirname(package["manifest_path"]))
        break')
    python3 scripts/cuda_shims.py "$cudarc/src" "$build/toolkit/lib"
}

# Copies an executable, stripped, and refuses one that needs a CUDA library to start.
keep() {
    strip -o "$build/out/$2" "$1"
    if readelf -d "$build/out/$2" | grep -E 'NEEDED.*lib(cu|nv)'; then
        echo "build-cuda: $2 needs a CUDA library to start: the shims were not linked" >&2
        exit 1
    fi
}

toolkit
export CUDA_HOME=$build/toolkit CUDA_PATH=$build/toolkit
export NVCC=$CUDA_HOME/bin/nvcc PATH=$CUDA_HOME/bin:$PATH
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90} CUDAFORGE_THREADS=$jobs
shims

features=("$@")
[ "${#features[@]}" -gt 0 ] || features=(--features cuda)
export CARGO_TARGET_DIR=$build/cargo
mkdir -p "$build/out"
cargo build --locked --release --jobs "$jobs" "${features[@]}" --bin goldstone --test all --bench policy \
    --message-format json-render-diagnostics |
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable"):
        print(message["target"]["name"], message["executable"])' |
    while read -r name path; do keep "$path" "$name"; done
ls -lh "$build/out"
