"""Data-based: the permutations under which rows lie nearest to the centres of their components, in units of their spread."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Array, Draws
from bayesgmm.labels.assignment import iterate
from bayesgmm.labels.ecr import ecr


def data(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    r"""Minimise :math:`\sum_{ik} r_{i\tau(k)} \sum_j (x_{ij} - m_{kj})^2 / s_{kj}^2` over the permutations of each draw.

    In turn with m and s, the means and standard deviations of the rows by the mean of the permuted responsibilities, from ECR's
    permutations on.

    References
    ----------
    Rodriguez & Walker (2014), Label switching in Bayesian mixture models: deterministic relabeling strategies,
    doi:10.1080/10618600.2012.735624.
    """
    units = np.ptp(values, axis=0)

    def reference(ordered: Draws, rows: Array) -> Array:
        shares = ordered.responsibilities(rows)[0]
        shares = shares / np.maximum(shares.sum(axis=0), np.finfo(float).tiny)
        standard = (rows - rows.mean(axis=0)) / units
        centres = shares.T @ standard
        variances = np.maximum(np.stack([s @ (standard - m) ** 2 for s, m in zip(shares.T, centres, strict=True)]), 1e-12)
        return -np.stack([((standard - m) ** 2 / v).sum(axis=1) for m, v in zip(centres, variances, strict=True)], axis=1)

    return iterate(draws, values, ecr(draws, values, scores), reference)
