"""ECR: the permutation under which a draw classifies the rows most like a pivot does; the pivot is a draw, or is sought too."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Array, Draws
from bayesgmm.labels.assignment import best_draw, best_orders, iterate

MOST_ROWS = 100_000  # evenly spaced, that draws are compared on


def ecr(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    r"""Equivalence-class representatives with the draw of the highest score as pivot: NUTS's log density of its free variables.

    With :math:`z^*` the pivot's classification, each draw takes the permutation that maximises
    :math:`\sum_i r_{i\tau(z^*_i)}`: responsibilities stand for allocations, which a marginal sampler does not draw. The pivot's
    components are numbered from the largest weight down. Of many rows some tell all.

    References
    ----------
    Papastamoulis & Iliopoulos (2010), doi:10.1198/jcgs.2010.09008.
    """
    best, rows = draws.mixture(*best_draw(scores)), values[:: -(-len(values) // MOST_ROWS)]
    pivot = best.permuted(np.argsort(-best.weights)).predict(rows)
    return best_orders(draws.agreement(rows, indicators(pivot, draws.n_components)))


def ecr_iterative_1(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    """The pivot is what most of the relabelled draws say of each row, in turn with the permutations; begun by ECR.

    References
    ----------
    Papastamoulis (2016), doi:10.18637/jss.v069.c01, section 2.3.
    """
    return iterate(draws, values, ecr(draws, values, scores), lambda ordered, rows: _likeliest(ordered.votes(rows)))


def ecr_iterative_2(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    """The pivot is the likeliest component by the relabelled draws' mean responsibilities, in turn; begun by ECR.

    References
    ----------
    Papastamoulis (2016), doi:10.18637/jss.v069.c01, section 2.3.
    """
    return iterate(draws, values, ecr(draws, values, scores), lambda ordered, rows: _likeliest(ordered.responsibilities(rows)[0]))


def indicators(labels: NDArray[np.int64], n_components: int) -> Array:
    """A table (n, K) of ones and zeros."""
    return np.eye(n_components)[labels]


def _likeliest(shares: Array) -> Array:
    """Indicators of the component that has the largest share of a row."""
    return indicators(shares.argmax(axis=1), shares.shape[1])
