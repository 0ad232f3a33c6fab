"""Work in a process of its own: nothing compiled, nothing imported, no memory used before it begins."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.timing import UnavailableError

ROOT = Path(__file__).parents[1]
STATUS = Path("/proc/self/status")


def megabytes(field: str) -> float:
    """A line of the process' status; where there is none, the peak so far."""
    if not STATUS.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6


def fresh(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run ``python -m benchmarks.fresh.MODULE`` and return the JSON object in the last line that it prints.

    Python keeps the bytecode of what it imports, as it does unless it is told not to: for all packages alike.

    Raises
    ------
    UnavailableError
        With the last line that it complained in.
    """
    command = [sys.executable, "-m", f"benchmarks.fresh.{module}", *arguments]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables |= environment or {}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        complaint = [line for line in done.stderr.splitlines() if line.strip()]
        raise UnavailableError(complaint[-1] if complaint else f"exit status {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


@contextmanager
def empty_caches() -> Iterator[dict[str, str]]:
    """An environment in which neither Python nor Numba nor PyTensor has compiled anything yet."""
    with tempfile.TemporaryDirectory(prefix="caches") as folder:
        flags = [flag for flag in [os.environ.get("PYTENSOR_FLAGS", "")] if flag]
        yield {
            "NUMBA_CACHE_DIR": f"{folder}/numba",
            "PYTENSOR_FLAGS": ",".join([*flags, f"base_compiledir={folder}/pytensor"]),
            "MPLCONFIGDIR": f"{folder}/matplotlib",
            "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
        }
