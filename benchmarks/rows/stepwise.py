"""How many rows EM reads from one start to the same optimum: full passes alone, after stepwise EM, and after a pilot."""

from collections.abc import Callable, Iterator

import bayesgmm as bg
from benchmarks.figure import Aim, Figure, Quantity, Remark, beside
from benchmarks.problems import Problem, simulated
from benchmarks.rows.row import Row, Scale

SIZES, QUICK = ((10_000_000, 5, 5),), ((300_000, 5, 5),)
BATCH = 100_000
ROWS_READ = Quantity("rows read, in multiples of n")
SAME = 1e-4  # nats


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Counts, which no clock disturbs: measured once."""
    for size in QUICK if scale.quick else SIZES:
        problem = simulated(*size)
        counted = {}
        for name, fit in WAYS.items():
            scale.say(f"{problem.label}: {name}")
            counted[name] = fit(problem)
        best = max(log_likelihood for _, log_likelihood in counted.values())
        n = len(problem.X)
        for ours, peer in PAIRS:
            (rows, _), (others, _) = counted[ours], counted[peer]
            behind = {name: best - counted[name][1] for name in (ours, peer)}
            case = f"{problem.label}, {ours}"
            if max(behind.values()) > SAME:
                yield Remark(case, f"not the same optimum: {behind} nats below the best")
                continue
            note = f"log-likelihoods within {max(behind.values()):.0e} nats of the best"
            yield beside(case, ROWS_READ, [rows / n], peer, [others / n], Aim(2), note)


def plain(problem: Problem) -> tuple[int, float]:
    """EM alone."""
    return told(bg.fit_em(problem.X, problem.start.n_components, start=problem.start, accelerate=False))


def accelerated(problem: Problem) -> tuple[int, float]:
    """Anderson's acceleration."""
    return told(bg.fit_em(problem.X, problem.start.n_components, start=problem.start))


def stepwise_first(problem: Problem, accelerate: bool = False) -> tuple[int, float]:
    """One reading by stepwise EM, then full passes."""
    X, k = problem.X, problem.start.n_components
    fit = bg.StepwiseEM.of(X[:BATCH], k, start=problem.start)
    for first in range(BATCH, len(X), BATCH):
        fit = fit.step(X[first : first + BATCH])
    rows, log_likelihood = told(bg.fit_em(X, k, start=fit.mixture, accelerate=accelerate))
    return rows + fit.n_rows, log_likelihood


def pilot_first(problem: Problem) -> tuple[int, float]:
    """What rows that are not in memory get: EM on some of them, and what its map is like there."""
    blocks = bg.Blocks(lambda: [problem.X])
    return told(bg.fit_em(blocks, problem.start.n_components, start=problem.start))


def told(em: bg.EMResult) -> tuple[int, float]:
    """Rows read, and the log-likelihood."""
    return em.n_rows_read, em.log_likelihood


PLAIN, ANDERSON = "full passes of EM alone", "full passes, accelerated"
STEPWISE, BOTH, PILOT = "stepwise, then EM alone", "stepwise, then accelerated", "pilot, then accelerated"
WAYS: dict[str, Callable[[Problem], tuple[int, float]]] = {
    PLAIN: plain,
    ANDERSON: accelerated,
    STEPWISE: stepwise_first,
    BOTH: lambda problem: stepwise_first(problem, accelerate=True),
    PILOT: pilot_first,
}
PAIRS = ((STEPWISE, PLAIN), (BOTH, ANDERSON), (PILOT, ANDERSON), (PILOT, PLAIN))
ROW = Row("stepwise", "EM, rows read from one start to one optimum: full passes, stepwise EM first, a pilot first.", results)
