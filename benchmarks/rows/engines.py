"""Gibbs beside NUTS at the defaults of ``fit_bayes``, which ``engine="auto"`` chooses between."""

from collections.abc import Callable, Iterator

import bayesgmm as bg
from benchmarks.effective import smallest_bulk_ess
from benchmarks.figure import SECONDS, SMALLEST_ESS, Figure, Remark
from benchmarks.problems import Array, numbers, simulated
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

NUTS = "NUTS"


def data_sets(quick: bool) -> list[tuple[str, Array, int, str]]:
    """Six, of one to five features, with components apart and with components that touch."""
    faithful = numbers("faithful")
    large = simulated(2_000, 5, 4, separation=2.5).X
    every = [
        ("Old Faithful, VVV, K = 2", faithful, 2, "VVV"),
        ("Old Faithful, EEE, K = 3", faithful, 3, "EEE"),
        ("iris, EEE, K = 3", numbers("iris"), 3, "EEE"),
        ("acidity, VII, K = 2", numbers("acidity"), 2, "VII"),
        ("galaxies, VII, K = 3", numbers("galaxies_26960"), 3, "VII"),
        ("n = 2,000, d = 5, VVV, K = 4", large, 4, "VVV"),
    ]
    return every[:2] if quick else every


def drawn(engine: str, X: Array, n_components: int, covariance: str) -> Callable[[int], Outcome]:
    """Draws at the default settings; the seconds are those of sampling alone."""

    def run(seed: int) -> Outcome:
        posterior = bg.fit_bayes(X, n_components, covariance, engine=engine, seed=seed, progress=False)
        draws = posterior.draws
        ess = smallest_bulk_ess(X, draws.weights, draws.means, draws.covariances)
        return {SECONDS: posterior.settings["seconds"]["sample"], SMALLEST_ESS: ess}

    return run


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """One data set after the other."""
    for case, X, n_components, covariance in data_sets(scale.quick):
        contenders = [
            Contender(OURS, drawn("gibbs", X, n_components, covariance)),
            Contender(NUTS, drawn("nuts", X, n_components, covariance)),
        ]
        measured = scale.measure(case, contenders, scale.at_most(3))
        yield from beside_each(
            case, SMALLEST_ESS, measured, {NUTS: None}, "of 4,000 draws; ours is Gibbs with its default of sweeps a draw"
        )
        yield from beside_each(case, SECONDS, measured, {NUTS: None}, "sampling alone, nothing of compiling", False)


ROW = Row("engines", "Gibbs beside NUTS, both at their default settings, under the default prior.", results)
