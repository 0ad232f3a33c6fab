"""SufficientStatistics: all that the data say about a Gaussian mixture at given parameters. They add."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
        shift = self.sums / self.counts[:, None]
        scatter = self.scatter - _outer(self, self.sums, shift)
        means, nothing = self.reference + shift, np.zeros(shift.shape)
        return SufficientStatistics(self.counts, nothing, scatter, means, self.log_likelihood, self.noise_count)

    def about(self, reference: NDArray[Any]) -> "SufficientStatistics":
        """The same statistics about another reference, by the algebraic identity."""
        shift = self.reference - reference
        scatter = self.scatter + _outer(self, self.sums, shift) + _outer(self, shift, self.sums)
        scatter += _outer(self, self.counts[:, None] * shift, shift)
        sums = self.sums + self.counts[:, None] * shift
        return replace(self, sums=sums, scatter=scatter, reference=np.array(reference))

    def completed(self, features: tuple[int, ...], means: NDArray[Any], covariances: NDArray[Any]) -> "SufficientStatistics":
        r"""Statistics of all features from those of some, the others at their conditional moments: the E-step of missing cells.

        With :math:`B = \Sigma_{mo}\Sigma_{oo}^{-1}`, about the means,

        .. math:: s_m = B s_o,\quad S_{mo} = B S_{oo},\quad
                  S_{mm} = B S_{oo} B' + n\,(\Sigma_{mm} - B \Sigma_{om}).

        Parameters
        ----------
        features : tuple of int
            The observed ones, o, in the order of these statistics.
        means : ndarray of shape (n_components, n_features)
        covariances : ndarray of shape (n_components, n_features, n_features)

        References
        ----------
        Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, NIPS 6.
        """
        k, d = means.shape
        seen, hidden = list(features), [j for j in range(d) if j not in features]
        sums = np.zeros((k, d))
        sums[:, seen] = self.sums
        if self.is_diagonal:
            scatter = np.zeros((k, d))
            scatter[:, seen] = self.scatter
            scatter[:, hidden] = self.counts[:, None] * np.diagonal(covariances, axis1=1, axis2=2)[:, hidden]
            return replace(self, sums=sums, scatter=scatter, reference=np.array(means))
        joint = covariances[:, seen][:, :, hidden]
        slopes = np.swapaxes(np.linalg.solve(covariances[:, seen][:, :, seen], joint), 1, 2)
        sums[:, hidden] = (slopes @ self.sums[:, :, None])[..., 0]
        left = covariances[:, hidden][:, :, hidden] - slopes @ joint
        both = np.concatenate([np.broadcast_to(np.eye(len(seen)), (k, len(seen), len(seen))), slopes], axis=1)
        scatter, order = np.zeros((k, d, d)), [*seen, *hidden]
        scatter[np.ix_(range(k), order, order)] = both @ self.scatter @ np.swapaxes(both, 1, 2)
        scatter[np.ix_(range(k), hidden, hidden)] += self.counts[:, None, None] * left
        return replace(self, sums=sums, scatter=scatter, reference=np.array(means))

    def placed(self, component: int, n_components: int, reference: NDArray[Any]) -> "SufficientStatistics":
        """Statistics of one component among others of which no row was counted."""
        counts, sums = np.zeros(n_components), np.zeros((n_components, self.sums.shape[1]))
        scatter = np.zeros((n_components, *self.scatter.shape[1:]))
        counts[component], sums[component], scatter[component] = self.counts[0], self.sums[0], self.scatter[0]
        return replace(self, counts=counts, sums=sums, scatter=scatter, reference=reference)

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
