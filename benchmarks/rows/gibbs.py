"""Gibbs, from data to draws: seconds and effective draws."""

import time
from collections.abc import Callable, Iterator

import bayesgmm as bg
from bayesgmm.kernels.threads import threads_at_hand
from benchmarks.effective import smallest_bulk_ess
from benchmarks.figure import ESS_PER_SECOND, SECONDS, Aim, Figure, Remark
from benchmarks.peers import rscript
from benchmarks.problems import Array, simulated, standardised
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

BAYESM, JAGS = "bayesm", "jags"
CHAINS = 4
PRIORS = "priors: ours and bayesm's are their defaults, that for JAGS is normal and Wishart"


def ours(X: Array, K: int, sweeps: int) -> Callable[[int], Outcome]:
    """``fit_bayes`` as a whole: checks, starts by EM, log-likelihoods of every row are in the time."""

    def run(seed: int) -> Outcome:
        began = time.perf_counter()
        posterior = bg.fit_bayes(
            X, K, engine="gibbs", thin=1, draws=sweeps, tune=sweeps, chains=CHAINS, seed=seed, progress=False
        )
        seconds = time.perf_counter() - began
        draws = posterior.draws
        return outcome(seconds, smallest_bulk_ess(X, draws.weights, draws.means, draws.covariances))

    return run


def by_r(script: str, X: Array, K: int, sweeps: int) -> Callable[[int], Outcome]:
    """A package of R, on as many processes as we have threads."""

    def run(seed: int) -> Outcome:
        answer = rscript.run(
            script, x=X, n_components=K, draws=sweeps, tune=sweeps, chains=CHAINS, cores=threads_at_hand(), seed=seed + 1
        )
        parts = (answer.arrays[name] for name in ("weights", "means", "covariances"))
        return outcome(answer.seconds, smallest_bulk_ess(X, *parts))

    return run


def outcome(seconds: float, ess: float) -> Outcome:
    """Time and effective draws a second."""
    return {SECONDS: seconds, ESS_PER_SECOND: ess / seconds}


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Old Faithful, then more data."""
    large = simulated(2_000 if scale.quick else 10_000, 5, 5, separation=4.0)
    cases: list[tuple[str, Array, int, int, dict[str, Aim]]] = [
        ("Old Faithful, K = 2", standardised("faithful"), 2, 1000, {BAYESM: Aim(3), JAGS: Aim(15)}),
        (large.label, large.X, 5, 100 if scale.quick else 1000, {BAYESM: Aim(5)}),
    ]
    for data, X, K, sweeps, peers in cases:
        case = f"{data}, {CHAINS} x ({sweeps} + {sweeps}) sweeps"
        contenders = [Contender(OURS, ours(X, K, sweeps))]
        contenders += [Contender(name, by_r(name, X, K, sweeps)) for name in peers]
        measured = scale.measure(case, contenders, scale.rounds if K == 2 else scale.at_most(3))
        aims: dict[str, Aim | None] = dict(peers)
        yield from beside_each(case, SECONDS, measured, aims, f"{PRIORS}; chains on {threads_at_hand()} threads, in R processes")
        note = "ESS of log-likelihood, sorted weights" + (", parameters ordered by means" if K == 2 else "")
        yield from beside_each(case, ESS_PER_SECOND, measured, aims, note, tell_failures=False)


ROW = Row("gibbs", "Gibbs, every sweep kept after tuning, from data to draws.", results)
