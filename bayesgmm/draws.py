"""Draws: the parameters of mixtures drawn from a posterior, as arrays, and what the data say at each draw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import Structure
from bayesgmm.mixture import Mixture, precision_factors

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Draws:
    """Mixture parameters of every draw.

    Attributes
    ----------
    weights : ndarray of shape (n_chains, n_draws, n_components)
    means : ndarray of shape (n_chains, n_draws, n_components, n_features)
    covariances : ndarray of shape (n_chains, n_draws, n_components, n_features, n_features)
    structure : Structure
    """

    weights: Array
    means: Array
    covariances: Array
    structure: Structure

    @property
    def shape(self) -> tuple[int, int]:
        """(n_chains, n_draws)."""
        return self.weights.shape[0], self.weights.shape[1]

    @property
    def n_components(self) -> int:
        """K."""
        return int(self.weights.shape[2])

    def permuted(self, permutation: NDArray[np.int64]) -> "Draws":
        """Component ``permutation[c, s, k]`` of each draw moved to place k."""
        index = np.asarray(permutation)
        return replace(
            self,
            weights=np.take_along_axis(self.weights, index, axis=2),
            means=np.take_along_axis(self.means, index[..., None], axis=2),
            covariances=np.take_along_axis(self.covariances, index[..., None, None], axis=2),
        )

    def marginal(self, features: Sequence[int]) -> "Draws":
        """The draws of these features alone."""
        index = list(features)
        return replace(self, means=self.means[..., index], covariances=self.covariances[..., index, :][..., index])

    def component(self, k: int) -> "Draws":
        """One component alone, with its weight: its density integrates to the weight."""
        one = slice(k, k + 1)
        return replace(
            self, weights=self.weights[:, :, one], means=self.means[:, :, one], covariances=self.covariances[:, :, one]
        )

    def at_most(self, n: int) -> "Draws":
        """About n draws or fewer, evenly spaced in every chain."""
        step = slice(None, None, -(-self.shape[0] * self.shape[1] // n))
        return replace(self, weights=self.weights[:, step], means=self.means[:, step], covariances=self.covariances[:, step])

    def mixture(self, chain: int, draw: int) -> Mixture:
        """One draw."""
        at = (chain, draw)
        return Mixture(self.weights[at].copy(), self.means[at].copy(), self.covariances[at].copy(), self.structure)

    def thinned(self, n: int) -> list[Mixture]:
        """About n draws, evenly spaced over all chains."""
        few = self.at_most(n)
        return [few.mixture(chain, draw) for chain in range(few.shape[0]) for draw in range(few.shape[1])]

    def log_density(self, values: Array) -> Array:
        """log p(x_i) at each draw, shape (n_chains, n_draws, n_observations)."""
        out = kernels.threaded_draws_log_density(values, *self._kernel_arguments)
        return np.asarray(out.reshape(*self.shape, len(values)))

    def agreement(self, values: Array, labels: NDArray[np.int64]) -> Array:
        """Expected number of rows in component k and with label g, shape (n_chains, n_draws, K, K)."""
        out = kernels.draws_agreement(values, *self._kernel_arguments, labels)
        return np.asarray(out.reshape(*self.shape, self.n_components, self.n_components))

    def filled(self, values: Array) -> Array:
        """Expected number of components that some row comes from, shape (n_chains, n_draws)."""
        return np.asarray(kernels.draws_filled(values, *self._kernel_arguments).reshape(self.shape))

    def together(self, pair: Array) -> Array:
        """Probability that two rows (2, d) come from the same component, shape (n_chains, n_draws)."""
        both = [self.agreement(pair, np.array([0, 1]))[..., g] for g in (0, 1)]
        return np.asarray((both[0] * both[1]).sum(axis=-1))

    def responsibilities(self, values: Array) -> tuple[Array, Array]:
        """Posterior mean and standard deviation of r_ik, two arrays (n_observations, n_components); relabel first."""
        mean, square = kernels.draws_responsibilities(values, *self._kernel_arguments)
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))

    @cached_property
    def _kernel_arguments(self) -> tuple[Array, Array, Array]:
        n_draws, k = self.shape[0] * self.shape[1], self.n_components
        means = np.ascontiguousarray(self.means.reshape(n_draws, k, -1))
        covariances = self.covariances.reshape(n_draws, k, means.shape[2], means.shape[2])
        factors: NDArray[Any]
        if self.structure.is_diagonal:
            factors = 1.0 / np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1))
        else:
            factors = precision_factors(covariances)
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights.reshape(n_draws, k))
        return kernels.log_constants(log_weights, factors), means, factors
