r"""What the data say about a mixture to second order, from one pass over them in blocks of rows.

With :math:`a_{ik} = \log w_k + \log \mathcal N(x_i; \mu_k, \Sigma_k)` the score of a row is
:math:`s_i = \sum_k r_{ik}\,\partial a_{ik}`, and minus the Hessian of the log-likelihood is, by Louis (1982),

.. math:: -\sum_{ik} v_i r_{ik}\,\partial^2 a_{ik} - \sum_{ik} v_i r_{ik}\,\partial a_{ik}\,\partial a_{ik}'
          + \sum_i v_i s_i s_i'.

No step of differencing is in it: it is exact but for rounding. The first sum needs the moments of the components only.

References
----------
Louis (1982), Finding the observed information matrix when using the EM algorithm, doi:10.1111/j.2517-6161.1982.tb01203.x.
"""

from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from bayesgmm.information.chart import Array, Chart
from bayesgmm.observations import Observations
from bayesgmm.sources import Sums

BLOCK_NUMBERS = 2_000_000  # of the scores that are held at a time
MOST_ROWS = 16_384


@dataclass(frozen=True, eq=False)
class Curvature:
    """The log-likelihood to second order in the coordinates of a chart, and how its rows' scores vary.

    Attributes
    ----------
    score : ndarray of shape (n_coordinates,)
        Gradient of the log-likelihood.
    information : ndarray of shape (n_coordinates, n_coordinates)
        Minus its Hessian.
    outer : ndarray of shape (n_coordinates, n_coordinates)
        sum_i v_i s_i s_i'.
    """

    score: Array
    information: Array
    outer: Array

    @classmethod
    def of(cls, chart: Chart, observations: Observations) -> Self:
        """One pass over the data."""
        score, outer, counts, sums, products = observations.reduced(partial(_sums, chart))
        return cls(score, _complete(chart, counts, sums, products) + outer, outer)


def _sums(chart: Chart, part: Observations) -> Sums:
    """Of scores and of their products; and for each component its count and the sums of its rows' own derivatives."""
    m, p = chart.reference, chart.n_coordinates
    k, d = m.means.shape
    n_own = chart.places.shape[1]
    features = [_Features(chart, component) for component in range(k)]
    counts, sums, products = np.zeros(k), np.zeros((k, n_own)), np.zeros((k, n_own, n_own))
    score, outer = np.zeros(p), np.zeros((p, p))
    size = max(1, min(MOST_ROWS, BLOCK_NUMBERS // max(p, d * d)))
    for first in range(0, part.n_observations, size):
        rows = slice(first, first + size)
        values, v = part.values[rows], part.weights[rows]
        shares = m.responsibilities(values)
        scores = np.zeros((len(values), p))
        scores[:, : k - 1] = shares[:, 1:] - m.weights[1:]
        counts += v @ shares
        for component in range(k):
            own, share = features[component].of(values), shares[:, component]
            scores[:, chart.places[component]] += share[:, None] * own
            sums[component] += (v * share) @ own
            products[component] += (own * (v * share)[:, None]).T @ own
        score += v @ scores
        outer += (scores * v[:, None]).T @ scores
    return Sums(score, outer, counts, sums, products)


class _Features:
    """Derivatives of the log density of one component by its own numbers."""

    def __init__(self, chart: Chart, component: int) -> None:
        self._mean, self._inverse = chart.reference.means[component], np.linalg.inv(chart.frames[component])
        tangents, d = chart.tangents(component), chart.reference.n_features
        i, j = np.diag_indices(d) if chart.reference.structure.is_diagonal else np.tril_indices(d)
        self._pairs = i, j
        self._coefficients = np.where(i == j, 0.5, 1.0)[:, None] * tangents[:, i, j].T
        self._constants = 0.5 * np.trace(tangents, axis1=1, axis2=2)

    def of(self, values: Array) -> Array:
        """For rows (n, d): z, and (z'Ez - tr E) / 2 for each tangent E; shape (n, d + n_sizes + n_turns)."""
        z = (values - self._mean) @ self._inverse.T
        i, j = self._pairs
        return np.concatenate([z, (z[:, i] * z[:, j]) @ self._coefficients - self._constants], axis=1)


def _complete(chart: Chart, counts: Array, sums: Array, products: Array) -> Array:
    """The first two sums of Louis's formula."""
    weights, p = chart.reference.weights, chart.n_coordinates
    k, d = chart.reference.means.shape
    found = np.zeros((p, p))
    ratios = counts.sum() * (np.diag(weights) - np.outer(weights, weights))
    for component in range(k):
        apart = np.eye(k)[component] - weights
        ratios -= counts[component] * np.outer(apart, apart)
        places = chart.places[component]
        own = _curvature(chart, component, counts[component], sums[component, :d], products[component, :d, :d])
        found[np.ix_(places, places)] += own - products[component]
        crossed = np.outer(apart[1:], sums[component])
        found[: k - 1, places] -= crossed
        found[places, : k - 1] -= crossed.T
    found[: k - 1, : k - 1] = ratios[1:, 1:]
    return found


def _curvature(chart: Chart, component: int, count: float, sums: Array, scatter: Array) -> Array:
    """Minus the second derivative of a component's expected log density, from its moments in its own frame.

    Of (z - m)' e^-V' e^-L e^-V (z - m) / 2, to second order in the mean m, L and V.
    """
    sizes, turns, d = chart.sizes, chart.turns[component], len(sums)
    found = np.zeros((d + len(sizes) + len(turns),) * 2)
    means, volumes, axes = np.split(np.arange(len(found)), [d, d + len(sizes)])
    found[means, means] = count
    found[:d, d:] = (chart.tangents(component) @ sums).T
    halved = 0.5 * _traces(sizes @ scatter, sizes)
    found[np.ix_(volumes, volumes)] = 0.5 * (halved + halved.T)
    found[np.ix_(volumes, axes)] = _traces(sizes, turns @ scatter)
    squares = 0.5 * _traces(turns @ scatter, turns)
    squares = squares + squares.T + _traces(turns @ scatter, np.swapaxes(turns, 1, 2))
    found[np.ix_(axes, axes)] = 0.5 * (squares + squares.T)
    return np.triu(found) + np.triu(found, 1).T


def _traces(left: Array, right: Array) -> Array:
    """tr(left_a right_b) for stacks (m, d, d) and (q, d, d): shape (m, q)."""
    return np.tensordot(left, right, axes=([1, 2], [2, 1]))
