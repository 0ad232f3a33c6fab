"""EM, all models: fourteen covariance structures with one to nine components."""

import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np

import bayesgmm as bg
from bayesgmm import initialisation
from bayesgmm.agglomeration import Agglomeration
from bayesgmm.climb import Settings
from bayesgmm.covariance import STRUCTURES
from bayesgmm.em import ConvergenceWarning, best_of
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from benchmarks.figure import SECONDS, Aim, Figure, Remark
from benchmarks.peers import mclust
from benchmarks.problems import Array, numbers, simulated
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

NUMBERS = range(1, 10)
LOOSE = 1e-5  # mclust's tolerance, of the log-likelihood
AIM = Aim(5)

type Cells = dict[tuple[str, int], float]


def cases(quick: bool) -> Iterator[tuple[str, Array]]:
    """Data sets."""
    yield "Old Faithful", numbers("faithful")
    if not quick:
        yield "n = 10,000, d = 5", simulated(10_000, 5, 5, 3.0).X


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Each data set from one start a cell, as mclust does it, and as ``select_model`` searches by default."""
    for case, X in cases(scale.quick):
        for way, fit in (("one start a cell", from_trees), ("select_model", searched)):
            yield from of_case(scale, f"{case}, {way}", X, fit)


def of_case(scale: Scale, case: str, X: Array, fit: Callable[[Array], Cells]) -> Iterator[Figure | Remark]:
    """Take turns; the note says in how many cells either has the higher likelihood."""
    ours: list[Cells] = []
    theirs: list[mclust.Grid] = []

    def our_grid(_: int) -> Outcome:
        began = time.perf_counter()
        ours.append(fit(X))
        return {SECONDS: time.perf_counter() - began}

    def their_grid(_: int) -> Outcome:
        theirs.append(mclust.grid(X))
        return {SECONDS: theirs[-1].seconds}

    contenders = [Contender(OURS, our_grid), Contender(mclust.NAME, their_grid)]
    measured = scale.measure(case, contenders, scale.at_most(5))
    yield from beside_each(case, SECONDS, measured, {mclust.NAME: AIM}, told(ours[-1], theirs[-1]) if ours and theirs else "")


def from_trees(X: Array) -> Cells:
    """Each cell from a cut of one tree of the rows, to mclust's tolerance."""
    observations = Observations.from_data(X)
    tree = Agglomeration.of(observations, np.random.default_rng(0))
    bic: Cells = {}
    for k in NUMBERS:
        for code, structure in STRUCTURES.items():
            specification = Specification(k, code)
            start = initialisation.cut(tree, observations, k, structure)
            size = abs(start.log_density(observations).sum())
            bic[code, k] = best_of(observations, specification, [("hc", start)], Settings(tolerance=LOOSE * size)).bic
    return bic


def searched(X: Array) -> Cells:
    """``select_model`` with everything at its default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        page = bg.select_model(X, NUMBERS, progress=False).bic
    return {(code, k): float(page.loc[k, code]) for code in STRUCTURES for k in NUMBERS}


def told(ours: Cells, theirs: mclust.Grid) -> str:
    """How many cells either fits better, by more than a nat of log-likelihood."""
    gains = np.array([[(-theirs.bic[k - 1, i] - ours[code, k]) / 2 for i, code in enumerate(STRUCTURES)] for k in NUMBERS])
    return (
        f"of {gains.size} cells {np.count_nonzero(gains > 1)} end more than a nat higher than mclust's, "
        f"{np.count_nonzero(gains < -1)} lower, {np.count_nonzero(np.isnan(gains))} are missing in one of them"
    )


ROW = Row("em_grid", "EM, fourteen covariance structures with K = 1..9, each package's own starts.", results)
