"""Stephens: the permutations that bring the draws' responsibilities nearest to their mean, by Kullback and Leibler."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Array, Draws
from bayesgmm.labels.assignment import iterate
from bayesgmm.labels.ecr import ecr


def stephens(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    r"""Minimise :math:`\sum_s \sum_{ik} r^{(s)}_{i\tau_s(k)} \log (r^{(s)}_{i\tau_s(k)} / q_{ik})` over all permutations.

    In turn with :math:`q`, the mean of the permuted responsibilities, from ECR's permutations on. The entropy of the
    responsibilities does not depend on the permutation, so each draw maximises :math:`\sum_{ik} r_{i\tau(k)} \log q_{ik}`.

    References
    ----------
    Stephens (2000), Dealing with label switching in mixture models, doi:10.1111/1467-9868.00265, algorithm 2.
    """

    def reference(ordered: Draws, rows: Array) -> Array:
        return np.asarray(np.log(np.maximum(ordered.responsibilities(rows)[0], np.finfo(float).tiny)))

    return iterate(draws, values, ecr(draws, values, scores), reference)
