"""The data sets and starts that all contenders share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bayesgmm as bg

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """Data, a number of components, and a start for EM.

    Attributes
    ----------
    X : ndarray of shape (n, d)
    start : Mixture
        Off the optimum, in no component's neighbourhood alone: EM has far to go from it.
    """

    X: Array
    start: bg.Mixture

    @property
    def size(self) -> tuple[int, int, int]:
        """(n, d, K)."""
        return len(self.X), self.X.shape[1], self.start.n_components

    @property
    def label(self) -> str:
        """For tables."""
        n, d, n_components = self.size
        return f"n = {n:,}, d = {d}, K = {n_components}"


def simulated(n: int, d: int, n_components: int, separation: float = 2.0, seed: int = 1) -> Problem:
    """A random mixture whose closest means are ``separation`` Mahalanobis units apart; the start is the truth, disturbed."""
    X, _, truth = bg.simulate(n, n_components, d, separation, seed)
    rng = np.random.default_rng(seed)
    scales = np.sqrt(np.diagonal(truth.covariances, axis1=1, axis2=2))
    means = truth.means + 0.5 * scales * rng.standard_normal(truth.means.shape)
    weights = np.full(n_components, 1.0 / n_components)
    return Problem(X, bg.Mixture.from_parameters(weights, means, 1.5 * truth.covariances))


def standardised(name: str) -> Array:
    """A bundled data set's numbers, each column with mean 0 and standard deviation 1."""
    X = numbers(name)
    return (X - X.mean(axis=0)) / X.std(axis=0)


def numbers(name: str) -> Array:
    """A bundled data set without the columns that are no numbers."""
    table: Any = bg.load_dataset(name)
    return np.ascontiguousarray(table.select_dtypes("number").to_numpy(dtype=float))
