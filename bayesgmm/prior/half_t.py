"""Precisions given mixing rates of their own, so that standard deviations are half-t (Huang & Wand 2013)."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy.special import gammaln, multigammaln

from bayesgmm.covariance import Structure
from bayesgmm.prior.parts import Array, Nuisance
from bayesgmm.prior.precisions import PrecisionsPrior, distinct_precisions, no_mode_below
from bayesgmm.prior.wishart import LEAST_GAMMA
from bayesgmm.validation import positive, positive_array

RATES = "half_t_rates"


@dataclass(frozen=True, eq=False)
class HalfT(PrecisionsPrior):
    r"""Half-t standard deviations through mixing rates :math:`b_{kj}`, which each component has for itself.

    .. math:: P_k \mid b_k \sim W\!\left(\tfrac{\nu + p - 1}{2},\ \nu\,\mathrm{diag}(b_{k1} \dots b_{kp})\right), \qquad
              b_{kj} \sim \mathrm{Gamma}\!\left(\tfrac12,\ \text{rate}\ A_j^{-2}\right)

    Then :math:`\sqrt{\Sigma_{k,jj}}` is half-t with :math:`\nu` degrees of freedom and scale :math:`A_j`; for :math:`\nu = 2`
    each correlation is uniform on (-1, 1). Diagonal structures have p = 1 and the law for each feature; spherical ones have one,
    with the mean of :math:`A_j^2`.

    Attributes
    ----------
    scales : ndarray of shape (n_features,) or ()
        A, in the data's units; above 0.
    degrees_of_freedom : float
        nu, above 0; a MAP needs 2 or more.

    References
    ----------
    Huang & Wand (2013), Simple marginally noninformative prior distributions for covariance matrices, doi:10.1214/13-BA815.
    """

    scales: Array
    degrees_of_freedom: float = 2.0
    kind: ClassVar[str] = "half_t"

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", positive_array(self.scales, "scales"))
        object.__setattr__(self, "degrees_of_freedom", positive(self.degrees_of_freedom, "degrees_of_freedom"))

    @property
    def n_features(self) -> int | None:
        return len(self.scales) if self.scales.ndim else None

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        pass

    def why_no_mode(self) -> str:
        return no_mode_below("degrees_of_freedom", self.degrees_of_freedom, 2.0)

    def with_mode(self) -> Self:
        return replace(self, degrees_of_freedom=max(self.degrees_of_freedom, 2.0))

    def concentration_for(self, order: int) -> float:
        return (self.degrees_of_freedom + order - 1) / 2

    def rates(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        rates = structure.block.from_diagonal(self.degrees_of_freedom * nuisance[RATES])
        return np.expand_dims(rates, -1 - len(structure.block.dims)) if structure.is_shared else rates

    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        """b = ((nu + p) / 2 - 1) / (1 / A^2 + nu P_jj)."""
        n_features = covariances.shape[-1]
        precisions = structure.block.diagonal(distinct_precisions(structure, covariances))
        power = (self.degrees_of_freedom + structure.block.order(n_features)) / 2 - 1
        modes = power / (self.rates_rate(structure, n_features) + self.degrees_of_freedom * precisions)
        return {RATES: modes[0] if structure.is_shared else modes}

    def nuisance_mean(self, structure: Structure, covariances: Array) -> Nuisance:
        concentration, rate = self._given(structure, covariances)
        return {RATES: concentration / rate}

    def sample_nuisance_given(self, structure: Structure, covariances: Array, rng: np.random.Generator) -> Nuisance:
        concentration, rate = self._given(structure, covariances)
        return {RATES: np.maximum(rng.gamma(concentration, size=rate.shape), LEAST_GAMMA) / rate}

    def _given(self, structure: Structure, covariances: Array) -> tuple[float, Array]:
        """The law of each rate given the precisions, Gamma((nu + p) / 2, 1 / A^2 + nu P_jj): its two numbers."""
        block, n_features = structure.block, covariances.shape[-1]
        precisions = block.diagonal(distinct_precisions(structure, covariances))
        if structure.is_shared:
            precisions = np.asarray(precisions.take(0, axis=-1 - len(block.dims[:1])))
        rate = self.rates_rate(structure, n_features) + self.degrees_of_freedom * precisions
        return (self.degrees_of_freedom + block.order(n_features)) / 2, rate

    def nuisance_log_density(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        b, rate = nuisance[RATES], self.rates_rate(structure, n_features)
        terms = 0.5 * np.log(rate) - gammaln(0.5) - 0.5 * np.log(b) - rate * b
        axes = len(structure.batch(1)) + rate.ndim  # all but those of draws
        return np.asarray(terms.sum(axis=tuple(range(-axes, 0))))

    def marginal_log_density(self, structure: Structure, covariances: Array) -> Array:
        """With the rates b integrated out, whose law given the precision is Gamma(1/2 + c, 1/A^2 + nu P_jj) for each feature."""
        block, n_features, nu = structure.block, covariances.shape[-1], self.degrees_of_freedom
        p, rate, precisions = (
            block.order(n_features),
            self.rates_rate(structure, n_features),
            distinct_precisions(structure, covariances),
        )
        c = self.concentration_for(p)
        entries = c * np.log(nu) + gammaln(c + 0.5) - gammaln(0.5) + 0.5 * np.log(rate)
        entries = entries - (c + 0.5) * np.log(rate + nu * block.diagonal(precisions))
        of_rates = entries.sum(axis=-1) if block.dims else entries
        of_matrices = (c - (p + 1) / 2) * block.log_determinant(precisions) - block.n_matrices(n_features) * multigammaln(c, p)
        return np.asarray((of_rates + of_matrices).sum(axis=-1))

    def sample_nuisance(self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator) -> Nuisance:
        rate = self.rates_rate(structure, n_features)
        return {RATES: np.maximum(rng.gamma(0.5, size=structure.batch(n_components) + rate.shape), LEAST_GAMMA) / rate}

    def rates_rate(self, structure: Structure, n_features: int) -> Array:
        """1 / A^2 for each free diagonal entry."""
        return np.asarray(1.0 / structure.block.entries(self.scales**2, n_features))
