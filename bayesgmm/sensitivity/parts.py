"""The log prior density of each draw, by the part of the prior that it comes from."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bayesgmm.posterior import Posterior
from bayesgmm.prior import HierarchicalWishart
from bayesgmm.prior.hierarchical_wishart import RATE

type Array = NDArray[np.float64]


def of_weights(drawn: Posterior) -> Array:
    """Of the weights, shape (n_chains, n_draws)."""
    return drawn.specification.required_prior.weights.log_density(drawn.draws.weights)


def of_means(drawn: Posterior) -> Array:
    """Of the means, given the covariances where the prior ties them, shape (n_chains, n_draws)."""
    return drawn.specification.required_prior.means.log_density(drawn.draws.means, drawn.draws.covariances)


def of_covariances(drawn: Posterior) -> Array:
    """Of the covariances' coordinates with the nuisance variables integrated out, shape (n_chains, n_draws)."""
    part, structure = drawn.specification.required_prior.covariances, drawn.specification.structure
    return part.marginal_log_density(structure, drawn.draws.covariances)


def of_all(drawn: Posterior) -> Array:
    """Of the mixture, shape (n_chains, n_draws)."""
    return np.asarray(of_weights(drawn) + of_means(drawn) + of_covariances(drawn))


def of_hyperprior(drawn: Posterior) -> Array:
    """Of the rate that the components share, shape (n_chains, n_draws)."""
    part, structure = drawn.specification.required_prior.covariances, drawn.specification.structure
    if not isinstance(part, HierarchicalWishart):
        raise ValueError(
            f"The prior of the covariances, {part.kind!r}, has no hyperparameter that components share: "
            "part='hyperprior' is for the hierarchical Wishart. Use part='covariances'."
        )
    rate = {RATE: drawn.tree["posterior"][RATE].to_numpy()}
    return part.nuisance_log_density(structure, drawn.observations.n_features, rate)


PARTS: dict[str, Callable[[Posterior], Array]] = {
    "all": of_all,
    "weights": of_weights,
    "means": of_means,
    "covariances": of_covariances,
    "hyperprior": of_hyperprior,
}


def log_prior(posterior: Posterior, part: str) -> Array:
    """Log density of a part of the prior at each draw, shape (n_chains, n_draws).

    Of the components as drawn: a prior that tells them apart does so by the places they were drawn in.
    """
    return PARTS[part](posterior.as_drawn())
