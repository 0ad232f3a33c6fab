"""Which rows belong together, whatever the components are called."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.mfm import MfmPosterior
from bayesgmm.posterior import Posterior

MOST_ROWS = 20_000  # whose matrix is 3.2 GB


def similarity_matrix(posterior: Posterior | MfmPosterior) -> NDArray[np.float64]:
    r"""Posterior probability that two rows come from the same component.

    .. math:: \pi_{ij} = \mathrm E \sum_k r_{ik} r_{jk}

    No relabelling changes it. The allocations are summed out: it is the mean of what co-clustering of drawn allocations would be.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior

    Returns
    -------
    ndarray of shape (n_observations, n_observations)
        Symmetric, with ones on the diagonal.

    Raises
    ------
    TypeError
        If it is no posterior.
    ValueError
        If rows are so many that the matrix would not fit.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> post = bg.fit_bayes(bg.load_dataset("faithful"), 2, draws=100, tune=50, progress=False)
    >>> bg.similarity_matrix(post).shape
    (272, 272)
    """
    if not isinstance(posterior, Posterior | MfmPosterior):
        raise TypeError(f"posterior must be a Posterior or an MfmPosterior, got {type(posterior).__name__}.")
    n = posterior.observations.n_observations
    if n > MOST_ROWS:
        raise ValueError(f"The matrix of {n:,} rows has {8e-9 * n * n:.0f} GB: fit or take at most {MOST_ROWS:,} rows.")
    return posterior.draws.similarity(posterior.observations.values)
