"""Where scikit-learn's classes begin: by the names of init_params, on data with columns that may not vary."""

from collections.abc import Callable

import numpy as np

from bayesgmm.covariance import Structure
from bayesgmm.initialisation import k_means, random_rows
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.sklearn.em import Rules, columns, with_ridge

STARTS: dict[str, Callable[[Observations, int, Structure, np.random.Generator], Mixture]] = {
    "kmeans": k_means,
    "k-means++": k_means,
    "random": random_rows,
    "random_from_data": random_rows,
}


def started(
    name: str, observations: Observations, n_components: int, structure: Structure, rules: Rules, rng: np.random.Generator
) -> Mixture:
    """A start of a kind, made on the columns that vary; the others have their one value and the ridge as variance."""
    k, d, varying = n_components, observations.n_features, np.flatnonzero(observations.ranges)
    weights, means, covariances = np.full(k, 1 / k), np.repeat(observations.mean[None], k, axis=0), np.zeros((k, d, d))
    if varying.size:
        begun = STARTS[name](columns(observations, varying), k, structure, rng)
        weights = begun.weights.copy()
        means[:, varying] = begun.means
        covariances[:, varying[:, None], varying] = begun.covariances
    return Mixture(weights, means, with_ridge(covariances, structure, rules), structure)
