r"""Free coordinates of mixtures around one of them, as many as the model has parameters.

The three letters of a structure say all: with :math:`\Sigma_k^0 = C_k C_k'` at the reference,

.. math:: \Sigma_k = C_k\,e^{V_k} e^{L_k} e^{V_k'}\,C_k',

where :math:`L_k` is symmetric and :math:`V_k` turns the axes. The volume is the trace of :math:`L_k`. Where shape and orientation
are both equal or both vary, the rest of :math:`L_k` is them, and all is regular at any covariances, round ones too. Where one is
equal and the other varies, :math:`L_k` is diagonal in the axes and :math:`V_k = B_k^{-1/2} W B_k^{1/2}` with W skew, for axes
:math:`D_k e^W`; there a circle has no axes, and no standard errors. What is equal is one set of coordinates, what varies is K.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import axes_of_all
from bayesgmm.mixture import Mixture

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chart:
    """Coordinates whose origin is a mixture: in their units the data of each component have mean 0 and covariance I.

    Attributes
    ----------
    reference : Mixture
    frames : ndarray of shape (n_components, n_features, n_features)
        C_k.
    sizes : ndarray of shape (n_sizes, n_features, n_features)
        What L is a combination of: the volume, then shapes.
    turns : ndarray of shape (n_components, n_turns, n_features, n_features)
        What V_k is a combination of.
    places : ndarray of int64, shape (n_components, n_features + n_sizes + n_turns)
        Which coordinate each number of a component is: its mean, then the combinations' coefficients.
    """

    reference: Mixture
    frames: Array
    sizes: Array
    turns: Array
    places: NDArray[np.int64]

    @classmethod
    def around(cls, mixture: Mixture) -> Self:
        """The chart with this mixture at its origin; all weights are positive."""
        volume, shape, orientation = tuple(mixture.structure.code)
        k, d = mixture.n_components, mixture.n_features
        diagonals, crosses, skews = _diagonals(d), _crosses(d), _skews(d)
        has_turns = "I" not in (shape, orientation) and shape != orientation
        if shape == "I":
            sizes = diagonals[:1]
        else:
            sizes = diagonals if orientation == "I" or has_turns else np.concatenate([diagonals, crosses])
        frames, turns = _frames(mixture), np.zeros((k, 0, d, d))
        if has_turns:
            axes, lengths = _axes(mixture, orientation == "E")
            frames = axes * lengths[:, None, :]
            turns = skews * (lengths[:, None, None, :] / lengths[:, None, :, None])
        counts = {"V": (d, True), "volume": (1, volume == "V"), "shape": (len(sizes) - 1, shape == "V")}
        counts["turns"] = (turns.shape[1], orientation == "V")
        parts, first = [], k - 1
        for count, is_own in counts.values():
            parts.append(first + np.arange(k)[:, None] * (count if is_own else 0) + np.arange(count))
            first += count * (k if is_own else 1)
        return cls(mixture, frames, sizes, turns, np.concatenate(parts, axis=1))

    @property
    def n_coordinates(self) -> int:
        """p: log ratios of the weights to the first one, means, volumes, shapes, turns."""
        return int(self.places.max()) + 1

    def mixture(self, coordinates: Array) -> Mixture:
        """The mixture at some coordinates (p,)."""
        return Mixture(*self.parameters(coordinates), self.reference.structure)

    def parameters(self, coordinates: Array) -> tuple[Array, Array, Array]:
        """Weights (..., K), means (..., K, d) and covariances (..., K, d, d) at coordinates (..., p)."""
        m = self.reference
        k, d = m.means.shape
        logs = np.tile(np.log(m.weights), (*coordinates.shape[:-1], 1))
        logs[..., 1:] += coordinates[..., : k - 1]
        weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
        own = coordinates[..., self.places]
        shifts, sizes, turns = np.split(own, [d, d + len(self.sizes)], axis=-1)
        halves = self._turned(turns) if turns.shape[-1] else self.frames
        covariances = halves @ _exponential(np.einsum("...ks,sij->...kij", sizes, self.sizes)) @ np.swapaxes(halves, -1, -2)
        covariances = 0.5 * (covariances + np.swapaxes(covariances, -1, -2))
        means = m.means + (self.frames @ shifts[..., None])[..., 0]
        return weights / weights.sum(axis=-1, keepdims=True), means, covariances

    def _turned(self, turns: Array) -> Array:
        """C_k e^V_k = D_k e^W B_k^(1/2), for coefficients (..., K, n_turns)."""
        lengths = np.linalg.norm(self.frames, axis=1)
        skew = np.einsum("...kt,ktij->...kij", turns, self.turns) * (lengths[:, :, None] / lengths[:, None, :])
        return np.asarray((self.frames / lengths[:, None, :]) @ _exponential(skew, is_skew=True) * lengths[:, None, :])

    def tangents(self, k: int) -> Array:
        """First derivatives of C_k^-1 Sigma_k C_k'^-1, shape (n_sizes + n_turns, n_features, n_features)."""
        return np.concatenate([self.sizes, self.turns[k] + np.swapaxes(self.turns[k], 1, 2)])

    def name(self, coordinate: int) -> str:
        """What a coordinate changes, in words."""
        k, d = self.reference.means.shape
        if coordinate < k - 1:
            return f"the weight of component {coordinate + 1}"
        components, numbers = np.nonzero(self.places == coordinate)
        edges = np.cumsum([d, 1, len(self.sizes) - 1])
        what = ("mean", "volume", "shape", "orientation")[int(np.searchsorted(edges, numbers[0], side="right"))]
        return f"the {what} of component {components[0]}" if len(components) == 1 else f"the common {what}"


def _diagonals(d: int) -> Array:
    """I and d - 1 diagonal matrices of trace 0, orthogonal and of one length: (d, d, d)."""
    contrasts = np.tril(np.ones((d, d)))
    contrasts[np.arange(d - 1), np.arange(1, d)] = -np.arange(1, d)
    contrasts = np.roll(contrasts, 1, axis=0)
    contrasts *= np.sqrt(d) / np.linalg.norm(contrasts, axis=1, keepdims=True)
    return np.asarray(contrasts[:, :, None] * np.eye(d))


def _crosses(d: int) -> Array:
    """Symmetric matrices with ones in two places: (d (d - 1) / 2, d, d)."""
    return np.abs(_skews(d))


def _skews(d: int) -> Array:
    """Skew matrices with a one and a minus one: (d (d - 1) / 2, d, d)."""
    i, j = np.tril_indices(d, -1)
    skews = np.zeros((len(i), d, d))
    skews[np.arange(len(i)), i, j] = 1.0
    skews[np.arange(len(i)), j, i] = -1.0
    return skews


def _exponential(matrices: Array, is_skew: bool = False) -> Array:
    """e to symmetric or skew matrices (..., d, d), by their eigenvalues: SciPy's wakes all threads for each small matrix."""
    values, vectors = np.linalg.eigh(1j * matrices if is_skew else matrices)
    powers = np.exp(-1j * values) if is_skew else np.exp(values)
    return np.real((vectors * powers[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2)))


def _frames(mixture: Mixture) -> Array:
    """C_k with Sigma_k = C_k C_k', the same but for a factor where the matrices are."""
    if mixture.structure.is_diagonal:
        scales = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
        return np.asarray(scales[:, :, None] * np.eye(mixture.n_features))
    return np.linalg.cholesky(mixture.covariances)


def _axes(mixture: Mixture, is_common: bool) -> tuple[Array, Array]:
    """Axes D_k (K, d, d), and standard deviations along them (K, d)."""
    if not is_common:
        variances, axes = np.linalg.eigh(mixture.covariances)  # ascending: equal shapes have their sizes in one order
        return axes, np.sqrt(variances)
    start = axes_of_all(mixture.covariances)
    matrices = np.ascontiguousarray(mixture.covariances)
    common, variances, _ = kernels.common_axes(np.ones(len(matrices)), matrices, np.ascontiguousarray(start), False)
    return np.repeat(common[None], len(matrices), axis=0), np.sqrt(variances)
