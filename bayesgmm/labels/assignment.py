"""Orders of components: the best one by a score of each component in each place."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.draws import Array, Draws

MOST_ROUNDS = 50


def best_orders(scores: Array) -> NDArray[np.int64]:
    """The order of highest total score.

    Parameters
    ----------
    scores : ndarray of shape (..., n_components, n_places)
        As many places as components.

    Returns
    -------
    ndarray of int64, shape (..., n_places)
        Which component stands in each place.
    """
    favourites = scores.argmax(axis=-2)  # where these differ from place to place they are the best order
    orders = favourites.reshape(-1, favourites.shape[-1]).astype(np.int64)
    tables = scores.reshape(-1, *scores.shape[-2:])
    clashing = (np.sort(orders, axis=1) != np.arange(orders.shape[1])).any(axis=1)
    for s in np.flatnonzero(clashing):
        orders[s] = linear_sum_assignment(tables[s].T, maximize=True)[1]
    return orders.reshape(favourites.shape)


def iterate(
    draws: Draws, values: Array, begin: NDArray[np.int64], reference: Callable[[Draws, Array], Array]
) -> NDArray[np.int64]:
    """Orders that agree best with a reference that is made from the ordered draws, in turn until no order changes.

    Each turn raises the total agreement, of which there are finitely many values. ``reference`` returns the table (n, K) of
    :meth:`Draws.agreement`.
    """
    orders = begin
    for _ in range(MOST_ROUNDS):
        better = best_orders(draws.agreement(values, reference(draws.permuted(orders), values)))
        if np.array_equal(better, orders):
            break
        orders = better
    return orders
