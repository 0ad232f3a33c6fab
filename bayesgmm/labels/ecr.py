"""ECR: the permutation under which a draw classifies the rows most like a pivot does."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.draws import Draws


def ecr(draws: Draws, values: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    r"""Equivalence-class representatives with the draw of the highest score as pivot: NUTS's log density of its free variables.

    With :math:`z^*` the pivot's classification, each draw takes the permutation that maximises
    :math:`\sum_i r_{i\tau(z^*_i)}`: responsibilities stand for allocations, which a marginal sampler does not draw. The pivot's
    components are numbered from the largest weight down.

    References
    ----------
    Papastamoulis & Iliopoulos (2010), doi:10.1198/jcgs.2010.09008.
    """
    chain, draw = np.unravel_index(int(scores.argmax()), scores.shape)
    best = draws.mixture(int(chain), int(draw))
    pivot = best.permuted(np.argsort(-best.weights)).predict(values)
    agreement = draws.agreement(values, pivot)
    orders = [linear_sum_assignment(-table.T)[1] for table in agreement.reshape(-1, *agreement.shape[2:])]
    return np.array(orders, dtype=np.int64).reshape(draws.weights.shape)
