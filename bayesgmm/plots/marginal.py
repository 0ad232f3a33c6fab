"""The distribution of some of the features: a marginal of a Gaussian mixture is the mixture of the marginals."""

from collections.abc import Sequence

import numpy as np

from bayesgmm.draws import Draws
from bayesgmm.mixture import Mixture


def of_mixture(mixture: Mixture, features: Sequence[int]) -> Mixture:
    """The mixture of these features alone."""
    index = list(features)
    means = np.ascontiguousarray(mixture.means[:, index])
    covariances = np.ascontiguousarray(mixture.covariances[:, index][:, :, index])
    return Mixture(mixture.weights, means, covariances, mixture.structure)


def of_draws(draws: Draws, features: Sequence[int]) -> Draws:
    """The draws of these features alone."""
    index = list(features)
    return Draws(draws.weights, draws.means[..., index], draws.covariances[..., index, :][..., index], draws.structure)


def of_component(draws: Draws, component: int) -> Draws:
    """One component alone, with its weight: its density integrates to the weight."""
    k = slice(component, component + 1)
    return Draws(draws.weights[:, :, k], draws.means[:, :, k], draws.covariances[:, :, k], draws.structure)


def at_most(draws: Draws, n: int) -> Draws:
    """About n draws or fewer, evenly spaced in every chain."""
    step = -(-draws.weights.shape[0] * draws.weights.shape[1] // n)
    return Draws(draws.weights[:, ::step], draws.means[:, ::step], draws.covariances[:, ::step], draws.structure)
