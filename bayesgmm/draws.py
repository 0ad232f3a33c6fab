"""Draws: the parameters of mixtures drawn from a posterior, as arrays, and what the data say at each draw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import Structure
from bayesgmm.mixture import Mixture, precision_factors

type Array = NDArray[np.float64]

BLOCK_VALUES = 2_000_000  # log densities computed at a time where only their sums are wanted


def blocks(n: int, size: int) -> Iterator[slice]:
    """Slices that go through n rows, each of which takes so many numbers, in blocks of :data:`BLOCK_VALUES`."""
    step = max(1, BLOCK_VALUES // size)
    for first in range(0, n, step):
        yield slice(first, min(first + step, n))


def equal_tailed(at_draws: Array, prob: float) -> Array:
    """Limits (2, ...) of the equal-tailed intervals of numbers (n_draws, ...)."""
    along = np.ascontiguousarray(np.moveaxis(at_draws, 0, -1))  # several times faster than down the columns
    return np.asarray(np.quantile(along, [(1 - prob) / 2, (1 + prob) / 2], axis=-1))


def most_draws_of_equal_length(lengths: Sequence[int]) -> tuple[list[int], int]:
    """Which chains of different lengths are kept, and how many draws of each, so that the most draws are.

    A chain that has hardly any is dropped, for keeping it would cut all others to its length.

    Examples
    --------
    >>> most_draws_of_equal_length([300, 280, 290, 0])
    ([0, 1, 2], 280)
    """
    longest = sorted(lengths, reverse=True)
    n_chains = max(range(1, len(lengths) + 1), key=lambda n: (n * longest[n - 1], n))
    n_draws = longest[n_chains - 1]
    return [chain for chain, length in enumerate(lengths) if length >= n_draws], n_draws


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

    def evenly(self, n: int) -> slice:
        """Which draws of each chain, evenly spaced, make n in all or fewer; of each chain one at least."""
        return slice(None, None, -(-self.shape[0] * self.shape[1] // n))

    def at_most(self, n: int) -> "Draws":
        """The draws of :meth:`evenly`."""
        return self.between(self.evenly(n))

    def between(self, some: slice) -> "Draws":
        """Some draws of each chain."""
        return replace(self, weights=self.weights[:, some], means=self.means[:, some], covariances=self.covariances[:, some])

    def mixture(self, chain: int, draw: int) -> Mixture:
        """One draw."""
        at = (chain, draw)
        return Mixture(self.weights[at].copy(), self.means[at].copy(), self.covariances[at].copy(), self.structure)

    def thinned(self, n: int) -> list[Mixture]:
        """About n draws, evenly spaced over all chains."""
        few = self.at_most(n)
        return [few.mixture(chain, draw) for chain in range(few.shape[0]) for draw in range(few.shape[1])]

    def quantities(self, names: Sequence[str]) -> dict[str, Array]:
        """Weights, means and the distinct entries of the covariances by name, each of the shape of the draws."""
        d, k_range = len(names), range(self.n_components)
        weights = {f"weights[{k}]": self.weights[..., k] for k in k_range if self.n_components > 1}
        means = {f"means[{k}, {names[j]}]": self.means[..., k, j] for k in k_range for j in range(d)}
        distinct = range(1) if self.structure.is_shared else k_range
        entries = [(i, j) for i in range(d) for j in range(i + 1) if i == j or not self.structure.is_diagonal]
        covariances = {
            f"covariances[{k}, {names[i]}, {names[j]}]": self.covariances[..., k, i, j] for k in distinct for i, j in entries
        }
        return weights | means | covariances

    def log_density(self, values: Array) -> Array:
        """log p(x_i) at each draw, shape (n_chains, n_draws, n_observations)."""
        out = kernels.threaded_draws(kernels.draws_log_density, values, self._kernel_arguments)
        return np.asarray(out.reshape(*self.shape, len(values)))

    def log_likelihood(self, values: Array) -> Array:
        """Total log density of the rows at each draw, shape (n_chains, n_draws), in the memory of some rows at a time."""
        parts = (self.log_density(values[rows]).sum(axis=-1) for rows in blocks(len(values), self.shape[0] * self.shape[1]))
        return np.asarray(sum(parts))

    def agreement(self, values: Array, table: Array) -> Array:
        """sum_i r_ik T_ig for a table T (n_observations, G), shape (n_chains, n_draws, K, G).

        Where the rows of the table are indicators of labels: the expected number of rows in component k and with label g.
        """
        out = kernels.threaded_draws(kernels.draws_agreement, values, self._kernel_arguments, np.ascontiguousarray(table, float))
        return np.asarray(out.reshape(*self.shape, self.n_components, -1))

    def filled(self, values: Array) -> Array:
        """Expected number of components that some row comes from, shape (n_chains, n_draws)."""
        out = kernels.threaded_draws(kernels.draws_filled, values, self._kernel_arguments)
        return np.asarray(out.reshape(self.shape))

    def together(self, pair: Array) -> Array:
        """Probability that two rows (2, d) come from the same component, shape (n_chains, n_draws)."""
        return np.asarray(self.agreement(pair, np.eye(2)).prod(axis=-1).sum(axis=-1))

    def similarity(self, values: Array) -> Array:
        """Posterior probability that two rows come from the same component, shape (n_observations, n_observations)."""
        return np.asarray(kernels.similarity(values, *self._kernel_arguments))

    def shares(self, values: Array) -> Array:
        """r_ik of each draw, shape (n_chains, n_draws, n_observations, n_components): take few rows at a time."""
        out = kernels.threaded_draws(kernels.draws_shares, values, self._kernel_arguments)
        return np.asarray(out.reshape(*self.shape, *out.shape[1:]))

    def allocations(self, values: Array, rng: np.random.Generator) -> NDArray[np.int32]:
        """A component drawn for each row at each draw, shape (n_chains, n_draws, n_observations)."""
        keys = rng.integers(0, 2**62, size=self.shape[0] * self.shape[1])
        out = kernels.threaded_draws(kernels.draws_allocations, values, (*self._kernel_arguments, keys))
        return np.asarray(out.reshape(*self.shape, len(values)))

    def responsibilities(self, values: Array) -> tuple[Array, Array]:
        """Posterior mean and standard deviation of r_ik, two arrays (n_observations, n_components); relabel first."""
        mean, square, _ = self._of_rows(values)
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))

    def votes(self, values: Array) -> Array:
        """The share of draws in which a row is likeliest to come from k, shape (n_observations, n_components); relabel first."""
        return np.asarray(self._of_rows(values)[2])

    def _of_rows(self, values: Array) -> Array:
        sums = kernels.summed_draws(kernels.draws_responsibilities, values, self._kernel_arguments)
        return np.asarray(sums / (self.shape[0] * self.shape[1]))

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
