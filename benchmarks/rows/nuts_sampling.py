"""NUTS, sampling alone: our model and the gallery's, both compiled and sampled by the same nutpie."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import bayesgmm as bg
from bayesgmm.kernels.threads import threads_at_hand
from benchmarks.effective import smallest_bulk_ess
from benchmarks.figure import ESS_PER_SECOND, SECONDS, Aim, Figure, Remark
from benchmarks.problems import Array, standardised
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

K, DRAWS, TUNE, CHAINS = 2, 1000, 1000, 4
PEER = "gallery model, nutpie"

type Parameters = Callable[[Any], tuple[Array, Array, Array]]


def sampler(X: Array, model: Any, parameters: Parameters) -> Callable[[int], Outcome]:
    """Compile now, sample when called."""
    import nutpie  # here and below, for no other row and no test should wait for it

    compiled = nutpie.compile_pymc_model(model, backend="numba")

    def run(seed: int) -> Outcome:
        began = time.perf_counter()
        trace: Any = nutpie.sample(
            compiled, draws=DRAWS, tune=TUNE, chains=CHAINS, cores=threads_at_hand(), seed=seed, progress_bar=False
        )
        seconds = time.perf_counter() - began
        return {SECONDS: seconds, ESS_PER_SECOND: smallest_bulk_ess(X, *parameters(trace["posterior"])) / seconds}

    return run


def by_name(posterior: Any) -> tuple[Array, Array, Array]:
    """The parameters of our own model."""
    return posterior["weights"].to_numpy(), posterior["means"].to_numpy(), posterior["covariances"].to_numpy()


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Old Faithful."""
    from benchmarks.peers import gallery

    X = standardised("faithful")
    case = f"Old Faithful, K = {K}, {CHAINS} x ({TUNE} + {DRAWS})"
    scale.say(f"{case}: compiling both models")
    contenders = [
        Contender(OURS, sampler(X, bg.build_model(X, K), by_name)),
        Contender(PEER, sampler(X, gallery.model(X, K), lambda posterior: gallery.draws(posterior, K))),
    ]
    measured = scale.measure(case, contenders, scale.rounds)
    note = "nutpie's default settings and starts for both; each with its own prior; ESS as for Gibbs"
    yield from beside_each(case, ESS_PER_SECOND, measured, {PEER: Aim(6)}, note)
    yield from beside_each(case, SECONDS, measured, {PEER: None}, tell_failures=False)


ROW = Row("nuts_sampling", "NUTS, sampling alone, compiled beforehand.", results)
