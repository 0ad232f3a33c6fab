"""What one covariance matrix may look like: full, diagonal or spherical.

A block is held in its *compact* form: (d, d) when full, (d,) when diagonal, () when spherical, with any leading axes. Each is
a stack of independent Wishart-like matrices of dimension ``order``; one entry of a spherical block governs all d features,
so that a row counts ``multiplicity`` times for it.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]


def standardised(matrices: Array) -> tuple[Array, Array]:
    """Square roots of the diagonals (..., d) and correlations (..., d, d) of positive definite matrices.

    In units of their own: with entries of very different sizes the pivots of a general solver lose all digits.
    """
    scales = np.sqrt(np.diagonal(matrices, axis1=-2, axis2=-1))
    return scales, np.asarray(matrices / scales[..., :, None] / scales[..., None, :])


class Block(ABC):
    """One covariance (or precision) matrix in compact form."""

    form: ClassVar[str]
    dims: ClassVar[tuple[str, ...]]  # named dimensions of the compact form
    is_diagonal: ClassVar[bool]

    @abstractmethod
    def n_parameters(self, n_features: int) -> int:
        """Free parameters of one matrix."""

    @abstractmethod
    def order(self, n_features: int) -> int:
        """Dimension of each independent matrix in the block."""

    @abstractmethod
    def multiplicity(self, n_features: int) -> int:
        """Observations that one row contributes to each independent matrix."""

    @abstractmethod
    def reduce(self, scatter: Array) -> Array:
        """Sum of squares that the block's likelihood depends on: compact, from scatter (K, d, d), or (K, d) of diagonals."""

    @abstractmethod
    def compact(self, matrices: Array) -> Array:
        """Compact form of matrices (..., d, d) that have this form."""

    @abstractmethod
    def expand(self, compact: Array, n_features: int) -> Array:
        """Matrices (..., d, d)."""

    @abstractmethod
    def invert(self, compact: Array) -> Array:
        """Covariance from precision and back."""

    @abstractmethod
    def entries(self, values: Array, n_features: int) -> Array:
        """Numbers given one a feature, or one for all, as one for each free diagonal entry: the mean where one governs all."""

    @abstractmethod
    def diagonal(self, compact: Array) -> Array:
        """The free diagonal entries: one a feature, or one for all; any leading axes."""

    @abstractmethod
    def from_diagonal(self, entries: Array) -> Array:
        """Compact form of the diagonal matrices with these free entries, for any leading axes."""

    @abstractmethod
    def n_matrices(self, n_features: int) -> int:
        """Independent matrices in one block."""

    @abstractmethod
    def log_determinant(self, compact: Array) -> Array:
        """``log |.|``, summed over the independent matrices, for any leading axes."""

    def inner(self, left: Array, right: Array) -> Array:
        """tr(left right), summed over the independent matrices, for any leading axes."""
        return np.asarray((left * right).sum(axis=tuple(range(-len(self.dims), 0)))) if self.dims else np.asarray(left * right)


class Full(Block):
    """Any positive definite matrix."""

    form = "full"
    dims = ("feature", "feature2")
    is_diagonal = False

    def n_parameters(self, n_features: int) -> int:
        return n_features * (n_features + 1) // 2

    def order(self, n_features: int) -> int:
        return n_features

    def multiplicity(self, n_features: int) -> int:
        return 1

    def reduce(self, scatter: Array) -> Array:
        return scatter

    def compact(self, matrices: Array) -> Array:
        return matrices

    def expand(self, compact: Array, n_features: int) -> Array:
        return compact

    def invert(self, compact: Array) -> Array:
        scales, correlations = standardised(compact)
        inverse = np.linalg.inv(correlations)
        symmetric = 0.5 * (inverse + np.swapaxes(inverse, -1, -2))
        return np.asarray(symmetric / scales[..., :, None] / scales[..., None, :])

    def entries(self, values: Array, n_features: int) -> Array:
        return np.broadcast_to(values, (n_features,))

    def diagonal(self, compact: Array) -> Array:
        return np.diagonal(compact, axis1=-2, axis2=-1)

    def from_diagonal(self, entries: Array) -> Array:
        return np.asarray(entries[..., :, None] * np.eye(entries.shape[-1]))

    def n_matrices(self, n_features: int) -> int:
        return 1

    def log_determinant(self, compact: Array) -> Array:
        scales, correlations = standardised(compact)
        return np.asarray(np.linalg.slogdet(correlations)[1] + 2 * np.log(scales).sum(axis=-1))


class Diagonal(Block):
    """A variance for each feature, no correlations."""

    form = "diagonal"
    dims = ("feature",)
    is_diagonal = True

    def n_parameters(self, n_features: int) -> int:
        return n_features

    def order(self, n_features: int) -> int:
        return 1

    def multiplicity(self, n_features: int) -> int:
        return 1

    def reduce(self, scatter: Array) -> Array:
        return scatter if scatter.ndim == 2 else np.diagonal(scatter, axis1=-2, axis2=-1)

    def compact(self, matrices: Array) -> Array:
        return np.diagonal(matrices, axis1=-2, axis2=-1).copy()

    def expand(self, compact: Array, n_features: int) -> Array:
        return np.asarray(compact[..., :, None] * np.eye(n_features))

    def invert(self, compact: Array) -> Array:
        return np.asarray(1.0 / compact)

    def entries(self, values: Array, n_features: int) -> Array:
        return np.broadcast_to(values, (n_features,))

    def diagonal(self, compact: Array) -> Array:
        return compact

    def from_diagonal(self, entries: Array) -> Array:
        return entries

    def n_matrices(self, n_features: int) -> int:
        return n_features

    def log_determinant(self, compact: Array) -> Array:
        return np.asarray(np.log(compact).sum(axis=-1))


class Spherical(Block):
    """One variance for all features."""

    form = "spherical"
    dims = ()
    is_diagonal = True

    def n_parameters(self, n_features: int) -> int:
        return 1

    def order(self, n_features: int) -> int:
        return 1

    def multiplicity(self, n_features: int) -> int:
        return n_features

    def reduce(self, scatter: Array) -> Array:
        diagonal = scatter if scatter.ndim == 2 else np.diagonal(scatter, axis1=-2, axis2=-1)
        return np.asarray(diagonal.sum(axis=-1))

    def compact(self, matrices: Array) -> Array:
        return np.asarray(np.diagonal(matrices, axis1=-2, axis2=-1).mean(axis=-1))

    def expand(self, compact: Array, n_features: int) -> Array:
        return np.asarray(np.asarray(compact)[..., None, None] * np.eye(n_features))

    def invert(self, compact: Array) -> Array:
        return np.asarray(1.0 / compact)

    def entries(self, values: Array, n_features: int) -> Array:
        return np.asarray(np.mean(values))

    def diagonal(self, compact: Array) -> Array:
        return compact

    def from_diagonal(self, entries: Array) -> Array:
        return entries

    def n_matrices(self, n_features: int) -> int:
        return 1

    def log_determinant(self, compact: Array) -> Array:
        return np.asarray(np.log(compact))
