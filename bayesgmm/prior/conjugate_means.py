"""Means given covariances: mu_k ~ N(location, Sigma_k / kappa), conjugate to the normal likelihood."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayesgmm.covariance import Structure, standardised
from bayesgmm.prior.parts import Array, MeansPrior
from bayesgmm.statistics import SufficientStatistics
from bayesgmm.validation import LARGEST_VALUE, finite_array, positive


@dataclass(frozen=True, eq=False)
class ConjugateMeans(MeansPrior):
    r"""Conjugate normal prior, :math:`\mu_k \mid \Sigma_k \sim \mathcal N(m_0, \Sigma_k / \kappa_0)`, in every structure.

    It counts as :math:`\kappa_0` observations at :math:`m_0`.

    Attributes
    ----------
    location : ndarray of shape (n_features,) or ()
        m0, in the data's units.
    concentration : float
        kappa0, above 0.
    """

    location: Array
    concentration: float
    kind: ClassVar[str] = "conjugate"

    def __post_init__(self) -> None:
        location = finite_array(self.location, "means_location", most=LARGEST_VALUE)
        if location.ndim > 1:
            raise ValueError(f"means_location is one number or one a feature, got shape {location.shape}.")
        object.__setattr__(self, "location", location)
        object.__setattr__(self, "concentration", positive(self.concentration, "means_concentration"))

    @property
    def n_features(self) -> int | None:
        return len(self.location) if self.location.ndim else None

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        pass

    def log_density(self, means: Array, covariances: Array) -> Array:
        scales, correlations = standardised(covariances)
        whitened = np.linalg.solve(np.linalg.cholesky(correlations), ((means - self.location) / scales)[..., None])[..., 0]
        log_determinants = np.linalg.slogdet(correlations)[1] + 2 * np.log(scales).sum(axis=-1)
        constant = means.shape[-1] * np.log(self.concentration / (2 * np.pi))
        return np.asarray(0.5 * (constant - log_determinants - self.concentration * (whitened**2).sum(axis=-1)).sum(axis=-1))

    def gradient(self, means: Array, covariances: Array) -> Array:
        scales, correlations = standardised(covariances)
        pulls = np.linalg.solve(correlations, ((self.location - means) / scales)[..., None])[..., 0]
        return np.asarray(self.concentration * pulls / scales)

    def conditional_mode(self, counts: Array, centres: Array, covariances: Array) -> Array:
        """(n_k xbar_k + kappa0 m0) / (n_k + kappa0), written as m0 + gain (xbar - m0)."""
        gain = counts / (counts + self.concentration)
        return np.asarray(self.location + gain[:, None] * (centres - self.location))

    def join(self, statistics: SufficientStatistics) -> SufficientStatistics:
        """One more row each, whose squared distance is kappa0 (mu - m0)(mu - m0)'."""
        means = statistics.reference
        rows = SufficientStatistics.of_rows(means, np.sqrt(self.concentration) * (means - self.location), statistics.is_diagonal)
        return statistics + rows

    def sample(self, covariances: Array, rng: np.random.Generator) -> Array:
        noise = rng.standard_normal((*covariances.shape[:2], 1))
        return np.asarray(self.location + (np.linalg.cholesky(covariances) @ noise)[..., 0] / np.sqrt(self.concentration))
