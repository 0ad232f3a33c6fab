"""Precisions ~ W(c0, C0) with a rate C0 ~ W(g0, G0) that the components share.

Sharing a random rate lets the data tell the size of a typical covariance, so that the prior need not (Stephens 1997;
Richardson & Green 1997; Fruehwirth-Schnatter 2006, section 6.3).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy.special import multigammaln

from bayesgmm.covariance import Structure
from bayesgmm.prior import wishart
from bayesgmm.prior.parts import Array, Nuisance
from bayesgmm.prior.precisions import (
    PrecisionsPrior,
    check_rate,
    checked_concentration,
    checked_rate,
    compact_rate,
    distinct_precisions,
    no_mode_below,
    rate_order,
)

RATE = "precisions_rate"


@dataclass(frozen=True, eq=False)
class HierarchicalWishart(PrecisionsPrior):
    r"""Hierarchical Wishart prior: :math:`P_k \mid C_0 \sim W(c_0, C_0)`, :math:`C_0 \sim W(g_0, G_0)`.

    Attributes
    ----------
    concentration : float
        c0: half the degrees of freedom of each precision.
    rate_concentration : float
        g0: half the degrees of freedom of C0.
    rate_rate : ndarray
        G0, in units of 1 / data^2: (d, d) for full covariances; (d,) or () for the others, whose mean serves spherical ones.
    """

    concentration: float
    rate_concentration: float
    rate_rate: Array
    kind: ClassVar[str] = "hierarchical_wishart"

    def __post_init__(self) -> None:
        rate_rate = checked_rate(self.rate_rate, "rate_rate")
        object.__setattr__(self, "rate_rate", rate_rate)
        for what in ("concentration", "rate_concentration"):
            object.__setattr__(self, what, checked_concentration(getattr(self, what), what, rate_order(rate_rate)))

    @property
    def n_features(self) -> int | None:
        return len(self.rate_rate) if self.rate_rate.ndim else None

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        check_rate(self.rate_rate, "rate_rate", structure, n_features)

    def why_no_mode(self) -> str:
        # with this many the rate has a mode too, which needs g0 + c0 > (p + 1) / 2
        return no_mode_below("concentration", self.concentration, (rate_order(self.rate_rate) + 1) / 2)

    def with_mode(self) -> Self:
        return replace(self, concentration=max(self.concentration, (rate_order(self.rate_rate) + 1) / 2))

    def concentration_for(self, order: int) -> float:
        return self.concentration

    def rates(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        return np.expand_dims(nuisance[RATE], -1 - len(structure.block.dims))

    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        """C0 = (g0 + G c0 - (p+1)/2) (G0 + sum P)^-1, the sum over the G distinct precisions."""
        block, n_features = structure.block, covariances.shape[-1]
        precisions = distinct_precisions(structure, covariances)
        power = self.rate_concentration + len(precisions) * self.concentration - (block.order(n_features) + 1) / 2
        return {RATE: power * block.invert(self.rate_rates(structure, n_features) + precisions.sum(axis=0))}

    def nuisance_mean(self, structure: Structure, covariances: Array) -> Nuisance:
        concentration, rate = self._given(structure, covariances)
        return {RATE: concentration * structure.block.invert(rate)}

    def sample_nuisance_given(self, structure: Structure, covariances: Array, rng: np.random.Generator) -> Nuisance:
        return {RATE: wishart.sample(structure.block, covariances.shape[-1], *self._given(structure, covariances), rng)}

    def nuisance_log_density(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        rate_rate = self.rate_rates(structure, n_features)
        return wishart.log_density(structure.block, n_features, self.rate_concentration, rate_rate, nuisance[RATE])

    def marginal_log_density(self, structure: Structure, covariances: Array) -> Array:
        """With C0 integrated out, by its law given the distinct precisions."""
        block, n_features, c = structure.block, covariances.shape[-1], self.concentration
        p, n_matrices = block.order(n_features), block.n_matrices(n_features)
        precisions, rate_rate = distinct_precisions(structure, covariances), self.rate_rates(structure, n_features)
        n_distinct = precisions.shape[-1 - len(block.dims)]
        total, total_rate = self._given(structure, covariances)
        constants = multigammaln(total, p) - multigammaln(self.rate_concentration, p) - n_distinct * multigammaln(c, p)
        return np.asarray(
            n_matrices * constants
            + self.rate_concentration * block.log_determinant(rate_rate)
            - total * block.log_determinant(total_rate)
            + (c - (p + 1) / 2) * block.log_determinant(precisions).sum(axis=-1)
        )

    def sample_nuisance(self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator) -> Nuisance:
        rate_rate = self.rate_rates(structure, n_features)
        return {RATE: wishart.sample(structure.block, n_features, self.rate_concentration, rate_rate, rng)}

    def _given(self, structure: Structure, covariances: Array) -> tuple[float, Array]:
        """The law of C0 given the G distinct precisions, W(g0 + G c0, G0 + sum P): its two numbers."""
        axis, precisions = -1 - len(structure.block.dims), distinct_precisions(structure, covariances)
        rate = self.rate_rates(structure, covariances.shape[-1]) + precisions.sum(axis=axis)
        return self.rate_concentration + precisions.shape[axis] * self.concentration, rate

    def rate_rates(self, structure: Structure, n_features: int) -> Array:
        """G0 in compact form."""
        return compact_rate(self.rate_rate, structure.block, n_features)
