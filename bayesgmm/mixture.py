"""Mixture: the parameters of a Gaussian mixture, frozen, and what can be said about data at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import Structure, find_structure
from bayesgmm.observations import Observations
from bayesgmm.statistics import SufficientStatistics
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.table import Table
from bayesgmm.validation import LARGEST_VALUE, finite_array, integer_array, positive_definite, positive_integer, told


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""A Gaussian mixture :math:`p(x) = \sum_k w_k\,\mathcal N(x;\mu_k,\Sigma_k)`.

    Inside the package parameters are trusted; from outside come :meth:`from_parameters`.

    Attributes
    ----------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)
        Always expanded, whatever the structure.
    structure : Structure
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    structure: Structure

    def __post_init__(self) -> None:
        for array in (self.weights, self.means, self.covariances):
            array.flags.writeable = False

    @classmethod
    def from_parameters(cls, weights: Any, means: Any, covariances: Any, covariance: str = "full") -> Self:
        """Build a mixture from parameters that are checked.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Non-negative, summing to one.
        means : array-like of shape (n_components, n_features)
        covariances : array-like of shape (n_components, n_features, n_features)
            Symmetric positive definite, of the structure named.
        covariance : str
            Name of the covariance structure.

        Raises
        ------
        ValueError
            If shapes disagree, weights do not sum to one, or a matrix is not positive definite or not of the structure.

        Examples
        --------
        >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])
        >>> m.log_density([[0.0]]).round(4)
        array([-1.601])
        """
        structure = find_structure(covariance)
        means = finite_array(means, "means", most=LARGEST_VALUE)
        if means.ndim != 2 or 0 in means.shape:
            raise ValueError(f"means must have shape (n_components, n_features), got {means.shape}.")
        n_components, n_features = means.shape
        weights = finite_array(weights, "weights", (n_components,))
        if (weights < 0).any() or abs(weights.sum() - 1) > 1e-8:
            raise ValueError(
                f"weights must be at least 0 and sum to 1; they are {told(weights.tolist())} and sum to {weights.sum():.10g}."
            )
        matrices = positive_definite(covariances, "covariances", (n_components, n_features, n_features))
        tied = structure.tied(matrices)
        if not np.allclose(tied, matrices, rtol=1e-8, atol=1e-8 * np.abs(matrices).max()):
            raise ValueError(
                f"covariances do not have the structure {structure.code}; name the one they have ('full' always fits)."
            )
        return cls(weights / weights.sum(), means, tied.copy(), structure)

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def n_features(self) -> int:
        """d."""
        return int(self.means.shape[1])

    @cached_property
    def precision_factors(self) -> NDArray[np.float64]:
        """Lower triangular L_k with P_k = L_k L_k' (K, d, d), or for diagonal structures sqrt(diag P_k) (K, d)."""
        if self.structure.is_diagonal:
            return np.asarray(1.0 / np.sqrt(np.diagonal(self.covariances, axis1=-2, axis2=-1)))
        return precision_factors(self.covariances)

    @cached_property
    def _kernel_arguments(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        with np.errstate(divide="ignore"):  # a weight of zero is a component that nobody comes from
            log_weights = np.log(self.weights)
        return kernels.log_constants(log_weights, self.precision_factors), self.means, self.precision_factors

    def expected_statistics(self, observations: Observations) -> SufficientStatistics:
        """The E-step: expected counts, sums and scatter about the means, and the log-likelihood, in one pass."""
        log_likelihood, counts, sums, scatter = kernels.threaded_statistics(
            observations.values, observations.weights, *self._kernel_arguments
        )
        return SufficientStatistics(counts, sums, scatter, self.means, log_likelihood)

    def log_density(self, X: Any) -> NDArray[np.float64]:
        r"""Log density of each observation, :math:`\log p(x_i)`.

        Parameters
        ----------
        X : array-like of shape (n_observations, n_features)
            Data, in the units used for fitting.

        Returns
        -------
        ndarray of shape (n_observations,)

        Raises
        ------
        ValueError
            If ``X`` is not finite or has another number of features than the mixture.
        """
        return np.asarray(kernels.log_density(self._points(X), *self._kernel_arguments))

    def responsibilities(self, X: Any) -> NDArray[np.float64]:
        r"""Posterior probability that each observation came from each component.

        .. math:: r_{ik} = w_k\,\mathcal N(x_i;\mu_k,\Sigma_k) \,/\, \sum_l w_l\,\mathcal N(x_i;\mu_l,\Sigma_l)

        Parameters
        ----------
        X : array-like of shape (n_observations, n_features)
            Data, in the units used for fitting.

        Returns
        -------
        ndarray of shape (n_observations, n_components)
            Rows sum to one.

        Raises
        ------
        ValueError
            If ``X`` is not finite or has another number of features than the mixture.
        """
        return np.asarray(kernels.responsibilities(self._points(X), *self._kernel_arguments))

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Most probable component of each observation, shape (n_observations,)."""
        return np.asarray(self.responsibilities(X).argmax(axis=1))

    def sample(self, n: int, seed: Seed = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draw observations.

        Parameters
        ----------
        n : int
            How many.
        seed : int, SeedSequence or Generator

        Returns
        -------
        X : ndarray of shape (n, n_features)
        labels : ndarray of shape (n,)
            The component that each came from.
        """
        rng = stream(seed_sequence(seed), Use.SAMPLE)
        labels = rng.choice(self.n_components, size=positive_integer(n, "n"), p=self.weights)
        noise = rng.standard_normal((len(labels), self.n_features))
        roots = np.linalg.cholesky(self.covariances)
        return self.means[labels] + np.einsum("nij,nj->ni", roots[labels], noise), labels

    def permuted(self, order: Sequence[int] | NDArray[np.int64]) -> "Mixture":
        """The same mixture with component ``order[k]`` in place k; ``order`` holds each of 0..K-1 once."""
        index = integer_array(order, "order", (self.n_components,))
        if not np.array_equal(np.sort(index), np.arange(self.n_components)):
            raise ValueError(f"order must hold each of 0..{self.n_components - 1} once, got {told(order)}.")
        return Mixture(self.weights[index], self.means[index], self.covariances[index], self.structure)

    def marginal(self, features: Sequence[int]) -> "Mixture":
        """The distribution of these features alone, in this order: the mixture of the components' marginals."""
        index = integer_array(features, "features", (len(features),)).tolist()
        if not index or len(set(index)) < len(index) or not set(index) <= set(range(self.n_features)):
            raise ValueError(f"features must be some of 0..{self.n_features - 1}, each once, got {told(features)}.")
        return Mixture(self.weights, self.means[:, index], self.covariances[:, index][:, :, index], self.structure)

    def _points(self, X: Any) -> NDArray[np.float64]:
        values = X.values if isinstance(X, Observations) else Table.of(X).values
        if values.shape[1] != self.n_features:
            is_row = values.shape == (self.n_features, 1)
            cure = "one row of them is X.reshape(1, -1)" if is_row else "give the columns that it was fitted to"
            raise ValueError(f"The data have {values.shape[1]} features, the mixture has {self.n_features}: {cure}.")
        return values


def precision_factors(covariances: NDArray[Any]) -> NDArray[np.float64]:
    """Lower triangular L with Sigma^-1 = L L', for matrices (..., d, d).

    The Cholesky factor of the matrix with rows and columns reversed gives Sigma = U U' with U upper triangular, and L = U^-T:
    no inverse of Sigma is formed.
    """
    reversed_root = np.linalg.cholesky(covariances[..., ::-1, ::-1])
    upper = reversed_root[..., ::-1, ::-1]
    return np.ascontiguousarray(np.swapaxes(np.linalg.inv(upper), -1, -2))
