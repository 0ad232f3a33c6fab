"""Where chains begin: from one EM fit and from optima of reweighted data, so that R-hat can see a second mode."""

from dataclasses import replace

import numpy as np

from bayesgmm import initialisation
from bayesgmm.climb import Settings, Status
from bayesgmm.collapse import Yardstick
from bayesgmm.em import EMResult, best_of
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.race import race
from bayesgmm.specification import Specification
from bayesgmm.starts import default_starts, from_mixture
from bayesgmm.streams import Use, stream

FIRST_STARTS = 4  # of EM for the first chain; each other chain has a start of its own
NEAR = Settings(tolerance=1e-2)  # nats: where a chain begins need not be the very mode
SHORT = Settings(max_iterations=50, tolerance=1e-2)
WEIGHT_VARIANCE = 2.0  # of the random row weights: 1 is the Bayesian bootstrap, more spreads the starts wider than the posterior


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
    in another mode.
    """
    modal = replace(specification, prior=specification.required_prior.with_mode())
    if warm_start is None:
        candidates = list(default_starts(observations, modal, FIRST_STARTS, seed))
    else:
        mixture = warm_start.mixture if isinstance(warm_start, EMResult) else warm_start
        candidates = [from_mixture(mixture, observations, modal)]
    first = best_of(observations, modal, candidates, NEAR)
    mixtures = [candidates[0][1] if first.status is Status.COLLAPSED else first.mixture]
    kinds = list(initialisation.STARTS.values())
    # Heaped rows lie on hyperplanes, and a chain that begins on one does not leave it: there the density has no bound.
    yardstick, all_few = Yardstick.of(observations), np.ones(modal.n_components, dtype=bool)
    for chain in range(1, n_chains):
        rng = stream(seed, Use.CHAIN_START, chain)
        reweighted = observations.reweighted(
            observations.weights * rng.gamma(1 / WEIGHT_VARIANCE, WEIGHT_VARIANCE, observations.n_observations)
        )
        begin = kinds[chain % len(kinds)](reweighted, modal.n_components, modal.structure, rng)
        (run,) = race(reweighted, modal, [("reweighted data", begin)], SHORT)
        is_flat = run.status is Status.COLLAPSED or yardstick.collapse(run.mixture.covariances, all_few)
        mixtures.append(begin if is_flat else run.mixture)
    nuisance_mode = modal.required_prior.covariances.nuisance_mode
    return [
        (_with_all_weights(mixture, observations.n_observations), nuisance_mode(modal.structure, mixture.covariances))
        for mixture in mixtures
    ]


def _with_all_weights(mixture: Mixture, n_observations: int) -> Mixture:
    """Weights of at least about 1/n: a start far out where a weight is 1e-18 would cost the chain its tuning."""
    weights = (n_observations * mixture.weights + 1) / (n_observations + mixture.n_components)
    return replace(mixture, weights=weights)
