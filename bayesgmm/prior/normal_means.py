"""Means independent of the covariances: mu_kj ~ N(location_j, scale_j^2)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayesgmm.covariance import Structure, standardised
from bayesgmm.prior.parts import Array, MeansPrior
from bayesgmm.statistics import SufficientStatistics
from bayesgmm.validation import LARGEST_VALUE, finite_array, positive_array


@dataclass(frozen=True, eq=False)
class NormalMeans(MeansPrior):
    r"""Independent normal prior, :math:`\mu_k \sim \mathcal N(b, \mathrm{diag}(s^2))`.

    Attributes
    ----------
    location : ndarray of shape (n_features,) or ()
        b, in the data's units.
    scale : ndarray of shape (n_features,) or ()
        s, standard deviations in the data's units.
    """

    location: Array
    scale: Array
    kind: ClassVar[str] = "normal"

    def __post_init__(self) -> None:
        location = finite_array(self.location, "means_location", most=LARGEST_VALUE)
        scale = positive_array(self.scale, "means_scale")
        if location.ndim > 1:
            raise ValueError(f"means_location is one number or one a feature, got shape {location.shape}.")
        try:
            np.broadcast_shapes(location.shape, scale.shape)
        except ValueError as error:
            raise ValueError(f"means_location {location.shape} and means_scale {scale.shape} differ in length.") from error
        object.__setattr__(self, "location", location)
        object.__setattr__(self, "scale", scale)

    @property
    def n_features(self) -> int | None:
        return max((len(x) for x in (self.location, self.scale) if x.ndim), default=None)

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        pass

    def log_density(self, means: Array, covariances: Array) -> Array:
        standard = (means - self.location) / self.scale
        return np.asarray((-0.5 * standard**2 - np.log(self.scale) - 0.5 * np.log(2 * np.pi)).sum(axis=(-2, -1)))

    def gradient(self, means: Array, covariances: Array) -> Array:
        return np.asarray((self.location - means) / self.scale**2)

    def conditional_mode(self, counts: Array, centres: Array, covariances: Array) -> Array:
        """(n_k P_k + B^-1)^-1 (n_k P_k xbar_k + B^-1 b), written as b + gain (xbar - b) so that no digits are lost far from 0."""
        b, s = np.broadcast_to(self.location, centres.shape), np.broadcast_to(self.scale, centres.shape)
        # gain = B (B + Sigma/n)^-1; multiplied by n it also serves n = 0
        scales, total = standardised(counts[:, None, None] * (s[:, :, None] ** 2 * np.eye(centres.shape[1])) + covariances)
        pulled = np.linalg.solve(total, (counts[:, None] * (centres - b) / scales)[..., None])[..., 0]
        return np.asarray(b + s * (s / scales) * pulled)

    def join(self, statistics: SufficientStatistics) -> SufficientStatistics:
        return statistics

    def sample(self, covariances: Array, rng: np.random.Generator) -> Array:
        return np.asarray(rng.normal(self.location, self.scale, size=covariances.shape[:2]))
