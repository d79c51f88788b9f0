"""Which BLAS kernels run, and that an old OpenBLAS runs those of this CPU.

An OpenBLAS that is older than the CPU does not know it and runs SSE3 code (`Prescott`), which takes several times as
long as what it has for the CPU's instructions. A wheel brings its own OpenBLAS, so that this depends on the wheel.
"""

import os
import platform
import sys
from pathlib import Path

from threadpoolctl import threadpool_info

CORETYPE = "OPENBLAS_CORETYPE"
# What OpenBLAS calls its kernels of AVX2 and later. Whoever runs one of these knows the CPU, or is told of it.
FIT = {"haswell", "zen", "skylakex", "cooperlake", "sapphirerapids"}
# The best that old versions have: needed instructions, and the kernels. The first that fits is taken.
KERNELS = [
    ({"avx512f", "avx512bw", "avx512vl", "avx512dq"}, "SKYLAKEX"),
    ({"avx2", "fma"}, "HASWELL"),
]


def forget_others():
    """Drops what the environment says to OpenBLAS, unless it is what `run_fit` would say. Before any import of it."""
    os.environ.pop("OPENBLAS_L2_SIZE", None)
    if os.environ.get(CORETYPE) != kernels_for(flags()):
        os.environ.pop(CORETYPE, None)


def run_fit():
    """Starts this process anew, with kernels named, if an OpenBLAS in it has fallen back. It reads the name on loading.

    Where none has fallen back, each keeps what it has found itself: a later one may know better kernels."""
    kernels = kernels_for(flags())
    if kernels and os.environ.get(CORETYPE) != kernels and any(is_unfit(library) for library in threadpool_info()):
        os.environ[CORETYPE] = kernels
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)


def is_unfit(library):
    """`library`: what threadpoolctl says of one."""
    return library["internal_api"] == "openblas" and library.get("architecture", "").lower() not in FIT


def kernels_for(has):
    """The name for a CPU with these instructions, `None` if old versions know it as well as we do."""
    return next((name for needs, name in KERNELS if needs <= has), None)


def flags():
    """Instructions of the CPU, as Linux lists them; none on another system or architecture."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return set()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set())


def loaded():
    """By the package that brought it: version and kernels of each BLAS in this process."""
    found = {}
    for library in threadpool_info():
        if library["user_api"] == "blas":
            # A wheel has them in `numpy.libs`.
            package = Path(library["filepath"]).parent.name.removesuffix(".libs")
            name = {"openblas": "OpenBLAS", "mkl": "MKL"}.get(library["internal_api"], library["internal_api"])
            parts = [name, library.get("version"), library.get("architecture")]
            found[package] = " ".join(part for part in parts if part)
    return found


def notes(package):
    """For the remark of a peer whose work the BLAS of this package does."""
    if package not in loaded():
        return []
    named = os.environ.get(CORETYPE)
    return [loaded()[package] + (f" ({CORETYPE}={named})" if named else "")]
