#!/bin/sh
# Builds the Python guest: CPython for WASI, and the archives that boot it.
#
# usage: build.sh WORK RECIPE CPYTHON PATCHES ZLIB ZIG
#   WORK     folder to build in; what is done already is not done again
#   RECIPE   folder of shim.c, netstubs.c, mkstdlib.py
#   CPYTHON  python3.13's .orig.tar.xz      PATCHES  its .debian.tar.xz
#   ZLIB     zlib's .orig.tar.gz            ZIG      the wheel of ziglang
#
# Leaves WORK/out/module.wasm, frozen.bin and stdlib.bin: the same bytes for the same
# inputs, wherever WORK is. Lines that begin with `stage:` say how far it is. Needs a
# C compiler, make, patch, tar, xz, gzip and python3; no root, no network.
set -eu

work=$(realpath -m "$1") recipe=$(realpath "$2")
cpython=$(realpath "$3") patches=$(realpath "$4") zlib=$(realpath "$5") wheel=$(realpath "$6")
jobs=${JOBS:-$(nproc)}
native=$work/cpython/native wasi=$work/cpython/wasi out=$work/out

# The user's flags are for programs of the user's machine.
unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS PYTHONPATH PYTHONHOME PYTHONHASHSEED
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1750000000
export ZIG_GLOBAL_CACHE_DIR="$work/zig-cache" ZIG_LOCAL_CACHE_DIR="$work/zig-cache"
mkdir -p "$work" "$out"
cd "$work"

stage() { echo "stage: $1"; }
finished() { [ -e "$work/.finished-$1" ]; }
finish() { touch "$work/.finished-$1"; }

# ---- Sources. Of Debian's patches, those that mend CPython; the others fit it to Debian.
stage "unpack the sources"
if ! finished unpack; then
    rm -rf cpython debian zlib zig
    mkdir cpython debian zlib zig
    tar xJf "$cpython" -C cpython --strip-components=1
    tar xJf "$patches" -C debian
    tar xzf "$zlib" -C zlib --strip-components=1
    python3 -m zipfile -e "$wheel" zig
    chmod +x zig/ziglang/zig
    grep -E '^(CVE-|dict-use-after-free|traverse-managed-dicts)' debian/debian/patches/series |
        while read -r name; do
            patch -p1 -s -f -d cpython < "debian/debian/patches/$name"
        done
    # C code may recurse deeper than upstream allows on WASI: the guest's stack is larger.
    sed -i '/__wasi__/,/#else/ s/Py_C_RECURSION_LIMIT 5000/Py_C_RECURSION_LIMIT 20000/' \
        cpython/Include/cpython/pystate.h
    grep -q 'Py_C_RECURSION_LIMIT 20000' cpython/Include/cpython/pystate.h
    finish unpack
fi

# ---- A native CPython, which the build for WASI and mkstdlib.py are run with.
stage "build a native CPython"
if ! finished native; then
    mkdir -p "$native"
    (cd "$native" && ../configure && make -j"$jobs" python OPT="-O0 -DNDEBUG")
    finish native
fi

# ---- zig as the C compiler. Paths of this machine stay out of what it makes.
zig=$work/zig/ziglang/zig
mkdir -p "$work/bin"
tool() { printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$zig" "$2" > "$work/bin/$1"; chmod +x "$work/bin/$1"; }
target="-target wasm32-wasi -fno-sanitize=undefined -Wno-date-time -ffile-prefix-map=$work=/guest"
tool cc "cc $target"
tool c++ "c++ $target"
tool cpp "cc $target -E"
tool ar ar
tool ranlib ranlib
cc=$work/bin/cc
optimised="-DNDEBUG -O3 -g0 -flto"

stage "configure CPython for WASI"
mkdir -p "$wasi"
cd "$wasi"
if ! finished configure; then
    # zig's wasi-libc declares more than it holds code for.
    {
        cat ../Tools/wasm/config.site-wasm32-wasi
        for name in func_mmap header_sys_mman_h func_dlopen lib_dl_dlopen header_dlfcn_h \
            func_shm_open func_shm_unlink lib_pthread_pthread_create func_setgroups \
            header_libintl_h header_sys_epoll_h header_sys_timerfd_h; do
            echo "ac_cv_$name=no"
        done
        for name in LAZY NOW GLOBAL LOCAL NODELETE NOLOAD DEEPBIND MEMBER; do
            echo "ac_cv_have_decl_RTLD_$name=no"
        done
    } > config.site
    CC=$cc CXX=$work/bin/c++ CPP=$work/bin/cpp AR=$work/bin/ar RANLIB=$work/bin/ranlib \
        CONFIG_SITE=$wasi/config.site PKG_CONFIG_LIBDIR=/nonexistent HOSTRUNNER=/bin/false \
        OPT="$optimised" \
        ../configure --host=wasm32-unknown-wasip1 --build="$(sh ../config.guess)" \
        --with-build-python="$native/python" --with-pymalloc --without-mimalloc \
        --disable-test-modules --with-ensurepip=no
    cat >> pyconfig.h <<'S'
#undef HAVE_PTHREAD_H
#undef HAVE_PTHREAD_CONDATTR_SETCLOCK
#define HAVE_PTHREAD_STUBS 1
#undef HAVE_EPOLL
#undef HAVE_EPOLL_CREATE1
#undef HAVE_TIMERFD_CREATE
#undef HAVE_SETGROUPS
#undef HAVE_LIBINTL_H
#undef HAVE_BIND_TEXTDOMAIN_CODESET
#undef HAVE_DYNAMIC_LOADING
#define SOCK_RAW 3
S
    # configure finds no zlib to link with; ours is built below.
    sed -i 's/^extern PyObject\* PyInit__bisect(void);/&\nextern PyObject* PyInit_zlib(void);/
        s/^    {"_bisect", PyInit__bisect},/&\n    {"zlib", PyInit_zlib},/' Modules/config.c
    grep -q 'PyInit_zlib}' Modules/config.c
    sed -i "s/^OPT=.*/OPT=$optimised/" Makefile
    finish configure
fi

stage "compile CPython for WASI"
libraries="libpython3.13.a Modules/_decimal/libmpdec/libmpdec.a Modules/expat/libexpat.a Modules/_hacl/libHacl_Hash_SHA2.a"
# -o: what was edited above is not made anew.
make -j"$jobs" -o Modules/config.c -o Makefile -o pyconfig.h $libraries
"$cc" $optimised -std=c11 -fvisibility=hidden -DPy_BUILD_CORE_BUILTIN \
    -I../Include/internal -I. -I../Include -I"$work/zlib" -c ../Modules/zlibmodule.c -o zlibmodule.o
inflate=""
for name in adler32 compress crc32 deflate inffast inflate inftrees trees uncompr zutil; do
    "$cc" $optimised -c "$work/zlib/$name.c" -o "zlib_$name.o"
    inflate="$inflate zlib_$name.o"
done
"$cc" -O2 -DNDEBUG -g0 -I../Include -I. -c "$recipe/shim.c" -o shim.o
"$cc" -O2 -g0 -c "$recipe/netstubs.c" -o netstubs.o

# ---- wasm-ld is called directly: `zig cc` refuses some of its flags. Where zig keeps
# its libc is read off a link of its own.
stage "link"
echo 'int x;' > probe.c
runtime=$("$zig" cc -target wasm32-wasi -O2 -mexec-model=reactor probe.c -o probe.wasm --verbose 2>&1 |
    grep '^wasm-ld' | tail -1 | tr ' ' '\n' |
    grep -E '(crt1-reactor\.o|libc\.a|libzigc\.a|libcompiler_rt\.a)$')
"$zig" wasm-ld --export-memory --stack-first --entry _initialize -z stack-size=67108864 \
    --build-id=none --allow-multiple-definition --error-limit=0 --lto-O3 --strip-all \
    -o "$out/module.wasm" shim.o netstubs.o zlibmodule.o $inflate $libraries $runtime

stage "compile the standard library"
PYTHONHASHSEED=0 "$native/python" -S "$recipe/mkstdlib.py" \
    "$work/cpython/Lib" "$out/frozen.bin" "$out/stdlib.bin"
stage "built"
