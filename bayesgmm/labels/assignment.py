"""Orders of components: the best one by a score of each component in each place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.draws import Array, Draws

MOST_ROUNDS = 50


@dataclass(frozen=True, eq=False)
class Places:
    """Where components stand: each place by the centre and spread of the points that have stood there.

    Attributes
    ----------
    centres, spreads : ndarray of shape (n_components, n_coordinates)
    """

    centres: Array
    spreads: Array

    @classmethod
    def of(cls, points: Array) -> Self:
        """From components as points (n, n_components, n_coordinates) that have been brought to places, by whatever method."""
        centres = points.mean(axis=0)
        return cls(centres, np.maximum(points.std(axis=0), 1e-8 * (1 + np.abs(centres))))  # a coordinate may be constant

    def unlikelihood(self, points: Array) -> Array:
        """Twice the negative log density of each component under the normal law of each place, shape (n, K, K), to a constant."""
        return np.asarray((((points[:, :, None] - self.centres) / self.spreads) ** 2 + 2 * np.log(self.spreads)).sum(axis=-1))


def best_draw(scores: Array) -> tuple[int, int]:
    """Chain and draw of the highest score."""
    chain, draw = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(chain), int(draw)


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

    Or, since not every method has a total that each turn must raise, until so many turns are made. ``reference`` returns the
    table (n, K) of :meth:`Draws.agreement`.
    """
    orders = begin
    for _ in range(MOST_ROUNDS):
        better = best_orders(draws.agreement(values, reference(draws.permuted(orders), values)))
        if np.array_equal(better, orders):
            break
        orders = better
    return orders
