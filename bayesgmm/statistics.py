"""SufficientStatistics: all that the data say about a Gaussian mixture at given parameters. They add."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    r"""Weighted moments of each component about a reference.

    .. math:: n_k = \sum_i v_i r_{ik},\quad s_k = \sum_i v_i r_{ik}(x_i - c_k),\quad
              S_k = \sum_i v_i r_{ik}(x_i - c_k)(x_i - c_k)'

    Attributes
    ----------
    counts : ndarray of shape (n_components,)
    sums : ndarray of shape (n_components, n_features)
    scatter : ndarray of shape (n_components, n_features, n_features), or (n_components, n_features) for diagonals only
        Not centred: about the reference, not about the mean.
    reference : ndarray of shape (n_components, n_features)
        Usually the component's current mean, so that data far from zero lose no digits.
    log_likelihood : float
        Of the rows that were counted, at the parameters that gave the shares.
    noise_count : float
        Expected count of a noise component, of which nothing else is to be known.
    """

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    scatter: NDArray[np.float64]
    reference: NDArray[np.float64]
    log_likelihood: float = 0.0
    noise_count: float = 0.0

    @classmethod
    def of_rows(cls, reference: NDArray[Any], differences: NDArray[Any], diagonal: bool) -> "SufficientStatistics":
        """One row for each component, at ``reference + differences``."""
        products = differences**2 if diagonal else differences[:, :, None] * differences[:, None, :]
        return cls(np.ones(len(reference)), np.array(differences), products, np.array(reference))

    @property
    def is_diagonal(self) -> bool:
        """Whether only the diagonals of the scatter are kept."""
        return self.scatter.ndim == 2

    @property
    def means(self) -> NDArray[np.float64]:
        """Weighted means, shape (n_components, n_features); every count must be positive."""
        return np.asarray(self.reference + self.sums / self.counts[:, None])

    def centred(self) -> "SufficientStatistics":
        """The same statistics about the means; every count must be positive."""
        means, scatter = kernels.centred(self.counts, self.sums, self.scatter, self.reference)
        return SufficientStatistics(self.counts, np.zeros(means.shape), scatter, means, self.log_likelihood, self.noise_count)

    def about(self, reference: NDArray[Any]) -> "SufficientStatistics":
        """The same statistics about another reference, by the algebraic identity."""
        shift = self.reference - reference
        scatter = self.scatter + _outer(self, self.sums, shift) + _outer(self, shift, self.sums)
        scatter += _outer(self, self.counts[:, None] * shift, shift)
        sums = self.sums + self.counts[:, None] * shift
        return replace(self, sums=sums, scatter=scatter, reference=np.array(reference))

    def scaled(self, factor: float) -> "SufficientStatistics":
        """Of rows that count so many times as much."""
        return SufficientStatistics(
            factor * self.counts,
            factor * self.sums,
            factor * self.scatter,
            self.reference,
            factor * self.log_likelihood,
            factor * self.noise_count,
        )

    def __add__(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Statistics of the union of two disjoint sets of rows, about the reference of the first."""
        if not isinstance(other, SufficientStatistics):
            return NotImplemented
        if not np.array_equal(self.reference, other.reference):
            other = other.about(self.reference)
        return SufficientStatistics(
            self.counts + other.counts,
            self.sums + other.sums,
            self.scatter + other.scatter,
            self.reference,
            self.log_likelihood + other.log_likelihood,
            self.noise_count + other.noise_count,
        )


def _outer(statistics: SufficientStatistics, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """left_k right_k' for each component, or its diagonal where only diagonals are kept."""
    return np.asarray(left * right if statistics.is_diagonal else left[:, :, None] * right[:, None, :])
