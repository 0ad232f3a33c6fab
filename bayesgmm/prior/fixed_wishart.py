"""Precisions ~ W(c, C) with a fixed rate: the inverse-Wishart prior of covariances."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bayesgmm.covariance import Structure
from bayesgmm.prior.parts import Array, Nuisance
from bayesgmm.prior.precisions import (
    PrecisionsPrior,
    check_rate,
    checked_concentration,
    checked_rate,
    compact_rate,
    no_mode_below,
    rate_order,
)


@dataclass(frozen=True, eq=False)
class FixedWishart(PrecisionsPrior):
    r"""Wishart prior with a fixed rate, :math:`P_k \sim W(c, C)`: :math:`\Sigma_k` is inverse Wishart with 2c degrees of freedom.

    With :math:`c \ge (p + 1) / 2` the joint density of parameters and data is bounded whatever the data.

    Attributes
    ----------
    concentration : float
        c, half the degrees of freedom, for matrices of the structure's order p: d for full ones, 1 for the others.
    rate : ndarray
        C, in units of data^2: (d, d) for full covariances; (d,) or () for the others, whose mean serves spherical ones.
    """

    concentration: float
    rate: Array
    kind: ClassVar[str] = "wishart"

    def __post_init__(self) -> None:
        rate = checked_rate(self.rate, "rate")
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "concentration", checked_concentration(self.concentration, "concentration", rate_order(rate)))

    @property
    def n_features(self) -> int | None:
        return len(self.rate) if self.rate.ndim else None

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        check_rate(self.rate, "rate", structure, n_features)

    def why_no_mode(self) -> str:
        return no_mode_below("concentration", self.concentration, (rate_order(self.rate) + 1) / 2)

    def with_mode(self) -> Self:
        return replace(self, concentration=max(self.concentration, (rate_order(self.rate) + 1) / 2))

    def concentration_for(self, order: int) -> float:
        return self.concentration

    def rates(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        return np.asarray(compact_rate(self.rate, structure.block, n_features)[None])

    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        return {}

    def nuisance_mean(self, structure: Structure, covariances: Array) -> Nuisance:
        return {}

    def sample_nuisance_given(self, structure: Structure, covariances: Array, rng: np.random.Generator) -> Nuisance:
        return {}

    def nuisance_log_density(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        return np.asarray(0.0)

    def marginal_log_density(self, structure: Structure, covariances: Array) -> Array:
        return self.log_density(structure, covariances, {})

    def sample_nuisance(self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator) -> Nuisance:
        return {}
