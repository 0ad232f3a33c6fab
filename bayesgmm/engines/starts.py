"""Where chains begin: from one EM fit and from optima of reweighted data, so that R-hat can see a second mode."""

from dataclasses import replace

import numpy as np

from bayesgmm import initialisation
from bayesgmm.climb import Settings, Status, climb
from bayesgmm.collapse import Yardstick
from bayesgmm.em import EMResult, best_of, default_starts, given_start
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.specification import Specification
from bayesgmm.validation import stream

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

    The first is the MAP climbed to from ``warm_start``, or the best of ten starts. Each other one is the MAP of the data with
    random row weights (mean 1), from its own random start: dispersed like the posterior or wider, and free to end in
    another mode.
    """
    prior = specification.required_prior
    modal = replace(specification, prior=prior.with_mode())
    if warm_start is None:
        candidates = list(default_starts(observations, modal, 10, seed))
    else:
        mixture = warm_start.mixture if isinstance(warm_start, EMResult) else warm_start
        candidates = [given_start(mixture, observations, modal)]
    first = best_of(observations, modal, candidates, Settings())
    starts = [(first.mixture, first.nuisance)]
    kinds = list(initialisation.STARTS.values())
    for chain in range(1, n_chains):
        rng = stream(seed, chain)
        reweighted = observations.reweighted(
            observations.weights * rng.gamma(1 / WEIGHT_VARIANCE, WEIGHT_VARIANCE, observations.n_observations)
        )
        begin = kinds[chain % len(kinds)](reweighted, modal.n_components, modal.structure, rng)
        run = climb(reweighted, modal, begin, "reweighted data", SHORT, Yardstick.of(reweighted))
        mixture = begin if run.status is Status.COLLAPSED else run.mixture
        starts.append((mixture, prior.covariances.initial_nuisance(modal.structure, mixture.covariances)))
    return starts
