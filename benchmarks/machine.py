"""Where and with what the figures were taken."""

import datetime
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

from bayesgmm.kernels.threads import threads_at_hand

PACKAGES = (
    "bayesgmm",
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "numpyro",
    "jax",
    "dask",
)
R_PACKAGES = ("mclust", "bayesm", "rjags")
THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "BAYESGMM_THREADS")


def describe(arguments: Sequence[str]) -> dict[str, str]:
    """What a reader needs to take the figures again."""
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["python", "-m", "benchmarks", *arguments]),
        "processor": f"{processor()}, {threads_at_hand()} threads at hand",
        "load average at the start": f"{load} (on a busy machine ratios suffer, and those to its limit mean nothing)",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {found}" for name in PACKAGES if (found := installed(name))),
        "R": r_versions(),
        "thread settings": ", ".join(f"{name}={os.environ.get(name, 'unset')}" for name in THREAD_SETTINGS),
        "BLAS": blas(),
    }


def processor() -> str:
    """The processor's name."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for text in information.read_text().splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas() -> str:
    """The linear algebra libraries loaded into this process, and their threads; R has its own."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    found = dict.fromkeys(f"{p['internal_api']} {p['version']} with {p['num_threads']} threads" for p in pools)
    return "; ".join(found) or "none found"


def installed(name: str) -> str | None:
    """The version of a Python package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def r_versions() -> str:
    """The versions of R, of its packages and of its BLAS."""
    if shutil.which("Rscript") is None:
        return "no Rscript on the PATH"
    wanted = ", ".join(f"'{name}'" for name in R_PACKAGES)
    code = (
        "cat(as.character(getRversion()));"
        f"for (p in c({wanted})) if (requireNamespace(p, quietly = TRUE)) cat(',', p, as.character(packageVersion(p)));"
        "cat(', BLAS', basename(extSoftVersion()[['BLAS']]))"
    )
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout else "Rscript fails"
