"""Effective draws: the same quantities for every sampler, whatever it calls its parameters."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import find_structure
from bayesgmm.diagnostics import describe
from bayesgmm.draws import Draws

type Array = NDArray[np.float64]

ROWS = 1000  # of the data, at a time


def smallest_bulk_ess(X: Array, weights: Array, means: Array, covariances: Array) -> float:
    """The smallest bulk ESS over what does not depend on labels, and for K = 2 over relabelled parameters too.

    Label-free are the log-likelihood and the sorted weights. Two components are relabelled by the order of their means
    along the first feature, draw by draw; then each weight, mean and distinct entry of a covariance counts.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weights : ndarray of shape (n_chains, n_draws, K)
    means : ndarray of shape (n_chains, n_draws, K, d)
    covariances : ndarray of shape (n_chains, n_draws, K, d, d)
    """
    weights, means, covariances = (np.ascontiguousarray(array, dtype=float) for array in (weights, means, covariances))
    draws = Draws(weights, means, covariances, find_structure("full"))
    quantities = {"log-likelihood": log_likelihood(X, draws)}
    ordered = np.sort(draws.weights, axis=-1)
    quantities |= {f"sorted weight {k}": ordered[..., k] for k in range(draws.n_components)}
    if draws.n_components == 2:
        draws = draws.permuted(np.argsort(draws.means[..., 0], axis=-1))
        rows, columns = np.tril_indices(X.shape[1])
        parts = (draws.weights[..., None], draws.means, draws.covariances[..., rows, columns])
        table = np.concatenate(parts, axis=-1).reshape(*draws.shape, -1)
        quantities |= {f"parameter {i}": table[..., i] for i in range(table.shape[-1])}
    return float(describe(quantities, 0.9)["ess_bulk"].min())


def log_likelihood(X: Array, draws: Draws) -> Array:
    """Of each draw, shape (n_chains, n_draws)."""
    return np.sum([draws.log_density(X[first : first + ROWS]).sum(axis=-1) for first in range(0, len(X), ROWS)], axis=0)
