"""Gibbs, time of a sweep beside EM's pass over the same rows: in memory, and read from a file each time."""

import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import bayesgmm as bg
from bayesgmm import kernels
from bayesgmm.observations import Observations
from bayesgmm.sources import Npy
from benchmarks.figure import Aim, Figure, Quantity, Remark
from benchmarks.problems import Problem, simulated
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome, seconds_of

SECONDS_A_SWEEP = Quantity("seconds a sweep")
EM = "EM's pass"
MOST = Aim(2, at_least=False)
SWEEPS = 30


def sweep(observations: Observations, problem: Problem, chains: int, _: int) -> Outcome:
    """Seconds of each sweep of a chain, by the public function; what it makes of the draws is among them."""
    post = bg.fit_bayes(
        observations,
        problem.start.n_components,
        engine="gibbs",
        warm_start=problem.start,
        thin=1,
        tune=SWEEPS // 2,
        draws=SWEEPS // 2,
        chains=chains,
        progress=False,
    )
    return {SECONDS_A_SWEEP: post.settings["seconds"]["sample"] / (chains * SWEEPS)}


def a_pass(observations: Observations, problem: Problem, _: int) -> Outcome:
    """Seconds of EM's E-step, the median of some."""
    with kernels.kept_threads():
        problem.start.expected_statistics(observations)  # threads start with the first one
        seconds = [seconds_of(lambda: problem.start.expected_statistics(observations)) for _ in range(SWEEPS // 3)]
    return {SECONDS_A_SWEEP: statistics.median(seconds)}


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """The same rows twice, for one chain and for four that share each pass."""
    problem = simulated(200_000 if scale.quick else 1_000_000, 5, 5, separation=6.0)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", problem.X)
        where = {
            "in memory": Observations.from_data(problem.X),
            "from a .npy": Observations.from_data(Npy(Path(folder) / "x.npy")),
        }
        for place, rows in where.items():
            for chains in (1, 4):
                case = f"{problem.label}, {place}, {chains} chain{'s' if chains > 1 else ''}"
                contenders = [
                    Contender(OURS, partial(sweep, rows, problem, chains)),
                    Contender(EM, partial(a_pass, rows, problem)),
                ]
                measured = scale.measure(case, contenders, scale.at_most(3))
                yield from beside_each(case, SECONDS_A_SWEEP, measured, {EM: MOST}, "of each chain")


ROW = Row(
    "gibbs_sweep", "Gibbs, time of a sweep beside that of EM's pass over the same rows, in memory and from a file.", results
)
