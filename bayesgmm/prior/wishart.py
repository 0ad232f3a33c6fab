"""The Wishart law in the convention of the package, over the compact form of a covariance block.

W(c, C) on a precision matrix P of order p: density proportional to |P|^(c - (p+1)/2) exp(-tr(C P)), mean c C^-1; c is half the
degrees of freedom. For p = 1 it is Gamma(c, rate C), so a diagonal block is a product of Gammas.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import multigammaln

from bayesgmm.covariance import Block

type Array = NDArray[np.float64]


def log_density(block: Block, n_features: int, concentration: float, rate: Array, precision: Array) -> Array:
    """Log density at precisions with any leading axes; independent matrices within a block are summed.

    Parameters
    ----------
    concentration : float
        c, above (p - 1) / 2.
    rate : ndarray
        C, one block in compact form.
    precision : ndarray
        P, compact, any leading axes.
    """
    p = block.order(n_features)
    log_norm = concentration * block.log_determinant(rate) - block.n_matrices(n_features) * multigammaln(concentration, p)
    return np.asarray(log_norm + (concentration - (p + 1) / 2) * block.log_determinant(precision) - block.inner(rate, precision))
