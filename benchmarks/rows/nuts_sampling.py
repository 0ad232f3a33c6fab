"""NUTS, sampling alone: our engine and the gallery's model under the same nutpie; compiling is not in the time."""

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

K, DRAWS, TUNE, CHAINS, TARGET = 2, 1000, 1000, 4, 0.8
PEER = "gallery model, nutpie"


def outcome(X: Array, seconds: float, parameters: tuple[Array, Array, Array]) -> Outcome:
    """Seconds, and effective draws in each."""
    return {SECONDS: seconds, ESS_PER_SECOND: smallest_bulk_ess(X, *parameters) / seconds}


def ours(X: Array, seed: int) -> Outcome:
    """From compiled model and starts to the parameters' draws, as the fit itself measures it."""
    post = bg.fit_bayes(
        X, K, engine="nuts", draws=DRAWS, tune=TUNE, chains=CHAINS, cores=threads_at_hand(), target_accept=TARGET, seed=seed,
        progress=False,
    )  # fmt: skip
    draws = post.draws
    return outcome(X, post.settings["seconds"]["sample"], (draws.weights, draws.means, draws.covariances))


def theirs(X: Array) -> Callable[[int], Outcome]:
    """Compile now, sample when called."""
    import nutpie  # for no other row and no test should wait for it

    from benchmarks.peers import gallery

    compiled = nutpie.compile_pymc_model(gallery.model(X, K), backend="numba")

    def run(seed: int) -> Outcome:
        began = time.perf_counter()
        trace: Any = nutpie.sample(
            compiled, draws=DRAWS, tune=TUNE, chains=CHAINS, cores=threads_at_hand(), target_accept=TARGET, seed=seed,
            progress_bar=False,
        )  # fmt: skip
        return outcome(X, time.perf_counter() - began, gallery.draws(trace["posterior"], K))

    return run


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Old Faithful."""
    X = standardised("faithful")
    case = f"Old Faithful, K = {K}, {CHAINS} x ({TUNE} + {DRAWS})"
    scale.say(f"{case}: compiling the peer's model")
    contenders = [Contender(OURS, lambda seed: ours(X, seed)), Contender(PEER, theirs(X))]
    measured = scale.measure(case, contenders, scale.rounds)
    note = (
        f"target_accept = {TARGET}, nutpie's default (ours is 0.9); each with its own prior and starts; ESS as for Gibbs, "
        "of which the log-likelihood's is the smallest"
    )
    yield from beside_each(case, ESS_PER_SECOND, measured, {PEER: Aim(6)}, note)
    yield from beside_each(case, SECONDS, measured, {PEER: None}, tell_failures=False)


ROW = Row("nuts_sampling", "NUTS, sampling alone, nothing of compiling.", results)
