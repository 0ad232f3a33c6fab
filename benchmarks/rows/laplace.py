"""Laplace beside Gibbs where rows are many: the same posterior, and how long it takes."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import bayesgmm as bg
from benchmarks.figure import SECONDS, Aim, Figure, Quantity, Remark, Spread, beside
from benchmarks.problems import Array, simulated
from benchmarks.rows.row import Row, Scale

GIBBS = "Gibbs"
MEANS = Quantity("largest difference of posterior means, in posterior sds")
SDS = Quantity("largest relative difference of posterior sds")
PARETO_K = Quantity("Pareto k")
MOST, MOST_K = 0.05, 0.7
SWEEPS = 6000


def drawn(X: Array, n_components: int, engine: str, **settings: Any) -> tuple[bg.Posterior, float]:
    """Relabelled, and the seconds of ``fit_bayes`` alone."""
    began = time.perf_counter()
    posterior = bg.fit_bayes(X, n_components, engine=engine, progress=False, **settings)
    seconds = time.perf_counter() - began
    return bg.relabel(posterior), seconds


def moments(posterior: bg.Posterior) -> tuple[Array, Array]:
    """Posterior means and sds of weights, means and covariances."""
    quantities = np.stack(list(posterior.draws.quantities(posterior.observations.names).values()))
    return quantities.mean(axis=(1, 2)), quantities.std(axis=(1, 2))


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """One problem, once: Gibbs takes minutes."""
    problem = simulated(20_000 if scale.quick else 1_000_000, 5, 5, separation=6.0)
    case = f"{problem.label}, separation 6"
    scale.say(f"{case}: Laplace")
    laplace, seconds = drawn(problem.X, 5, "laplace")
    scale.say(f"{case}: Gibbs")
    # One chain from the MAP: of several one may start, and stay, in a mode that is 10^5 nats lower.
    gibbs, seconds_of_gibbs = drawn(problem.X, 5, "gibbs", chains=1, thin=1, tune=100, draws=SWEEPS)
    (mean, sd), (mean_of_gibbs, sd_of_gibbs) = moments(laplace), moments(gibbs)
    note = (
        f"of {len(mean)} weights, means and covariances; {SWEEPS:,} sweeps of Gibbs have an error of about 0.013 sds themselves"
    )
    most = Aim(MOST, at_least=False)
    yield fixed(case, MEANS, float((np.abs(mean - mean_of_gibbs) / sd_of_gibbs).max()), most, note)
    yield fixed(case, SDS, float(np.abs(sd / sd_of_gibbs - 1).max()), most, note)
    yield fixed(case, PARETO_K, float(laplace.tree["sample_stats"]["pareto_k"]), Aim(MOST_K, at_least=False), "")
    yield beside(
        case, SECONDS, [seconds], GIBBS, [seconds_of_gibbs], None, f"4 x 1,000 draws, of Gibbs one chain of {SWEEPS:,} sweeps"
    )


def fixed(case: str, quantity: Quantity, value: float, aim: Aim, note: str) -> Figure:
    """Our own figure against an aim."""
    return Figure(case, quantity, Spread.of([value]), aim=aim, note=note)


ROW = Row(
    "laplace", "Laplace beside Gibbs where rows are many, in moments of the posterior and in seconds from data to draws.", results
)
