"""The mixture as PyMC's examples write it: a list of components in ``pm.Mixture``.

Means are normal about points spread over the standardised data, which tells the components apart where a chain starts;
covariances are ``LKJCholeskyCov``, weights Dirichlet.
"""

from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

type Array = NDArray[np.float64]

ETA, SCALE = 2.0, 1.0
CENTRES = 1.0  # the outer components' means are expected this far from 0


def centres(n_components: int) -> Array:
    """Where the means are expected, in every feature."""
    return np.linspace(-CENTRES, CENTRES, n_components)


def model(X: Array, n_components: int) -> pm.Model:
    """The model for standardised data."""
    d = X.shape[1]
    with pm.Model() as built:
        weights = pm.Dirichlet("weights", np.ones(n_components))
        components = []
        for k, centre in enumerate(centres(n_components)):
            mean = pm.Normal(f"mean_{k}", centre, SCALE, shape=d)
            scales = pm.Exponential.dist(1.0 / SCALE, shape=d)
            factor, _, _ = pm.LKJCholeskyCov(f"factor_{k}", n=d, eta=ETA, sd_dist=scales, compute_corr=True, store_in_trace=False)
            components.append(pm.MvNormal.dist(mu=mean, chol=factor))
        pm.Mixture("x", w=weights, comp_dists=components, observed=X)
    return built


def draws(posterior: Any, n_components: int) -> tuple[Array, Array, Array]:
    """Weights, means and covariances, each (n_chains, n_draws, K, ...), from the model's variables."""
    means = np.stack([posterior[f"mean_{k}"].to_numpy() for k in range(n_components)], axis=2)
    packed = np.stack([posterior[f"factor_{k}"].to_numpy() for k in range(n_components)], axis=2)
    d = means.shape[-1]
    factors = np.zeros((*packed.shape[:-1], d, d))
    factors[(..., *np.tril_indices(d))] = packed
    return posterior["weights"].to_numpy(), means, factors @ np.swapaxes(factors, -1, -2)
