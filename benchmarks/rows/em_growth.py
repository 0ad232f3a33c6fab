"""EM, time of a pass as n, d and K grow."""

from collections.abc import Iterator

from benchmarks.figure import SECONDS_A_PASS, Figure, Remark
from benchmarks.peers import scikit
from benchmarks.problems import simulated
from benchmarks.rows.em_pass import a_pass, ours
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender

SIZES = (
    *((n, 5, 5) for n in (1_000, 10_000, 100_000, 1_000_000)),
    *((20_000, d, 5) for d in (2, 5, 10, 20, 50)),
    *((20_000, 5, K) for K in (2, 5, 10, 20, 50)),
)
QUICK = ((1_000, 5, 5), (10_000, 5, 5), (2_000, 2, 5), (2_000, 20, 5), (2_000, 5, 2), (2_000, 5, 20))
PASSES = 6
WORK = 4e8  # multiply-adds of all passes together, for small sizes


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """One size after the other."""
    for size in QUICK if scale.quick else SIZES:
        yield from of_size(scale, *size)


def of_size(scale: Scale, n: int, d: int, K: int) -> Iterator[Figure | Remark]:
    """More passes where they are short."""
    problem = simulated(n, d, K, separation=1.5)
    passes = PASSES if scale.quick else int(min(50, max(PASSES, WORK / (n * K * (d * d + 3 * d)))))
    contenders = [
        Contender(OURS, lambda _: a_pass(ours(problem, passes))),
        Contender(scikit.NAME, lambda _: a_pass(scikit.passes(problem.X, problem.start, passes))),
    ]
    measured = scale.measure(problem.label, contenders, scale.at_most(3))
    yield from beside_each(problem.label, SECONDS_A_PASS, measured, {scikit.NAME: None}, f"same start, {passes} passes")


ROW = Row("em_growth", "EM, seconds a pass, as one of n, d and K grows.", results)
