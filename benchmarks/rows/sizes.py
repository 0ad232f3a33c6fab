"""Which engine for which size: seconds from data to answer, by number of rows."""

from collections.abc import Callable, Iterator

import bayesgmm as bg
from benchmarks.figure import SECONDS, Figure, Remark, Spread
from benchmarks.problems import Array, simulated
from benchmarks.rows.row import Row, Scale
from benchmarks.timing import seconds_of, told

SIZES, QUICK = (1_000, 10_000, 100_000, 1_000_000), (1_000, 10_000)
D, K = 5, 5

ENGINES: dict[str, Callable[[Array], object]] = {
    "EM, 10 starts": lambda X: bg.fit_em(X, K, progress=False),
    "Laplace, 4,000 draws": lambda X: bg.fit_bayes(X, K, engine="laplace", progress=False),
    "Gibbs, 4 x (1,000 + 1,000)": lambda X: bg.fit_bayes(X, K, engine="gibbs", progress=False),
    "NUTS, 4 x (1,000 + 1,000)": lambda X: bg.fit_bayes(X, K, engine="nuts", progress=False),
}
LARGEST = {"NUTS, 4 x (1,000 + 1,000)": 10_000}  # rows; beyond it takes hours


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Once each: the figures span four orders of magnitude."""
    for n in QUICK if scale.quick else SIZES:
        problem = simulated(n, D, K, separation=6.0)
        for name, fit in ENGINES.items():
            case = f"{problem.label}, separation 6, {name}"
            if n > LARGEST.get(name, n):
                continue
            scale.say(case)
            try:
                seconds = seconds_of(lambda fit=fit, X=problem.X: fit(X))  # type: ignore[misc]
            except ValueError as error:
                yield Remark(case, f"not measured: {told(error)}")
                continue
            yield Figure(
                case, SECONDS, Spread.of([seconds]), note="data to draws, defaults; compiled before" if n > SIZES[0] else ""
            )


ROW = Row("sizes", "Which engine for which size: seconds from data to the answer, defaults, by number of rows.", results)
