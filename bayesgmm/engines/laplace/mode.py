"""Modes of a posterior density in coordinates without bounds, and the normal density with the height and curvature of each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from bayesgmm.climb import HORIZON, PACE
from bayesgmm.coordinates import Target

type Array = NDArray[np.float64]

NEAR = 1e-3  # slope, in units of the spread, from which Newton's steps go on
MOST_ITERATIONS = 1000
MOST_STEPS, AT_REST = 30, 1e-12  # Newton's, and the gain to come, in nats, at which they end
STEP = 1e-2  # of differences of the gradient, in units of the spread: what is left out is a share of STEP^2 / n_k
LEAST_CURVATURE = 1e-4  # in units of the spread: a flat direction reaches a hundred times as far, and importance weights see it


@dataclass(frozen=True, eq=False)
class Mode:
    """A mode and the normal density there.

    Attributes
    ----------
    location : ndarray of shape (p,)
    root : ndarray of shape (p, p)
        R, lower triangular, with R R' the covariance: minus the inverse of the log density's Hessian.
    height : float
        Log density, not normalised.
    """

    location: Array
    root: Array
    height: float

    @property
    def log_scale(self) -> float:
        """Log of the normal density's height, with the sign turned."""
        return float(np.log(self.root.diagonal()).sum() + 0.5 * len(self.location) * np.log(2 * np.pi))

    @property
    def log_mass(self) -> float:
        """Log of the integral of what is as high and as curved as the density here: Laplace's approximation of its mass."""
        return self.height + self.log_scale


def climb(target: Target, start: Array, to_beat: float = -np.inf) -> tuple[Array, float]:
    """Where a climb by BFGS from a vector (p,) ends, near a mode, and the log density there.

    It is given up once it is plain that ``to_beat`` will not be reached.
    """
    heights: list[float] = []
    spreads, (height, _) = target.spreads(start), _at(target, start)
    if height == -np.inf:
        return start, height

    def fall(steps: Array) -> tuple[float, Array]:
        value, gradient = _at(target, start + spreads * steps)
        return height - value, -gradient * spreads

    def look(intermediate_result: OptimizeResult) -> None:
        heights.append(height - float(intermediate_result.fun))
        if len(heights) > PACE and heights[-1] + HORIZON * (heights[-1] - heights[-1 - PACE]) < to_beat:
            raise StopIteration

    found = minimize(
        fall,
        np.zeros(start.shape),
        method="BFGS",
        jac=True,
        callback=look,
        options={"gtol": NEAR, "maxiter": MOST_ITERATIONS},
    )
    return start + spreads * found.x, height - float(found.fun)


def mode_near(target: Target, place: Array) -> Mode:
    """The mode that Newton's steps from a place (p,) near it lead to, with the curvature at that place."""
    spreads, curvature = target.spreads(place), np.empty((len(place), len(place)))
    for row, gradients in zip(curvature, _gradients_around(target, place, STEP * spreads), strict=True):
        row[:] = (gradients[0] - gradients[1]) * spreads / (2 * STEP)
    sizes, axes = np.linalg.eigh(0.5 * (curvature + curvature.T))
    covariance = axes / np.maximum(sizes, LEAST_CURVATURE) @ axes.T
    location, height = _by_newton(target, place, spreads, covariance)
    return Mode(location, spreads[:, None] * np.linalg.cholesky(0.5 * (covariance + covariance.T)), height)


def _gradients_around(target: Target, place: Array, steps: Array) -> Iterator[tuple[Array, Array]]:
    """Behind and ahead along each coordinate: two passes over the data for a row of the Hessian."""
    for move in np.diag(steps):
        yield target.log_density_and_gradient(place - move)[1], target.log_density_and_gradient(place + move)[1]


def _by_newton(target: Target, place: Array, spreads: Array, covariance: Array) -> tuple[Array, float]:
    """Steps by a covariance, in units of the spreads, until nothing is to be gained; halved where the density falls."""
    (height, gradient), share = _at(target, place), 1.0
    for _ in range(MOST_STEPS):
        step = covariance @ (gradient * spreads)
        if not step @ (gradient * spreads) / 2 > AT_REST:
            break
        ahead = place + share * spreads * step
        value, slope = _at(target, ahead)
        if value >= height - target.observations.rounding * abs(height):
            place, height, gradient, share = ahead, value, slope, 1.0
        else:
            share /= 2
    return place, height


def _at(target: Target, flat: Array) -> tuple[float, Array]:
    """The log density and its gradient; minus infinity, and level, where it is beyond double precision."""
    with np.errstate(all="ignore"):
        try:
            value, gradient = target.log_density_and_gradient(flat)
        except np.linalg.LinAlgError:
            return -np.inf, np.zeros_like(flat)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        return -np.inf, np.zeros_like(flat)
    return value, gradient
