"""Model-based agglomeration: a tree of the rows, cut into as many clusters as EM shall start from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.observations import Observations

SUBSET = 1_000  # rows in the tree, at most: its cost grows with their square
NORMAL = 0.03  # ridge, beside the variances of all rows: small beside those of a cluster of many rows
WARD = 1e4  # a ridge beside which scatter is little: the cost is the sum of squares


@dataclass(frozen=True, eq=False)
class Agglomeration:
    r"""Rows joined two by two into clusters, each step at the least loss of the classification likelihood of normals.

    A cluster of n rows with scatter S about its mean costs :math:`n \log|S/n + \rho I|` in the units in which all rows have
    covariance I, and of all pairs those are joined whose union costs least more than they do. Scaling or turning the data changes
    nothing. With a large ridge it is the sum of squares, Ward's criterion.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,)
        Those in the tree; a random subset where there are many.
    steps : ndarray of shape (n_rows - 1, 2)
        The clusters joined, named by their first rows; the union keeps the smaller name.

    References
    ----------
    Fraley (1998), Algorithms for model-based Gaussian hierarchical clustering, doi:10.1137/S1064827596311451.
    """

    rows: NDArray[np.int64]
    steps: NDArray[np.int64]

    @classmethod
    def of(
        cls, observations: Observations, rng: np.random.Generator, ridge: float = NORMAL, whiten: bool = True
    ) -> "Agglomeration":
        """Build the tree of the rows that count, or of a random subset; in the data's own units where they are not whitened."""
        rows = np.flatnonzero(observations.weights > 0)
        if len(rows) > SUBSET:
            rows = np.sort(rng.choice(rows, SUBSET, replace=False))
        variances = observations.covariance.diagonal()
        units = whitening(observations) if whiten else np.eye(len(variances)) / np.sqrt(variances.max())
        values = np.ascontiguousarray((observations.values[rows] - observations.mean) @ units)
        return cls(rows, kernels.agglomerate(values, np.ascontiguousarray(observations.weights[rows]), ridge))

    def labels(self, n_clusters: int) -> NDArray[np.int64]:
        """The cluster, 0 to ``n_clusters`` - 1, of each row in the tree."""
        name = np.arange(len(self.rows))
        for kept, joined in self.steps[: len(self.rows) - n_clusters]:
            name[joined] = kept
        for i in range(len(name)):  # a name is its row's or an earlier one's, which is settled by then
            name[i] = name[name[i]]
        return np.asarray(np.unique(name, return_inverse=True)[1])


def whitening(observations: Observations) -> NDArray[np.float64]:
    """Units (d, r) in which all rows have covariance I; r is below d where features determine one another."""
    scales = np.sqrt(observations.covariance.diagonal())
    sizes, axes = np.linalg.eigh(observations.covariance / np.outer(scales, scales))
    told = sizes > len(sizes) * np.finfo(float).eps * sizes[-1]
    return np.asarray(axes[:, told] / np.sqrt(sizes[told]) / scales[:, None])
