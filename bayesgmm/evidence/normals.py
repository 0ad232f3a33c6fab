"""What the posterior density of a mixture is bridged with: normal densities near it, over one order of its components."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesgmm.coordinates import Points, Target
from bayesgmm.covariance import find_structure, standardised
from bayesgmm.draws import Draws
from bayesgmm.em import ConvergenceWarning, fit_em
from bayesgmm.evidence.bridge import Bridge, bridge
from bayesgmm.labels import Places, best_orders
from bayesgmm.mixture import Mixture
from bayesgmm.observations import DataWarning
from bayesgmm.specification import Specification

type Array = NDArray[np.float64]

PROPOSALS = 2  # for each draw
MOST_NORMALS = 5
ROWS_A_PARAMETER = 10  # draws for each parameter of several normals


def bridged(target: Target, fitted: Draws, held: Draws, log_likelihood: Array, rng: np.random.Generator) -> Bridge:
    """The log evidence, by normals fitted to some relabelled draws and a bridge to others, of known log-likelihood."""
    coordinates = target.coordinates
    points, others = coordinates.points(fitted), coordinates.points(held)
    places = Places.of(points.own)
    points, others = (Points(_ordered(p.own, order(places, p)), p.shared) for p in (points, others))
    normals = Normals.near(coordinates.flat(points), rng)
    log_ratios = log_likelihood.ravel() + target.log_prior(others) - normals.log_density(coordinates.flat(others))
    proposed = normals.sample(PROPOSALS * log_ratios.size, rng)
    of_proposed = coordinates.points_of(proposed)
    inside = np.flatnonzero((order(places, of_proposed) == np.arange(fitted.n_components)).all(axis=1))
    inside = inside[_are_proper(coordinates.draws(_some(of_proposed, inside)).covariances[0])]
    if not len(inside):
        raise ValueError(
            f"No evidence: of {len(proposed)} proposals none is a mixture that has its {fitted.n_components} components in one "
            "order. Use more draws, or fewer components."
        )
    kept = _some(of_proposed, inside)
    log_ratios_proposed = np.full(len(proposed), -np.inf)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        density = target.log_likelihood(coordinates.draws(kept))[0] + target.log_prior(kept)
    log_ratios_proposed[inside] = np.where(np.isfinite(density), density, -np.inf) - normals.log_density(proposed[inside])
    return bridge(log_ratios.reshape(log_likelihood.shape), log_ratios_proposed)


def _some(points: Points, rows: NDArray[np.int64]) -> Points:
    return Points(points.own[rows], points.shared[rows])


def _are_proper(covariances: Array) -> NDArray[np.bool_]:
    """Which sets of covariances (n, K, d, d) have an inverse in double precision: what has none has no density to speak of."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _, correlations = standardised(covariances)
    finite = np.isfinite(correlations).all(axis=(1, 2, 3))
    least = np.full(len(covariances), -1.0)
    least[finite] = np.linalg.eigvalsh(correlations[finite])[..., 0].min(axis=1)
    return np.asarray(least > correlations.shape[-1] * np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Normals:
    """A mixture of normal densities, in units of their own.

    Attributes
    ----------
    location, scale : ndarray of shape (p,)
    mixture : Mixture
        Of ``(x - location) / scale``.
    """

    location: Array
    scale: Array
    mixture: Mixture

    @classmethod
    def near(cls, rows: Array, rng: np.random.Generator) -> "Normals":
        """As many normals as BIC asks for, where rows are enough for more than one."""
        location, scale = rows.mean(axis=0), rows.std(axis=0)
        standard, p = (rows - location) / scale, rows.shape[1]
        fits = [_one_normal(standard)]
        bics = [_bic(fits[0], standard, p)]
        for k in range(2, MOST_NORMALS + 1):
            if len(rows) < ROWS_A_PARAMETER * Specification(k, "VVV").n_parameters(p):
                break
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                warnings.simplefilter("ignore", DataWarning)
                em = fit_em(standard, k, n_init=3, tolerance=1e-2, max_iterations=200, seed=rng)
            if not np.isfinite(em.bic):
                break
            fits.append(em.mixture)
            bics.append(em.bic)
            if em.bic > bics[-2]:
                break
        return cls(location, scale, fits[int(np.argmin(bics))])

    def log_density(self, x: Array) -> Array:
        """Log density of rows, shape (n,)."""
        return np.asarray(self.mixture.log_density((x - self.location) / self.scale) - np.log(self.scale).sum())

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw rows (n, p)."""
        return np.asarray(self.location + self.scale * self.mixture.sample(n, seed=rng)[0])


def order(places: Places, points: Points) -> NDArray[np.int64]:
    """The order that brings each component nearest to its own place, in the place's own units, shape (n, K)."""
    return best_orders(-places.unlikelihood(points.own))


def _ordered(own: Array, order: NDArray[np.int64]) -> Array:
    return np.take_along_axis(own, order[..., None], axis=1)


def _one_normal(rows: Array) -> Mixture:
    """One normal density; where rows are few beside their length, correlations are taken to be smaller than they seem."""
    n, p = rows.shape
    covariance = np.cov(rows, rowvar=False, bias=True).reshape(1, p, p)
    covariance[0] *= 1 - min(1.0, p / n) * (1 - np.eye(p))
    return Mixture(np.ones(1), rows.mean(axis=0)[None], covariance, find_structure("VVV"))


def _bic(mixture: Mixture, rows: Array, p: int) -> float:
    return float(-2 * mixture.log_density(rows).sum() + Specification(1, "VVV").n_parameters(p) * np.log(len(rows)))
