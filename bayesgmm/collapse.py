"""When a component has collapsed onto a point, a line or too few rows, where the likelihood has no bound."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import Structure, standardised
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.validation import CORRELATION_ROUNDING, LARGEST

COLLAPSED_SHARE = 1e-8  # smallest eigenvalue of S^-1 Sigma_k that is not a collapse, S the covariance of all rows
FLAT_SHARE = 1e-3  # the same for a component of few rows: a search over starts finds few rows that lie near a hyperplane
FLOOR = 1e-12  # the same of diag(1/R) Sigma_k diag(1/R), R the ranges: the boundary of the parameter space


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What the sizes of covariances are held against.

    Attributes
    ----------
    ranges : ndarray of shape (n_features,)
    variances : ndarray of shape (n_features,)
    relative : ndarray of shape (n_features, n_features) or None
        S, the covariance of all rows, in units of the ranges; None where it is singular.
    """

    ranges: NDArray[np.float64]
    variances: NDArray[np.float64]
    relative: NDArray[np.float64] | None

    @classmethod
    def of(cls, observations: Observations) -> "Yardstick":
        """Measure the data once."""
        ranges, covariance = observations.ranges, observations.covariance
        relative = covariance / np.outer(ranges, ranges)
        singular = np.linalg.eigvalsh(relative)[0] < 1e3 * FLOOR
        return cls(ranges, covariance.diagonal().copy(), None if singular else relative)

    @cached_property
    def _inverted(self) -> tuple[NDArray[np.float64], float]:
        """The inverse of S in units of the ranges, and the log determinant of S; an empty one where it is singular."""
        if self.relative is None:
            return np.empty((0, 0)), 0.0
        return np.asarray(np.linalg.inv(self.relative)), float(np.linalg.slogdet(self.relative)[1])

    def ridge(self, structure: Structure) -> NDArray[np.float64]:
        """The data's variances as a covariance that the structure allows."""
        return structure.block.expand(structure.block.compact(np.diag(self.variances)), len(self.variances))

    def collapse(self, covariances: NDArray[np.float64], few: NDArray[np.bool_] | None = None) -> str:
        """Why a component counts as collapsed, or nothing; ``few`` marks components of few rows, which must be rounder."""
        few = np.zeros(len(covariances), bool) if few is None else few
        matrices, bounds = np.ascontiguousarray(covariances), (FLOOR, CORRELATION_ROUNDING * len(self.ranges))
        if kernels.are_round(matrices, self.ranges, LARGEST, *self._inverted, *bounds, COLLAPSED_SHARE, FLAT_SHARE, few):
            return ""
        least = np.where(few, FLAT_SHARE, COLLAPSED_SHARE)
        with np.errstate(over="ignore"):  # one variance may serve features whose ranges differ by any factor
            return self._reason(np.clip(covariances / np.outer(self.ranges, self.ranges), -LARGEST, LARGEST), least)

    def _reason(self, relative: NDArray[np.float64], least: NDArray[np.float64]) -> str:
        """The same by eigenvalues."""
        endless = ~np.isfinite(relative).all(axis=(1, 2))
        if endless.any():
            return f"Component {int(endless.argmax())} collapsed: its covariance is beyond double precision."
        smallest = np.linalg.eigvalsh(relative)[:, 0]
        k = int(smallest.argmin())
        if not smallest[k] > FLOOR:
            return f"Component {k} collapsed: its smallest eigenvalue is {smallest[k]:.1e} of the squared range."
        scales, correlations = standardised(relative)
        smallest = np.linalg.eigvalsh(correlations)[:, 0]
        k = int(smallest.argmin())
        if not smallest[k] > CORRELATION_ROUNDING * len(self.ranges):
            return f"Component {k} collapsed: the smallest eigenvalue of its correlations is {smallest[k]:.1e}."
        if self.relative is None:
            return ""
        # by the largest of Sigma^-1 S, in which a feature with too large a variance is nothing and not a rounding error of all
        roots = np.linalg.cholesky(correlations)
        half = np.linalg.solve(roots, self.relative / scales[:, :, None] / scales[:, None, :])
        smallest = 1 / np.linalg.eigvalsh(np.linalg.solve(roots, np.swapaxes(half, -1, -2)))[:, -1]
        k = int((smallest / least).argmin())
        if smallest[k] > least[k]:
            return ""
        rows = " on few rows" if least[k] == FLAT_SHARE else ""
        return f"Component {k} collapsed{rows}: its smallest eigenvalue is {smallest[k]:.1e} of the data's covariance."


def too_few(specification: Specification, counts: NDArray[np.float64], n_features: int) -> str:
    """Why the effective counts mean a collapse, or nothing. A prior keeps empty components in being."""
    if specification.prior is not None:
        return ""
    k, least = int(counts.argmin()), specification.structure.least_count(n_features)
    if counts[k] > least:
        return ""
    return f"Component {k} collapsed: it holds {counts[k]:.2g} observations and needs more than {least:g}."
