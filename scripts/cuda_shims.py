#!/usr/bin/env python3
"""Writes static stand-ins for the CUDA libraries: libcuda.a, libnvrtc.a,
libcurand.a, libcublas.a and libcublasLt.a.

candle links these libraries by name, so that a binary would start only where
all of them are installed. In a stand-in every function is a trampoline that
opens the real library at its first call. A binary linked with them starts
anywhere; without the library the call returns the status "not initialised".

usage: cuda_shims.py CUDARC_SRC OUT

CUDARC_SRC is the `src` folder of the cudarc crate, whose bindings name the
functions. The libraries are looked for in $CUDA_SHIM_LIB_DIR, where the loader
looks, below /usr/local/cuda and in the nvidia/cu13 folders of Python.
CUDA_SHIM_DEBUG=1 says at run time what was not found.
"""

import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """One library that candle links."""

    module: str  # of cudarc's bindings
    name: str  # after -l
    soname: str
    missing: int  # status returned where the library is not installed
    before: str = ""  # what the library itself opens by bare name


LIBRARIES = [
    Library("driver", "cuda", "libcuda.so.1", 100),
    Library("nvrtc", "nvrtc", "libnvrtc.so.13", 7, "libnvrtc-builtins.so.13.0"),
    Library("curand", "curand", "libcurand.so.10", 203),
    Library("cublas", "cublas", "libcublas.so.13", 1, "libcublasLt.so.13"),
    Library("cublaslt", "cublasLt", "libcublasLt.so.13", 1),
]

TOOLKITS = [
    "/usr/local/cuda/lib64",
    "/usr/local/cuda-13*/lib64",
    "/usr/local/cuda-13*/targets/x86_64-linux/lib",
    "/usr/lib/x86_64-linux-gnu",
]
PYTHONS = ["/usr/lib", "/usr/local/lib", "/opt/*/lib", "/root/*/lib", "/home/*/*/lib"]

LOADER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

static const char *const names[] = {@NAMES@};
static const char *const places[] = {@PLACES@ 0};
HIDDEN void *shim_@LIB@_table[@COUNT@];
static void *library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *open_at(const char *path) {
    const char *before = "@BEFORE@";
    const char *slash = strrchr(path, '/');
    if (*before && slash && access(path, R_OK) == 0) {
        char beside[4096];
        snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - path), path, before);
        dlopen(beside, RTLD_NOW | RTLD_GLOBAL);
    }
    return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

static void find(void) {
    const char *folder = getenv("CUDA_SHIM_LIB_DIR");
    if (folder) {
        char path[4096];
        snprintf(path, sizeof path, "%s/@SONAME@", folder);
        if ((library = open_at(path))) return;
    }
    if ((library = open_at("@SONAME@"))) return;
    for (int i = 0; places[i]; i++) {
        glob_t found;
        if (glob(places[i], 0, 0, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc && !library; k++)
                library = open_at(found.gl_pathv[k]);
        globfree(&found);
        if (library) return;
    }
    if (getenv("CUDA_SHIM_DEBUG")) fprintf(stderr, "cuda shim: @SONAME@ not found\n");
}

static int missing(void) { return @MISSING@; }

HIDDEN void *shim_@LIB@_resolve(unsigned long index) {
    pthread_once(&once, find);
    void *function = library ? dlsym(library, names[index]) : 0;
    if (library && !function) fprintf(stderr, "cuda shim: @SONAME@ lacks %s\n", names[index]);
    return shim_@LIB@_table[index] = function ? function : (void *)missing;
}
"""

# First call of a function: its index is in r11; every register that may carry
# an argument is kept while the function is looked up, then the call goes on.
FIRST_CALL = """
.text
.p2align 4
shim_@LIB@_first:
 push %rbp
 mov %rsp,%rbp
 push %rax
 push %rdi
 push %rsi
 push %rdx
 push %rcx
 push %r8
 push %r9
 push %r11
 sub $128,%rsp
@SAVE@
 mov %r11,%rdi
 call shim_@LIB@_resolve
 mov %rax,%r10
@RESTORE@
 add $128,%rsp
 pop %r11
 pop %r9
 pop %r8
 pop %rcx
 pop %rdx
 pop %rsi
 pop %rdi
 pop %rax
 pop %rbp
 jmp *%r10
"""

TRAMPOLINE = """
.globl @FUNCTION@
.type @FUNCTION@,@function
.p2align 4
@FUNCTION@:
 endbr64
 mov shim_@LIB@_table+@OFFSET@(%rip),%r11
 test %r11,%r11
 jz 1f
 jmp *%r11
1: mov $@INDEX@,%r11
 jmp shim_@LIB@_first
.size @FUNCTION@,.-@FUNCTION@
"""


def filled(template: str, **values: object) -> str:
    """The template with each @NAME@ replaced."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", str(value))
    return template


def functions(library: Library, bindings: pathlib.Path) -> list[str]:
    """Names of the functions that cudarc declares for a library."""
    text = (bindings / library.module / "sys" / "mod.rs").read_text()
    names = sorted(set(re.findall(r'extern "C" \{\s*(?:pub )?fn (\w+)\(', text)))
    if not names:
        sys.exit(f"cuda_shims: no function of {library.name} in {bindings}: has cudarc changed its bindings?")
    return names


def places(library: Library) -> list[str]:
    """Patterns of files where the real library may lie; the driver's only in the system's folders."""
    folders = list(TOOLKITS)
    if library.name != "cuda":
        folders += [
            f"{root}/python3*/{packages}/nvidia/cu13/lib"
            for root in PYTHONS
            for packages in ("site-packages", "dist-packages")
        ]
    return [f"{folder}/{library.soname}" for folder in folders]


def source(library: Library, names: list[str]) -> str:
    """The C text of a stand-in."""
    registers = range(8)
    assembly = filled(
        FIRST_CALL,
        SAVE="\n".join(f" movups %xmm{i},{16 * i}(%rsp)" for i in registers),
        RESTORE="\n".join(f" movups {16 * i}(%rsp),%xmm{i}" for i in registers),
    ) + "".join(
        filled(TRAMPOLINE, FUNCTION=name, OFFSET=8 * index, INDEX=index)
        for index, name in enumerate(names)
    )
    quoted = "\n".join(f'"{line}\\n"' for line in assembly.splitlines() if line)
    return filled(
        LOADER + "\n__asm__(\n" + quoted + "\n);\n",
        LIB=library.name,
        NAMES=", ".join(f'"{name}"' for name in names),
        COUNT=len(names),
        PLACES="".join(f'"{place}", ' for place in places(library)),
        SONAME=library.soname,
        MISSING=library.missing,
        BEFORE=library.before,
    )


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bindings, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    for library in LIBRARIES:
        names = functions(library, bindings)
        text, compiled = out / f"shim_{library.name}.c", out / f"shim_{library.name}.o"
        archive = out / f"lib{library.name}.a"
        text.write_text(source(library, names))
        archive.unlink(missing_ok=True)
        subprocess.check_call(
            ["cc", "-O1", "-fPIC", "-fcf-protection=none", "-c", str(text), "-o", str(compiled)]
        )
        subprocess.check_call(["ar", "rcs", str(archive), str(compiled)])
        compiled.unlink()
        print(f"{archive.name}: {len(names)} functions of {library.soname}")


if __name__ == "__main__":
    main()
