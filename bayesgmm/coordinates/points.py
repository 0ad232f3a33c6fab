"""Coordinates without bounds for the parameters of a mixture, in which a posterior may look like a few normal ones."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Structure, standardised
from bayesgmm.draws import Draws
from bayesgmm.mixture import Mixture, precision_factors

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
        covariances = np.broadcast_to(self._to_covariances(self._matrices(points)), (n, k, d, d))
        return Draws(weights[None], np.ascontiguousarray(means)[None], covariances[None], self.structure)

    def log_volume(self, points: Points) -> Array:
        """Log of the volume that a unit of these coordinates has in K - 1 weights, means and distinct precisions, shape (n,)."""
        log_weights = points.own[..., 0] - np.logaddexp.reduce(points.own[..., 0], axis=1)[:, None]
        of_matrices = self._log_volume_of_matrices(self._matrices(points)).sum(axis=1)
        return np.asarray(log_weights.sum(axis=1) + 0.5 * np.log(self.n_components) + of_matrices)

    def gradient(self, points: Points, by_log_weights: Array, by_means: Array, by_precisions: Array) -> Array:
        """The gradient (n, p) in the coordinates of a function, from those in its parameters.

        Parameters
        ----------
        points : Points
        by_log_weights : ndarray of shape (n, n_components)
            Before they are normalised.
        by_means : ndarray of shape (n, n_components, n_features)
        by_precisions : ndarray of shape (n, n_components or 1, ...)
            In the compact form of the block: of full matrices the symmetric G of the differential tr(G dP).
        """
        shared, k, n = self.structure.is_shared, self.n_components, len(points.own)
        matrices = self._matrices(points)
        by_matrices = self._by_matrices(matrices, by_precisions)
        parts = [by_log_weights[..., None], by_means, *([] if shared else [by_matrices])]
        own = np.concatenate([np.broadcast_to(part, (n, k, part.shape[2])) for part in parts], axis=2)
        return self.flat(Points(own, by_matrices[:, 0] if shared else by_matrices[:, 0, :0]))

    def log_volume_gradient(self, points: Points) -> Array:
        """The gradient (n, p) of :meth:`log_volume`."""
        own, k, d = np.zeros_like(points.own), self.n_components, self.n_features
        own[..., 0] = 1 - k * np.exp(points.own[..., 0] - np.logaddexp.reduce(points.own[..., 0], axis=1)[:, None])
        own[..., 1 + d :] = self._volume_powers[: own.shape[2] - 1 - d]
        return self.flat(Points(own, np.broadcast_to(self._volume_powers[: points.shared.shape[1]], points.shared.shape)))

    def spreads(self, mixture: Mixture, counts: Array) -> Array:
        """Posterior standard deviations (p,) at a mixture, each given all others, of so many rows (K,) of known components."""
        d, shared = self.n_features, self.structure.is_shared
        by_weights = counts @ self._basis**2 - (counts @ self._basis) ** 2 / counts.sum()
        variances = np.diagonal(mixture.covariances, axis1=1, axis2=2)
        precisions = np.diagonal(np.linalg.inv(mixture.covariances), axis1=1, axis2=2)
        by_means = counts[:, None] * precisions
        if self.structure.block.order(d) == 1:
            n_matrix, multiplicity = self._n_of_matrix, self.structure.block.multiplicity(d)
            by_matrices = np.broadcast_to(2.0 * multiplicity * counts[:, None], (len(counts), n_matrix))
        else:
            sizes = np.exp(2 * self._of_covariances(mixture.covariances[None])[0, :, :d])
            i, j = np.tril_indices(d, -1)
            by_sizes = np.broadcast_to(2.0 * counts[:, None], (len(counts), d))
            by_matrices = np.concatenate([by_sizes, counts[:, None] * sizes[:, j] * variances[:, i]], axis=1)
        if shared:
            information = [by_weights, by_means.ravel(), by_matrices.sum(axis=0)]
        else:
            information = [by_weights, np.concatenate([by_means, by_matrices], axis=1).ravel()]
        return np.asarray(1 / np.sqrt(np.concatenate(information)))

    def _matrices(self, points: Points) -> Array:
        """Coordinates (n, K or 1, m) of the distinct precisions."""
        return points.shared[:, None] if self.structure.is_shared else points.own[..., 1 + self.n_features :]

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
        scales, correlations = standardised(covariances)
        root = precision_factors(correlations) / scales[..., :, None]
        sizes = np.diagonal(root, axis1=-2, axis2=-1)
        unit = root / sizes[..., None, :]
        return np.concatenate([np.log(sizes), unit[..., *np.tril_indices(d, -1)]], axis=-1)

    def _to_covariances(self, matrices: Array) -> Array:
        """Covariances (n, K or 1, d, d) of coordinates (n, K or 1, m)."""
        block, d = self.structure.block, self.n_features
        if block.order(d) == 1:
            variances = np.exp(-2 * matrices)
            return block.expand(block.from_diagonal(variances if block.dims else variances[..., 0]), d)
        inverse = np.linalg.inv(self._unit(matrices)) * np.exp(-matrices[..., :d])[..., :, None]
        return np.asarray(np.swapaxes(inverse, -1, -2) @ inverse)

    def _by_matrices(self, matrices: Array, by_precisions: Array) -> Array:
        """Gradient (n, K or 1, m) by the coordinates of precisions, from that by the precisions in compact form."""
        d = self.n_features
        if self.structure.block.order(d) == 1:
            return np.asarray(2 * np.exp(2 * matrices) * by_precisions.reshape(matrices.shape))
        unit, squares = self._unit(matrices), np.exp(2 * matrices[..., :d])
        turned = by_precisions @ unit
        by_sizes = 2 * squares * (unit * turned).sum(axis=-2)
        by_unit = 2 * turned * squares[..., None, :]
        return np.concatenate([by_sizes, by_unit[..., *np.tril_indices(d, -1)]], axis=-1)

    def _unit(self, matrices: Array) -> Array:
        """M (n, K or 1, d, d)."""
        d = self.n_features
        unit = np.broadcast_to(np.eye(d), (*matrices.shape[:-1], d, d)).copy()
        unit[..., *np.tril_indices(d, -1)] = matrices[..., d:]
        return unit

    def _log_volume_of_matrices(self, matrices: Array) -> Array:
        """Of each distinct precision (n, K or 1): 2^d prod l_j^(2 (d - j + 1)); of diagonals, 2 l^2 each."""
        return np.asarray(np.count_nonzero(self._volume_powers) * np.log(2) + matrices @ self._volume_powers)

    @property
    def _volume_powers(self) -> Array:
        """Powers (m,) of the exponentials of a precision's coordinates in its volume."""
        d, m = self.n_features, self._n_of_matrix
        if self.structure.block.order(d) == 1:
            return np.full(m, 2.0)
        return np.concatenate([2.0 * np.arange(d, 0, -1), np.zeros(m - d)])
