"""EM where the rows lie on the workers of a Dask cluster, beside one process that has as many threads as there are workers."""

import importlib
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import bayesgmm as bg
from bayesgmm.em import ConvergenceWarning
from bayesgmm.observations import Observations
from bayesgmm.sources import Distributed, Npy
from benchmarks.figure import SECONDS, Aim, Figure, Remark, beside
from benchmarks.problems import Array, simulated
from benchmarks.rows.row import Row, Scale
from benchmarks.timing import Contender, Outcome, UnavailableError

SIZE, QUICK = (10_000_000, 5, 5), (500_000, 5, 5)
ROWS = 2**18  # of a chunk of the Dask array
ITERATIONS = 10
MOST = 1.3  # times one process
MEMORY, FILE, TWO, ONE = "one process, rows in memory", "one process, rows in a file", "two workers", "one worker"


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Both clusters stand all the time, each with the rows in its memory; the one whose turn it is not does nothing."""
    problem = simulated(*(QUICK if scale.quick else SIZE), separation=2.0)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as clusters:
        path = Path(folder) / "x.npy"
        np.save(path, problem.X)
        data = {MEMORY: Observations.from_data(problem.X), FILE: Observations.from_data(Npy(path))}
        for name, n_workers in ((TWO, 2), (ONE, 1)):
            scale.say(f"{problem.label}: {name} take the rows")
            data[name] = Observations.from_data(on_workers(n_workers, path, clusters))
        contenders = [Contender(name, partial(fitted, rows, problem.start)) for name, rows in data.items()]
        measured = scale.measure(problem.label, contenders, scale.rounds)
    failures = [Remark(problem.label, f"{name} not measured: {reason}") for name, reason in measured.failures.items()]
    yield from failures
    if failures:
        return
    note = f"{ITERATIONS + 1} passes from the same start; a thread a worker; rows are checked and, on a cluster, taken before"
    series = {name: measured.series(name, SECONDS) for name in data}
    for peer in (MEMORY, FILE):
        yield beside(f"{problem.label}, {TWO}", SECONDS, series[TWO], peer, series[peer], Aim(MOST, at_least=False), note)
    yield beside(f"{problem.label}, {TWO}", SECONDS, series[TWO], ONE, series[ONE], None, note)


def fitted(data: Observations, start: bg.Mixture, _: int) -> Outcome:
    """Seconds of so many iterations, none of which is saved by stopping early or by guessing."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        bg.fit_em(data, start.n_components, start=start, max_iterations=ITERATIONS, tolerance=0.0, accelerate=False)
    return {SECONDS: time.perf_counter() - began}


def on_workers(n_workers: int, path: Path, clusters: ExitStack) -> Distributed:
    """The rows of a file in the memory of workers with one thread each."""
    try:
        array: Any = importlib.import_module("dask.array")
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UnavailableError(f"bayesgmm[dask] is not installed: {error}") from None
    cluster = distributed.LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", memory_limit=None)
    client = clusters.enter_context(distributed.Client(clusters.enter_context(cluster)))
    n, d = np.load(path, mmap_mode="r").shape
    ends = [*range(0, n, ROWS), n]
    sizes = tuple(np.diff(ends).tolist()), (d,)
    return Distributed(array.map_blocks(rows_of, path, chunks=sizes, dtype=float, meta=np.empty((0, d))), client)


def rows_of(path: Path, block_info: Any = None) -> Array:
    """Those of a file that make a chunk."""
    first, last = block_info[None]["array-location"][0]
    return np.array(np.load(path, mmap_mode="r")[first:last])


ROW = Row(
    "em_dask", "EM with the rows on the workers of a Dask cluster on this machine, beside one process with two threads.", results
)
