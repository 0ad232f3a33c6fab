"""Where chains begin: from one EM fit and from optima of reweighted data, so that R-hat can see a second mode."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bayesgmm import initialisation
from bayesgmm.climb import Settings, Status
from bayesgmm.collapse import Yardstick
from bayesgmm.em import EMResult, best_of
from bayesgmm.engines.engine import MANY_ROWS
from bayesgmm.mixture import Mixture
from bayesgmm.observations import PACKAGE, Observations
from bayesgmm.pilot import ROWS, Pilot
from bayesgmm.prior import Nuisance
from bayesgmm.race import race
from bayesgmm.specification import Specification
from bayesgmm.starts import default_starts, from_mixture
from bayesgmm.streams import Use, child, stream
from bayesgmm.validation import listed

FIRST_STARTS = 4  # of EM for the first chain; each other chain has a start of its own
NEAR = Settings(tolerance=1e-2)  # nats: where a chain begins need not be the very mode
SHORT = Settings(max_iterations=50, tolerance=1e-2)
WEIGHT_VARIANCE = 2.0  # of the random row weights: 1 is the Bayesian bootstrap, more spreads the starts wider than the posterior
MOST_SAMPLED = 400_000  # rows, of all chains together, that starts are sought on where there are more
SLACK = 10.0  # times as far below the highest as a sample of the rows explains on average, a start is in another mode


class StartWarning(UserWarning):
    """A chain does not begin where it would have by itself."""


def chain_starts(
    observations: Observations,
    specification: Specification,
    warm_start: EMResult | Mixture | None,
    n_chains: int,
    seed: np.random.SeedSequence,
) -> list[tuple[Mixture, Nuisance]]:
    """One start a chain, each a mixture with the prior's nuisance variables.

    The first is close to the MAP climbed to from ``warm_start``, or from the best of a few starts. Each other one is the MAP of
    the data with random row weights (mean 1), from its own random start: dispersed like the posterior or wider, and free to end
    in another mode. Where rows are many it is that of a sample of them, and no mode that is far below the highest: there is none
    of the posterior in it, and a chain would never leave it.

    Warns
    -----
    StartWarning
        If the start of a chain was in such a mode, and the chain begins near the highest mode instead.
    """
    modal = replace(specification, prior=specification.required_prior.with_mode())
    if observations.n_observations >= MANY_ROWS:
        mixtures = _from_samples(observations, modal, warm_start, n_chains, seed)
    else:
        few = observations.sample(observations.n_observations, stream(seed, Use.CHAIN_START))
        mixtures = _from_reweighted_rows(few, modal, warm_start, n_chains, seed)
    nuisance_mode = modal.required_prior.covariances.nuisance_mode
    return [
        (_with_all_weights(mixture, observations.n_observations), nuisance_mode(modal.structure, mixture.covariances))
        for mixture in mixtures
    ]


def _from_reweighted_rows(
    observations: Observations,
    modal: Specification,
    warm_start: EMResult | Mixture | None,
    n_chains: int,
    seed: np.random.SeedSequence,
) -> list[Mixture]:
    """MAPs of rows in memory, of all but the first with random weights."""
    candidates = _usual(modal, seed, observations) if warm_start is None else [_given(warm_start, observations, modal)]
    first = best_of(observations, modal, candidates, NEAR)
    mixtures = [candidates[0][1] if first.status is Status.COLLAPSED else first.mixture]
    kinds, yardstick = list(initialisation.STARTS.values()), Yardstick.of(observations)
    for chain in range(1, n_chains):
        rng = stream(seed, Use.CHAIN_START, chain)
        reweighted = observations.reweighted(
            observations.weights * rng.gamma(1 / WEIGHT_VARIANCE, WEIGHT_VARIANCE, observations.n_observations)
        )
        begin = kinds[chain % len(kinds)](reweighted, modal.n_components, modal.structure, rng)
        (run,) = race(reweighted, modal, [("reweighted data", begin)], SHORT)
        mixtures.append(begin if run.status is Status.COLLAPSED or _is_flat(run.mixture, yardstick) else run.mixture)
    return mixtures


def _from_samples(
    observations: Observations,
    modal: Specification,
    warm_start: EMResult | Mixture | None,
    n_chains: int,
    seed: np.random.SeedSequence,
) -> list[Mixture]:
    """MAPs of different rows that fit into memory, but for the first, which is that of all; none far below the highest."""
    if warm_start is None:
        some = Pilot.rows(observations, seed)
        pilot = Pilot.of(observations, some, modal, _usual(modal, seed, some), NEAR)
        candidate, learnt = pilot.start, pilot.learnt
    else:
        candidate, learnt = _given(warm_start, observations, modal), None
    mixtures, yardstick = [best_of(observations, modal, [candidate], SHORT, learnt).mixture], Yardstick.of(observations)
    if n_chains == 1 and not _is_flat(mixtures[0], yardstick):
        return mixtures
    size = min(ROWS, MOST_SAMPLED // n_chains, observations.n_observations // n_chains)
    sampled, rng = observations.sample(n_chains * size, stream(seed, Use.CHAIN_START)), stream(seed, Use.CHAIN_START, 0)
    samples = [sampled.rows(np.sort(rows)) for rows in np.split(rng.permutation(n_chains * size), n_chains)]
    for chain, some in enumerate(samples[1:], start=1):
        starts = _usual(modal, child(seed, Use.CHAIN_START, chain), some)
        mixtures.append(best_of(some, modal, starts, NEAR).mixture)
    heights = observations.reduced(partial(_log_likelihoods, mixtures))
    flat = np.array([_is_flat(mixture, yardstick) for mixture in mixtures])
    if flat.all():
        return mixtures
    top = int(np.where(flat, -np.inf, heights).argmax())
    # Twice what an optimum of a sample lacks at all rows is chi-squared, times their ratio, and has a mean of p times that.
    explained = SLACK * 0.5 * modal.n_parameters(observations.n_features) * (1 + observations.n_observations / size)
    behind = heights[top] - heights
    for chain in np.flatnonzero(flat | (behind > explained)).tolist():
        mixtures[chain] = best_of(samples[chain], modal, [("the highest", mixtures[top])], NEAR).mixture
    _tell(behind * ~flat, explained)
    return mixtures


def _tell(behind: NDArray[np.float64], explained: float) -> None:
    """Say which chains begin elsewhere than they would have."""
    moved = np.flatnonzero(behind > explained)
    if not len(moved):
        return
    warnings.warn(
        f"Not every chain begins where it would have (counted from 0: {listed([str(chain) for chain in moved])}). EM's optimum "
        f"there is up to {behind.max():,.0f} nats below the highest, and a chain would never leave it: it begins near the "
        "highest instead. Several such optima are a sign of too many components.",
        StartWarning,
        skip_file_prefixes=(PACKAGE,),
    )


def _usual(modal: Specification, seed: np.random.SeedSequence, observations: Observations) -> list[tuple[str, Mixture]]:
    return list(default_starts(observations, modal, FIRST_STARTS, seed))


def _given(warm_start: EMResult | Mixture, observations: Observations, modal: Specification) -> tuple[str, Mixture]:
    return from_mixture(warm_start.mixture if isinstance(warm_start, EMResult) else warm_start, observations, modal)


def _is_flat(mixture: Mixture, yardstick: Yardstick) -> bool:
    """Whether a component lies on a hyperplane, as heaped rows do: there the density has no bound, and a chain stays."""
    return bool(yardstick.collapse(mixture.covariances, np.ones(mixture.n_components, dtype=bool)))


def _log_likelihoods(mixtures: Sequence[Mixture], part: Observations) -> NDArray[np.float64]:
    """Of some rows at each mixture, shape (n_mixtures,)."""
    return np.array([mixture.expected_statistics(part).log_likelihood for mixture in mixtures])


def _with_all_weights(mixture: Mixture, n_observations: int) -> Mixture:
    """Weights of at least about 1/n: a start far out where a weight is 1e-18 would cost the chain its tuning."""
    weights = (n_observations * mixture.weights + 1) / (n_observations + mixture.n_components)
    return replace(mixture, weights=weights)
