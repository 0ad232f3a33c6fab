"""The posterior density of a mixture in coordinates without bounds, its gradient, and how far it reaches at a point."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from bayesgmm.coordinates.points import Coordinates, Points
from bayesgmm.covariance import standardised
from bayesgmm.draws import Draws
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.statistics import SufficientStatistics
from bayesgmm.validation import CORRELATION_ROUNDING

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Target:
    """The posterior density, not normalised, of a specification and data, with the nuisance variables integrated out.

    Attributes
    ----------
    specification : Specification
    observations : Observations
    """

    specification: Specification
    observations: Observations

    @cached_property
    def coordinates(self) -> Coordinates:
        """Those in which it is a density."""
        return Coordinates(self.specification.structure, self.specification.n_components, self.observations.n_features)

    def log_prior(self, points: Points) -> Array:
        """Log prior density in the coordinates, over one order of the components, with the nuisance variables integrated out."""
        draws, prior = self.coordinates.draws(points), self.specification.required_prior
        structure = self.specification.structure
        return np.asarray(
            prior.weights.log_density(draws.weights[0])
            + prior.means.log_density(draws.means[0], draws.covariances[0])
            + prior.covariances.marginal_log_density(structure, draws.covariances[0])
            + prior.covariances.log_volume(structure, draws.covariances[0])
            + self.coordinates.log_volume(points)
            + gammaln(self.specification.n_components + 1)  # over one order of them
        )

    def vector(self, mixture: Mixture) -> Array:
        """The vector (p,) of a mixture."""
        weights, means, covariances = (part[None, None] for part in (mixture.weights, mixture.means, mixture.covariances))
        (flat,) = self.coordinates.flat(self.coordinates.points(Draws(weights, means, covariances, mixture.structure)))
        return np.asarray(flat)

    def mixture(self, flat: Array) -> Mixture:
        """The mixture at a vector (p,)."""
        return self.coordinates.draws(self.coordinates.points_of(flat[None])).mixture(0, 0)

    def log_density_and_gradient(self, flat: Array) -> tuple[float, Array]:
        r"""Log density and its gradient at a vector (p,), from one pass over the data.

        By Fisher's identity the gradient of the log-likelihood is the expected complete-data gradient, a function of the expected
        statistics; and that of a hierarchical prior the one given its nuisance variables, at their mean given the precisions.
        Exact under priors of precisions.
        """
        points, mixture = self.coordinates.points_of(flat[None]), self.mixture(flat)
        statistics = mixture.expected_statistics(self.observations)
        structure, prior = self.specification.structure, self.specification.required_prior
        by_log_weights = statistics.counts - statistics.counts.sum() * mixture.weights + prior.weights.gradient(mixture.weights)
        by_means = _pulls(mixture, statistics.sums) + prior.means.gradient(mixture.means, mixture.covariances)
        of_rows = _by_precisions(mixture, prior.means.join(statistics))
        by_precisions = of_rows + prior.precisions.gradient(structure, mixture.covariances)
        gradient = self.coordinates.gradient(points, by_log_weights[None], by_means[None], by_precisions[None])
        gradient = gradient + self.coordinates.log_volume_gradient(points)
        return float(statistics.log_likelihood + self.log_prior(points)[0]), gradient[0]

    def log_likelihood(self, draws: Draws) -> Array:
        """Of all rows at each draw, shape (n_chains, n_draws), in one reading of rows that are not in memory."""
        return self.observations.reduced(partial(_log_likelihood, draws))

    def log_likelihood_and_prior(self, flat: Array) -> tuple[Array, Array]:
        """Log-likelihood and log prior density at vectors (n, p), two arrays (n,); minus infinity beyond double precision."""
        found = np.full((2, len(flat)), -np.inf)
        with np.errstate(all="ignore"):
            points = self.coordinates.points_of(flat)
            draws = self.coordinates.draws(points)
            inside = np.flatnonzero(_are_proper(draws.covariances[0]))
            if len(inside):
                within = Points(points.own[inside], points.shared[inside])
                found[0, inside] = self.log_likelihood(self.coordinates.draws(within))[0]
                found[1, inside] = self.log_prior(within)
        found[:, ~np.isfinite(found).all(axis=0)] = -np.inf
        return found[0], found[1]

    def spreads(self, flat: Array) -> Array:
        """About the posterior standard deviation of each coordinate if allocations were known, one more row each: shape (p,)."""
        mixture = self.mixture(flat)
        return self.coordinates.spreads(mixture, mixture.weights * self.observations.total_weight + 1)


def _log_likelihood(draws: Draws, part: Observations) -> Array:
    return draws.log_likelihood(part.values)


def _are_proper(covariances: Array) -> NDArray[np.bool_]:
    """Of matrices (n, K, d, d): whether all K are positive definite in double precision."""
    scales, correlations = standardised(covariances)
    finite = (np.isfinite(scales) & (scales > 0)).all(axis=(1, 2)) & np.isfinite(correlations).all(axis=(1, 2, 3))
    d = covariances.shape[-1]
    least = np.linalg.eigvalsh(np.where(finite[:, None, None, None], correlations, np.eye(d))).min(axis=(1, 2))
    return np.asarray(finite & (least > d * CORRELATION_ROUNDING))


def _pulls(mixture: Mixture, sums: Array) -> Array:
    """P_k s_k, shape (K, d)."""
    roots = mixture.precision_factors
    if mixture.structure.is_diagonal:
        return np.asarray(roots**2 * sums)
    return np.asarray((roots @ (np.swapaxes(roots, 1, 2) @ sums[..., None]))[..., 0])


def _by_precisions(mixture: Mixture, statistics: SufficientStatistics) -> Array:
    """Gradient of the expected log density by the distinct precisions in compact form, (n_k Sigma_k - S_k) / 2 for each."""
    block, d = mixture.structure.block, mixture.n_features
    covariances, scatter = block.compact(mixture.covariances), block.reduce(statistics.scatter)
    counts = block.multiplicity(d) * statistics.counts.reshape(-1, *[1] * (scatter.ndim - 1))
    gradient = 0.5 * (counts * covariances - scatter)
    return np.asarray(gradient.sum(axis=0, keepdims=True) if mixture.structure.is_shared else gradient)
