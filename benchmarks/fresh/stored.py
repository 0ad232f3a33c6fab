"""EM's pass over rows in a Parquet file, or over the same rows in memory: file|memory PATH n_passes.

The start is beside the file. Prints the seconds of each pass, of the one reading that checks, and of a pass that only reads, and
the peak of the process' memory.
"""

import json
import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bayesgmm import kernels
from bayesgmm.observations import Observations
from bayesgmm.sources import Parquet
from benchmarks.parquet import rows_of, start_of
from benchmarks.process import megabytes


def nothing(_: slice, values: np.ndarray) -> float:
    """Touch the rows and no more."""
    return float(values[0, 0])


def timed(work: Callable[[], object], n_times: int) -> list[float]:
    """Seconds of each call."""
    seconds = []
    for _ in range(n_times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def from_disk(path: Path) -> None:
    """Read a file past the page cache, where the system can."""
    file, buffer = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECT", 0)), mmap.mmap(-1, 2**24)
    try:
        while os.readv(file, [buffer]):
            pass
    finally:
        os.close(file)


where, path, n_passes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
start = start_of(path)
start.expected_statistics(Observations.from_data(start.sample(100_000)[0]))  # compiled before anything is timed
source = Parquet(path)
began = time.perf_counter()
observations = Observations.from_data(source if where == "file" else rows_of(path))
checked = time.perf_counter() - began
with kernels.kept_threads():
    passes = timed(lambda: start.expected_statistics(observations), n_passes)
reading = timed(lambda: source.reduced(nothing), 1) if where == "file" else []
disk = timed(lambda: from_disk(path), 1) if where == "file" else []
told = {"passes": passes, "checked": checked, "reading": reading, "disk": disk, "megabytes": megabytes("VmHWM")}
print(json.dumps(told))
