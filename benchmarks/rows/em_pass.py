"""EM, time of a pass with full covariances: beside peers from the same start, and beside what the machine can do."""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import bayesgmm as bg
from bayesgmm import kernels
from bayesgmm.em import ConvergenceWarning
from bayesgmm.observations import Observations
from benchmarks import limits
from benchmarks.figure import SECONDS_A_PASS, Aim, Figure, Remark, beside
from benchmarks.peers import mclust, scikit
from benchmarks.problems import Problem, simulated
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome, seconds_of

LIMIT = "machine's limit"
ALONE = "a pass alone"
ALONE_PASSES = 10  # times as many: a thread that has just begun may share a processor with the other for a while

# ((n, d, K), passes, aim beside scikit-learn, aim beside mclust)
CASES = (
    ((100_000, 2, 3), 40, Aim(20), Aim(5)),
    ((100_000, 10, 10), 20, Aim(20), Aim(5)),
    ((1_000_000, 5, 5), 10, Aim(20), Aim(5)),
    ((200_000, 30, 10), 6, Aim(10), None),
)
QUICK = (
    ((20_000, 2, 3), 40, Aim(20), Aim(5)),
    ((20_000, 10, 10), 10, Aim(20), Aim(5)),
    ((50_000, 5, 5), 10, Aim(20), Aim(5)),
    ((10_000, 30, 10), 5, Aim(10), None),
)


def ours(problem: Problem, passes: int) -> scikit.Fit:
    """Plain EM by the public function, checks of data and all, divided by the passes that it made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        began = time.perf_counter()
        em = bg.fit_em(
            problem.X,
            problem.start.n_components,
            start=problem.start,
            max_iterations=passes - 1,
            tolerance=0.0,
            accelerate=False,
        )
        seconds = time.perf_counter() - began
    return scikit.Fit(seconds, len(em.history), em.log_likelihood)


def a_pass(fit: scikit.Fit) -> Outcome:
    """Seconds of each pass that was made."""
    return {SECONDS_A_PASS: fit.seconds / fit.passes}


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """One case after the other."""
    for size, passes, beside_scikit, beside_mclust in QUICK if scale.quick else CASES:
        yield from of_case(scale, simulated(*size), passes, {scikit.NAME: beside_scikit, mclust.NAME: beside_mclust})


def of_case(scale: Scale, problem: Problem, passes: int, peers: dict[str, Aim | None]) -> Iterator[Figure | Remark]:
    """Peers and the limit, all in the same rounds."""
    fits: dict[str, scikit.Fit] = {}
    rates: list[limits.Limits] = []

    def climb(name: str, fit: Callable[[], scikit.Fit]) -> Outcome:
        fits[name] = fit()
        return a_pass(fits[name])

    def limit() -> Outcome:
        rates.append(limits.measure(problem.X))
        return {SECONDS_A_PASS: rates[-1].seconds_a_pass(*problem.size)}

    observations = Observations.from_data(problem.X)

    def alone() -> Outcome:
        with kernels.kept_threads():
            problem.start.expected_statistics(observations)  # threads start with the first one
            seconds = [seconds_of(lambda: problem.start.expected_statistics(observations)) for _ in range(ALONE_PASSES * passes)]
        return {SECONDS_A_PASS: statistics.median(seconds)}

    contenders = [
        Contender(ALONE, lambda _: alone()),
        Contender(OURS, lambda _: climb(OURS, lambda: ours(problem, passes))),
        Contender(scikit.NAME, lambda _: climb(scikit.NAME, lambda: scikit.passes(problem.X, problem.start, passes))),
        Contender(mclust.NAME, lambda _: climb(mclust.NAME, lambda: mclust.passes(problem.X, problem.start, passes))),
        Contender(LIMIT, lambda _: limit()),
    ]
    measured = scale.measure(problem.label, contenders, scale.rounds)
    made = ", ".join(f"{name} {fit.passes}" for name, fit in fits.items())
    note = f"same start; a call's whole time divided by its passes: {made}"
    yield from beside_each(problem.label, SECONDS_A_PASS, measured, peers, note)
    what = "the slower of reading, and multiply-adds plus exponentials; neither logarithms nor divisions; a second"
    note = f"{what}: {rates[-1]}" if rates else ""
    if measured.has(ALONE, SECONDS_A_PASS) and measured.has(LIMIT, SECONDS_A_PASS):
        series = (measured.series(name, SECONDS_A_PASS) for name in (ALONE, LIMIT))
        case = f"{problem.label}, {ALONE}"
        yield beside(case, SECONDS_A_PASS, next(series), LIMIT, next(series), Aim(3, at_least=False), note)


ROW = Row("em_pass", "EM, seconds a pass, full covariances, a fixed number of passes from the same start.", results)
