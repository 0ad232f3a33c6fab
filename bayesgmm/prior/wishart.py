"""The Wishart law in the convention of the package, over the compact form of a covariance block.

W(c, C) on a precision matrix P of order p: density proportional to |P|^(c - (p+1)/2) exp(-tr(C P)), mean c C^-1; c is half the
degrees of freedom. For p = 1 it is Gamma(c, rate C), so a diagonal block is a product of Gammas.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesgmm.covariance import Block

type Array = NDArray[np.float64]

LEAST_GAMMA = 1e-150  # a draw of very small shape may round to zero, whose inverse is not a covariance


@lru_cache(maxsize=1000)
def multigammaln(a: float, d: int) -> float:
    """The log of the multivariate gamma function, which a climb needs at the same place in every pass."""
    return float(special.multigammaln(a, d))


def log_density(block: Block, n_features: int, concentration: float, rate: Array, precision: Array) -> Array:
    """Log density at precisions with any leading axes; independent matrices within a block are summed.

    Parameters
    ----------
    concentration : float
        c, above (p - 1) / 2.
    rate : ndarray
        C, compact; its leading axes broadcast against those of the precisions.
    precision : ndarray
        P, compact, any leading axes.
    """
    p = block.order(n_features)
    log_norm = concentration * block.log_determinant(rate) - block.n_matrices(n_features) * multigammaln(concentration, p)
    return np.asarray(log_norm + (concentration - (p + 1) / 2) * block.log_determinant(precision) - block.inner(rate, precision))


def sample(block: Block, n_features: int, concentration: float, rate: Array, rng: np.random.Generator) -> Array:
    """Draw one precision for each rate, both in compact form with any leading axes, by Bartlett's decomposition."""
    if block.order(n_features) == 1:
        return np.asarray(np.maximum(rng.gamma(concentration, size=rate.shape), LEAST_GAMMA) / rate)
    d = n_features
    bartlett = np.tril(rng.normal(0.0, np.sqrt(0.5), size=(*rate.shape[:-2], d, d)), -1)
    squares = rng.gamma(concentration - 0.5 * np.arange(d), size=(*rate.shape[:-2], d))
    bartlett[..., range(d), range(d)] = np.sqrt(np.maximum(squares, LEAST_GAMMA))
    root = np.linalg.solve(np.swapaxes(np.linalg.cholesky(rate), -1, -2), bartlett)
    return np.asarray(root @ np.swapaxes(root, -1, -2))
