"""The shapes in which scikit-learn holds covariances, one for each covariance type, and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Full, Structure, find_structure
from bayesgmm.mixture import Mixture
from bayesgmm.validation import finite_array, positive_definite

type Array = NDArray[np.float64]

COMPACT = ("full", "tied", "diag", "spherical")  # scikit-learn's words: any other name of a structure has expanded matrices


@dataclass(frozen=True)
class Form:
    """How the matrices of one covariance type are held.

    Attributes
    ----------
    covariance_type : str
        Compact shapes for scikit-learn's words: (K, d, d), (d, d), (K, d) or (K,); (K, d, d) for every other name.
    """

    covariance_type: str

    def __post_init__(self) -> None:
        find_structure(self.covariance_type)

    @property
    def structure(self) -> Structure:
        """The covariance structure."""
        return find_structure(self.covariance_type)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """Of K matrices as they are held."""
        if self.covariance_type not in COMPACT:
            return n_components, n_features, n_features
        return *self.structure.batch(n_components), *[n_features] * len(self.structure.block.dims)

    def held(self, matrices: Array) -> Array:
        """K matrices (K, d, d) in the shape in which they are held: a copy."""
        return np.array(self.structure.compact(matrices) if self.covariance_type in COMPACT else matrices)

    def expanded(self, held: Array, n_components: int, n_features: int) -> Array:
        """K matrices (K, d, d) from the shape in which they are held: a copy."""
        given = np.asarray(held, dtype=np.float64)
        return np.array(self.structure.expand(given, n_components, n_features) if self.covariance_type in COMPACT else given)

    def inverted(self, precisions: object, what: str, n_components: int, n_features: int) -> Array:
        """Covariances (K, d, d) from precisions that a user gave in the shape in which they are held."""
        given = finite_array(precisions, what, self.shape(n_components, n_features))
        expanded = positive_definite(self.expanded(given, n_components, n_features), what)
        return self.structure.tied(Full().invert(expanded))

    def attributes(self, mixture: Mixture) -> dict[str, Array]:
        """scikit-learn's fitted attributes that hold a mixture's parameters."""
        roots = np.triu(np.linalg.inv(np.linalg.cholesky(mixture.covariances)).swapaxes(-1, -2))  # U with P = U U'
        return {
            "weights_": mixture.weights.copy(),
            "means_": mixture.means.copy(),
            "covariances_": self.held(mixture.covariances),
            "precisions_": self.held(roots @ roots.swapaxes(-1, -2)),
            "precisions_cholesky_": self.held(roots),
        }
