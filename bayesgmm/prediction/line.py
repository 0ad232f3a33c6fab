"""A mixture of one feature as normals on a line: tails in logs, quantiles, modes, and where the density passes a level."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri

from bayesgmm.mixture import Mixture
from bayesgmm.prediction.normal import normal_mixture

type Array = NDArray[np.float64]
type Whose = NDArray[np.int64]  # which line each of some points belongs to

LOG_ROOT_2PI = 0.5 * float(np.log(2 * np.pi))
LOWEST = -1e300  # log densities below it are taken for it: squares of distances stay finite
WIDENED = 1e-6  # of the largest scale: brackets end where rounding cannot change a sign
FOUND = 1e-14  # of the smallest scale: roots are found to it, or to the last digit
STEPS = np.linspace(-6, 6, 121)  # in scales about each mean: where the shape of the density is looked at


@dataclass(frozen=True, eq=False)
class Line:
    """Components of a mixture with one feature that have a weight, each array of shape (K,)."""

    log_weights: Array
    means: Array
    scales: Array

    @classmethod
    def of(cls, mixture: Mixture, what: str) -> "Line":
        """The line of a mixture; ``what`` is the name of what needs it.

        Raises
        ------
        ValueError
            If the mixture has more than one feature.
        """
        mixture = normal_mixture(mixture, what)
        if mixture.n_features > 1:
            raise ValueError(
                f"{what} is of one feature, and the mixture has {mixture.n_features}: choose one, such as "
                "mixture.marginal([0]), or fix the others by conditional."
            )
        some = mixture.weights > 0
        return cls(np.log(mixture.weights[some]), mixture.means[some, 0], np.sqrt(mixture.covariances[some, 0, 0]))

    def _standardised(self, x: Array) -> Array:
        return np.asarray((x[..., None] - self.means) / self.scales)

    def _joint(self, x: Array) -> Array:
        """log w_k N(x; mu_k, sigma_k^2), shape (..., K)."""
        return np.asarray(self.log_weights - np.log(self.scales) - LOG_ROOT_2PI - 0.5 * self._standardised(x) ** 2)

    def log_density(self, x: Array) -> Array:
        """Log density at finite points of any shape."""
        return np.asarray(logsumexp(self._joint(x), axis=-1))

    def below(self, x: Array) -> Array:
        """P(X <= x): a sum of positive terms, exact in the lower tail to the last digits."""
        return np.asarray(ndtr(self._standardised(x)) @ np.exp(self.log_weights))

    def above(self, x: Array) -> Array:
        """P(X > x), the same in the upper tail."""
        return np.asarray(ndtr(-self._standardised(x)) @ np.exp(self.log_weights))

    def quantile(self, p: Array) -> Array:
        """The x with P(X <= x) = p, for sorted p (n,)."""
        of_components = self.means + self.scales * ndtri(p[:, None])  # the mixture's lies between the least and the largest
        ends = of_components.min(axis=1), of_components.max(axis=1)
        margin = WIDENED * self.scales.max() + 8 * np.spacing(np.maximum(np.abs(ends[0]), np.abs(ends[1])))

        def excess(x: Array, p: Array) -> Array:  # in the logs of the smaller tail, where they say more than p does
            z = self._standardised(x)
            lower, upper = (logsumexp(self.log_weights + log_ndtr(side), axis=-1) for side in (z, -z))
            return np.where(p <= 0.5, lower - np.log(p), np.log1p(-p) - upper)

        roots = self._roots(excess, ends[0] - margin, ends[1] + margin, p)
        return np.maximum.accumulate(roots)  # where the density is next to nothing neighbours could change places by rounding

    @cached_property
    def turning_points(self) -> tuple[Array, Array]:
        """Modes (M,), and the antimodes (M - 1,) between them."""
        ((modes, antimodes),) = turning_points(self.log_weights[None], self.means[None], self.scales[None])
        return modes, antimodes

    def _pull(self, x: Array) -> tuple[Array, Array]:
        """Responsibilities, and (mu_k - x) / sigma_k^2, both (..., K)."""
        joint = self._joint(x)
        return np.exp(joint - logsumexp(joint, axis=-1, keepdims=True)), -self._standardised(x) / self.scales

    def slope(self, x: Array) -> Array:
        """p'(x) / p(x), whose sign does not underflow as that of p' would."""
        shares, pull = self._pull(x)
        return np.asarray((shares * pull).sum(axis=-1))

    def bend(self, x: Array) -> Array:
        """p''(x) / p(x)."""
        shares, pull = self._pull(x)
        return np.asarray((shares * (pull**2 - self.scales**-2)).sum(axis=-1))

    def outside(self, levels: Array) -> Array:
        """P(log p(X) <= level) for levels (n,): what lies below the first interval, in the gaps and above the last."""
        left, right = self.basins(levels)
        gaps = self.below(left[:, 1:]) - self.below(right[:, :-1])
        return np.asarray(self.below(left[:, 0]) + np.maximum(gaps, 0).sum(axis=1) + self.above(right[:, -1]))

    def basins(self, levels: Array) -> tuple[Array, Array]:
        """Ends of the interval about each mode where the density is above each level, both (n, M).

        Intervals that touch, at the antimode between them, are one; where a mode is below the level both ends are at the mode.
        """
        modes, antimodes = self.turning_points
        levels = np.maximum(levels, LOWEST)[:, None]
        # beyond these distances each normal is below the level, and so is their mean
        heights = -np.log(self.scales) - LOG_ROOT_2PI
        reach = self.scales * np.sqrt(2 * (np.maximum(heights - levels, 0) + 1))
        first, last = (self.means - reach).min(axis=1), (self.means + reach).max(axis=1)
        between = np.broadcast_to(antimodes, (len(levels), len(antimodes)))
        left = self._crossings(np.column_stack([first, between]), modes, levels)
        right = self._crossings(np.column_stack([between, last]), modes, levels)
        return left, right

    def _crossings(self, edges: Array, modes: Array, levels: Array) -> Array:
        """Where the density, monotone from edges (n, M) to modes (M,), passes levels (n, 1)."""
        modes, levels = np.broadcast_to(modes, edges.shape), np.broadcast_to(levels, edges.shape)
        is_above, is_low = self.log_density(edges) >= levels, self.log_density(modes) <= levels
        found = np.where(is_low, modes, edges)
        through = ~is_above & ~is_low
        ends = edges[through], modes[through]
        found[through] = self._roots(
            lambda x, level: self.log_density(x) - level, np.minimum(*ends), np.maximum(*ends), levels[through]
        )
        return found

    def _roots(self, function: Callable[..., Array], low: Array, high: Array, *arguments: Array) -> Array:
        """The root of a function in each bracket."""
        return roots(function, low, high, arguments, float(self.scales.min()))


def turning_points(log_weights: Array, means: Array, scales: Array) -> list[tuple[Array, Array]]:
    """Modes (M,), and the antimodes (M - 1,) between them, of each of many lines with parameters (S, K).

    All lie between the least and the largest mean. A mode and an antimode too close for the grid to part have a zero of the
    second derivative between them, so that these are sought first and join the grid.
    """
    smallest = float(scales.min())

    def zeros(function: Callable[[Line, Array], Array], x: Array, whose: Whose) -> tuple[Array, Whose]:
        """Where a function changes its sign on sorted points of each line, and whose line it is."""

        def of_points(x: Array, s: Whose) -> Array:
            return function(Line(log_weights[s], means[s], scales[s]), x)

        signs = np.sign(of_points(x, whose))
        x, whose, signs = x[signs != 0], whose[signs != 0], signs[signs != 0]
        change = np.flatnonzero((signs[1:] != signs[:-1]) & (whose[1:] == whose[:-1]))
        return roots(of_points, x[change], x[change + 1], (whose[change],), smallest), whose[change]

    grid = np.sort((means[..., None] + scales[..., None] * STEPS).reshape(len(means), -1), axis=1)
    x, whose = grid.ravel(), np.repeat(np.arange(len(means)), grid.shape[1])
    inflections, of = zeros(Line.bend, x, whose)
    x, whose = np.append(x, inflections), np.append(whose, of)
    order = np.lexsort([x, whose])
    turning, whose = zeros(Line.slope, x[order], whose[order])
    ends = np.searchsorted(whose, np.arange(len(means) + 1))
    return [(turning[first:last:2], turning[first + 1 : last : 2]) for first, last in pairwise(ends)]


def roots(function: Callable[..., Array], low: Array, high: Array, arguments: tuple[NDArray[Any], ...], smallest: float) -> Array:
    """The root of a function in each bracket, as near as a share of the smallest scale or to the last digit."""
    if not low.size:
        return np.empty(0)
    root = elementwise.find_root(
        function,
        (low, high),
        args=arguments,
        tolerances={"xatol": FOUND * smallest, "xrtol": 4 * float(np.finfo(np.float64).eps)},
    )
    return np.asarray(root.x)
