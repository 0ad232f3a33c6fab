"""Coordinates without bounds for the parameters of a mixture, in which a posterior may look like a few normal ones."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Structure
from bayesgmm.draws import Draws
from bayesgmm.mixture import precision_factors

type Array = NDArray[np.float64]


class Points(NamedTuple):
    """Each component as a point, and what all share.

    Attributes
    ----------
    own : ndarray of shape (n, n_components, m)
        Centred log weight, mean, and unless matrices are shared the coordinates of its precision. Components that change places
        change rows.
    shared : ndarray of shape (n, m')
        Coordinates of a shared precision; none otherwise.
    """

    own: Array
    shared: Array


@dataclass(frozen=True)
class Coordinates:
    r"""The map between parameters and :math:`\mathbb R^p`, one to one.

    Weights: centred logarithms in an orthonormal basis, so that components that change places only turn the axes. Precisions:
    with :math:`P = M\,\mathrm{diag}(l)^2 M'`, M unit lower triangular, :math:`\log l` and the entries of M, which are
    coefficients of regressions of features on later ones.

    Attributes
    ----------
    structure : Structure
    n_components, n_features : int
    """

    structure: Structure
    n_components: int
    n_features: int

    def points(self, draws: Draws) -> Points:
        """Draws, all chains in a row, as points."""
        k, d = self.n_components, self.n_features
        log_weights = np.log(draws.weights.reshape(-1, k))
        centred = log_weights - log_weights.mean(axis=1, keepdims=True)
        means, matrices = draws.means.reshape(-1, k, d), self._of_covariances(draws.covariances.reshape(-1, k, d, d))
        if self.structure.is_shared:
            return Points(np.concatenate([centred[..., None], means], axis=2), matrices[:, 0])
        return Points(np.concatenate([centred[..., None], means, matrices], axis=2), matrices[:, 0, :0])

    def flat(self, points: Points) -> Array:
        """Points as vectors (n, p)."""
        n = len(points.own)
        return np.concatenate([points.own[..., 0] @ self._basis, points.own[..., 1:].reshape(n, -1), points.shared], axis=1)

    def points_of(self, flat: Array) -> Points:
        """Vectors as points."""
        n, k = len(flat), self.n_components
        shared = self._n_of_matrix if self.structure.is_shared else 0
        centred = flat[:, : k - 1] @ self._basis.T
        own = flat[:, k - 1 : flat.shape[1] - shared].reshape(n, k, -1)
        return Points(np.concatenate([centred[..., None], own], axis=2), flat[:, flat.shape[1] - shared :])

    def draws(self, points: Points) -> Draws:
        """The parameters, as draws of one chain."""
        n, k, d = len(points.own), self.n_components, self.n_features
        log_weights = points.own[..., 0] - points.own[..., 0].max(axis=1, keepdims=True)
        weights = np.exp(log_weights)
        weights /= weights.sum(axis=1, keepdims=True)
        means = points.own[..., 1 : 1 + d]
        matrices = points.shared[:, None] if self.structure.is_shared else points.own[..., 1 + d :]
        covariances = np.broadcast_to(self._to_covariances(matrices), (n, k, d, d))
        return Draws(weights[None], np.ascontiguousarray(means)[None], covariances[None], self.structure)

    def log_volume(self, points: Points) -> Array:
        """Log of the volume that a unit of these coordinates has in K - 1 weights, means and distinct precisions, shape (n,)."""
        k, d = self.n_components, self.n_features
        log_weights = points.own[..., 0] - np.logaddexp.reduce(points.own[..., 0], axis=1)[:, None]
        matrices = points.shared[:, None] if self.structure.is_shared else points.own[..., 1 + d :]
        of_matrices = self._log_volume_of_matrices(matrices).sum(axis=1)
        return np.asarray(log_weights.sum(axis=1) + 0.5 * np.log(k) + of_matrices)

    @property
    def _basis(self) -> Array:
        """Orthonormal contrasts (K, K - 1): Helmert's."""
        k = self.n_components
        basis = np.triu(np.ones((k, k - 1)))
        basis[range(1, k), range(k - 1)] = -np.arange(1, k)
        return np.asarray(basis / np.sqrt(np.arange(1, k) * np.arange(2, k + 1)))

    @property
    def _n_of_matrix(self) -> int:
        return self.structure.block.n_parameters(self.n_features)

    def _of_covariances(self, covariances: Array) -> Array:
        """Coordinates (n, K, m) of covariances (n, K, d, d)."""
        block, d = self.structure.block, self.n_features
        if block.order(d) == 1:
            return -0.5 * np.log(block.diagonal(block.compact(covariances))).reshape(*covariances.shape[:2], -1)
        scales = np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1))
        correlations = covariances / scales[..., :, None] / scales[..., None, :]
        root = precision_factors(correlations) / scales[..., :, None]  # by no inverse, which all but singular matrices lack
        sizes = np.diagonal(root, axis1=-2, axis2=-1)
        unit = root / sizes[..., None, :]
        return np.concatenate([np.log(sizes), unit[..., *np.tril_indices(d, -1)]], axis=-1)

    def _to_covariances(self, matrices: Array) -> Array:
        """Covariances (n, K or 1, d, d) of coordinates (n, K or 1, m)."""
        block, d = self.structure.block, self.n_features
        if block.order(d) == 1:
            variances = np.exp(-2 * matrices)
            return block.expand(block.from_diagonal(variances if block.dims else variances[..., 0]), d)
        unit = np.broadcast_to(np.eye(d), (*matrices.shape[:-1], d, d)).copy()
        unit[..., *np.tril_indices(d, -1)] = matrices[..., d:]
        inverse = np.linalg.inv(unit) * np.exp(-matrices[..., :d])[..., :, None]
        return np.asarray(np.swapaxes(inverse, -1, -2) @ inverse)

    def _log_volume_of_matrices(self, matrices: Array) -> Array:
        """Of each distinct precision (n, K or 1): 2^d prod l_j^(2 (d - j + 1)); of diagonals, 2 l^2 each."""
        d = self.n_features if self.structure.block.order(self.n_features) > 1 else 1
        if d == 1:
            return np.asarray((np.log(2) + 2 * matrices).sum(axis=-1))
        return np.asarray(d * np.log(2) + matrices[..., :d] @ (2.0 * np.arange(d, 0, -1)))
