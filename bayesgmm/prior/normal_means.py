"""Means independent of the covariances: mu_kj ~ N(location_j, scale_j^2)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayesgmm.covariance import Structure
from bayesgmm.prior.parts import Array, MeansPrior
from bayesgmm.validation import finite_array


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
        location, scale = finite_array(self.location, "means_location"), finite_array(self.scale, "means_scale")
        if location.ndim > 1 or scale.ndim > 1 or (scale <= 0).any():
            raise ValueError(
                f"means_location and means_scale (above 0) are one number or one a feature, got {location}, {scale}."
            )
        try:
            np.broadcast_shapes(location.shape, scale.shape)
        except ValueError as error:
            raise ValueError(f"means_location {location.shape} and means_scale {scale.shape} differ in length.") from error
        object.__setattr__(self, "location", location)
        object.__setattr__(self, "scale", scale)

    @property
    def n_features(self) -> int | None:
        return max((len(x) for x in (self.location, self.scale) if x.ndim), default=None)

    def check(self, n_components: int, structure: Structure) -> None:
        pass

    def log_density(self, means: Array, covariances: Array) -> float:
        standard = (means - self.location) / self.scale
        log_scales = np.broadcast_to(np.log(self.scale), means.shape)
        return float(-0.5 * (standard**2).sum() - log_scales.sum() - 0.5 * means.size * np.log(2 * np.pi))

    def conditional_mode(self, counts: Array, centres: Array, covariances: Array) -> Array:
        """(n_k P_k + B^-1)^-1 (n_k P_k xbar_k + B^-1 b), written as b + gain (xbar - b) so that no digits are lost far from 0."""
        b = np.broadcast_to(self.location, centres.shape)
        prior_variance = np.broadcast_to(self.scale, centres.shape) ** 2
        # gain = B (B + Sigma/n)^-1; multiplied by n it also serves n = 0
        total = counts[:, None, None] * (prior_variance[:, :, None] * np.eye(centres.shape[1])) + covariances
        pulled = np.linalg.solve(total, (counts[:, None] * (centres - b))[..., None])[..., 0]
        return np.asarray(b + prior_variance * pulled)
