"""How surely two rows belong together: the matrix of posterior probabilities that they come from the same component."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.mfm import MfmPosterior
from bayesgmm.partitions.drawn import chosen_rows
from bayesgmm.posterior import Posterior, require_any_posterior

MOST_ROWS = 20_000  # whose matrix is 3.2 GB


def similarity_matrix(posterior: Posterior | MfmPosterior, rows: Any = None) -> NDArray[np.float64]:
    r"""Posterior probability that two rows come from the same component.

    .. math:: \pi_{ij} = \mathrm E \sum_k r_{ik} r_{jk}

    No relabelling changes it. The allocations are summed out: it is the mean of what co-clustering of drawn allocations would be.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
    rows : array-like of int, optional
        Numbers of the rows that are wanted, in this order; None: all.

    Returns
    -------
    ndarray of shape (n_rows, n_rows)
        Symmetric, with ones on the diagonal.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior.
    ValueError
        If rows are so many that the matrix would not fit, or ``rows`` are no numbers of rows.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> post = bg.fit_bayes(bg.load_dataset("faithful"), 2, progress=False)
    >>> bg.similarity_matrix(post).shape
    (272, 272)
    >>> bg.similarity_matrix(post, rows=[0, 1]).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    require_any_posterior(posterior)
    posterior.tell_doubt()
    chosen = chosen_rows(rows, posterior.observations.n_observations)
    if len(chosen) > MOST_ROWS:
        size = 8e-9 * len(chosen) ** 2
        raise ValueError(f"The matrix of {len(chosen):,} rows has {size:.0f} GB: take at most {MOST_ROWS:,} of them, by rows=.")
    return posterior.draws.similarity(posterior.observations.values[chosen])
