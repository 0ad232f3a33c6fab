"""EM, the whole fit: the best of ten starts, to the same optimum."""

import time
import warnings
from collections.abc import Iterator

import bayesgmm as bg
from bayesgmm.em import ConvergenceWarning
from benchmarks.figure import SECONDS, Aim, Figure, Remark
from benchmarks.peers import scikit
from benchmarks.problems import Array, numbers, simulated
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

N_INIT = 10
SAME = 1e-6  # nats between log-likelihoods at the same optimum
FIRST, LAST = 1e-6, 1e-10  # scikit-learn's tolerances that are tried, times 1/n: its objective is a mean over rows
AIM = Aim(10)


def cases(quick: bool) -> Iterator[tuple[str, Array, int]]:
    """Data sets and numbers of components."""
    yield "Old Faithful, K = 2", numbers("faithful"), 2
    yield "iris, K = 3", numbers("iris"), 3
    for separation in (4.0,) if quick else (4.0, 3.0):
        problem = simulated(1_000 if quick else 10_000, 5, 5, separation)
        yield f"{problem.label}, separation {separation:g}", problem.X, 5


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """One data set after the other."""
    for case, X, K in cases(scale.quick):
        yield from of_case(scale, case, X, K)


def of_case(scale: Scale, case: str, X: Array, K: int) -> Iterator[Figure | Remark]:
    """Find the tolerance that scikit-learn needs, then take turns; each round has a seed of its own for both."""
    fits: list[bg.EMResult] = []
    theirs: list[scikit.Fit] = []

    def our_fit(seed: int) -> Outcome:
        began = time.perf_counter()
        fits.append(ours(X, K, seed))
        return {SECONDS: time.perf_counter() - began}

    def their_fit(seed: int) -> Outcome:
        theirs.append(scikit.whole(X, K, N_INIT, tolerance, seed))
        return {SECONDS: theirs[-1].seconds}

    scale.say(f"{case}: a tolerance for {scikit.NAME}")
    target = ours(X, K, 0).log_likelihood
    tolerance, found = tolerance_for(X, K, target)
    contenders = [Contender(OURS, our_fit), Contender(scikit.NAME, their_fit)]
    measured = scale.measure(case, contenders, scale.at_most(5), warm_up=False)
    passes = [sum(len(run.history) for run in fit.runs) for fit in fits]
    note = (
        f"log-likelihood {told([fit.log_likelihood for fit in fits])}, {scikit.NAME} with tol = {tolerance:.0e} "
        f"{told([fit.log_likelihood for fit in theirs])}; our passes over all starts {min(passes)} .. {max(passes)}"
    )
    if found.log_likelihood < target - SAME:
        note += f"; with seed 0 {scikit.NAME} ends {target - found.log_likelihood:.2g} lower, whatever its tolerance"
    yield from beside_each(case, SECONDS, measured, {scikit.NAME: AIM}, note)


def ours(X: Array, K: int, seed: int) -> bg.EMResult:
    """The fit with everything at its default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return bg.fit_em(X, K, n_init=N_INIT, seed=seed)


def tolerance_for(X: Array, K: int, log_likelihood: float) -> tuple[float, scikit.Fit]:
    """The largest tolerance with which scikit-learn comes within ``SAME`` of a log-likelihood, and the fit with it.

    Where none does, because its starts lead elsewhere, the first with which it gains no more.
    """
    tolerance, before = FIRST / len(X), float("-inf")
    while True:
        fit = scikit.whole(X, K, N_INIT, tolerance, 0)
        reached = fit.log_likelihood
        if reached >= log_likelihood - SAME or reached <= before + SAME or tolerance <= LAST / len(X):
            return tolerance, fit
        tolerance, before = tolerance / 10, reached


def told(log_likelihoods: list[float]) -> str:
    """One number, or the range over the seeds."""
    least, most = min(log_likelihoods, default=float("nan")), max(log_likelihoods, default=float("nan"))
    return f"{most:.6f}" if most - least <= SAME else f"{least:.6f} .. {most:.6f}"


ROW = Row("em_fit", f"EM, the best of {N_INIT} starts, each package's own, until converged to the same optimum.", results)
