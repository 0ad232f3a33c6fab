"""Precisions ~ W(c0, C0) with a rate C0 ~ W(g0, G0) that the components share.

Sharing a random rate lets the data tell the size of a typical covariance, so that the prior need not (Stephens 1997;
Richardson & Green 1997; Fruehwirth-Schnatter 2006, section 6.3).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bayesgmm.covariance import Diagonal, Full, PseudoObservations, Spherical, Structure
from bayesgmm.prior import wishart
from bayesgmm.prior.parts import Array, CovariancesPrior, Nuisance
from bayesgmm.validation import finite_array, positive, positive_definite

RATE = "precisions_rate"
MODE_MARGIN = 0.1


@dataclass(frozen=True, eq=False)
class HierarchicalWishart(CovariancesPrior):
    r"""Hierarchical Wishart prior: :math:`P_k \mid C_0 \sim W(c_0, C_0)`, :math:`C_0 \sim W(g_0, G_0)`.

    Attributes
    ----------
    concentration : float
        c0: half the degrees of freedom of each precision.
    rate_concentration : float
        g0: half the degrees of freedom of C0.
    rate_rate : ndarray
        G0, in the compact form of the structure's block: (d, d) full, (d,) diagonal, () spherical; in units of 1 / data^2.
    """

    concentration: float
    rate_concentration: float
    rate_rate: Array
    kind: ClassVar[str] = "hierarchical_wishart"
    nuisance_names: ClassVar[tuple[str, ...]] = (RATE,)

    def __post_init__(self) -> None:
        rate_rate = finite_array(self.rate_rate, "rate_rate")
        if rate_rate.ndim == 2:
            positive_definite(rate_rate, "rate_rate")
        elif rate_rate.ndim > 2 or (rate_rate <= 0).any():
            raise ValueError(f"rate_rate must be positive: a matrix, one number a feature, or one number, got {rate_rate}.")
        order = len(rate_rate) if rate_rate.ndim == 2 else 1
        for what in ("concentration", "rate_concentration"):
            value = positive(getattr(self, what), what)
            if value <= (order - 1) / 2:
                raise ValueError(
                    f"{what} must be above (order - 1) / 2 = {(order - 1) / 2:g} for matrices of order {order}, got {value:g}."
                )
            object.__setattr__(self, what, value)
        object.__setattr__(self, "rate_rate", rate_rate)

    @property
    def n_features(self) -> int | None:
        return len(self.rate_rate) if self.rate_rate.ndim else None

    def check(self, n_components: int, structure: Structure) -> None:
        if self.rate_rate.ndim != len(structure.block.dims):
            forms = {len(block.dims): block.form for block in (Spherical(), Diagonal(), Full())}
            raise ValueError(
                f"The prior's rate has shape {self.rate_rate.shape}, which serves {forms[self.rate_rate.ndim]} covariances; "
                f"{structure.code} is {structure.block.form}. Build the prior for it: "
                f"Prior.weakly_informative(X, covariance={structure.code!r})."
            )

    def with_mode(self) -> Self:
        order = len(self.rate_rate) if self.rate_rate.ndim == 2 else 1
        return replace(
            self,
            concentration=max(self.concentration, (order + 1) / 2),
            rate_concentration=max(self.rate_concentration, MODE_MARGIN + (order + 1) / 2 - self.concentration),
        )

    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        """C0 = (g0 + G c0 - (p+1)/2) (G0 + sum P)^-1, the sum over the G distinct precisions."""
        block, n_features = structure.block, covariances.shape[-1]
        precisions = _distinct_precisions(structure, covariances)
        power = self.rate_concentration + len(precisions) * self.concentration - (block.order(n_features) + 1) / 2
        if power <= 0:
            raise ValueError(
                f"Concentrations {self.concentration:g} and {self.rate_concentration:g} are so small that the density of the "
                "rate is unbounded at zero, so it has no mode: a MAP needs larger ones (the samplers take these)."
            )
        return {RATE: power * block.invert(self.rate_rate + precisions.sum(axis=0))}

    def log_density(self, structure: Structure, covariances: Array, nuisance: Nuisance) -> float:
        block, n_features = structure.block, covariances.shape[-1]
        rate, precisions = nuisance[RATE], _distinct_precisions(structure, covariances)
        given_rate = wishart.log_density(block, n_features, self.concentration, rate, precisions).sum()
        of_rate = wishart.log_density(block, n_features, self.rate_concentration, self.rate_rate, rate)
        return float(given_rate + of_rate)

    def conditional_mode(self, structure: Structure, counts: Array, scatter: Array, nuisance: Nuisance) -> Array:
        """Sigma = (2 C0 + S) / (2 c0 - p - 1 + n): the M-step with pseudo-observations."""
        order = structure.block.order(scatter.shape[1])
        pseudo = PseudoObservations(2 * self.concentration - order - 1, 2 * nuisance[RATE])
        return structure.m_step(counts, scatter, pseudo)


def _distinct_precisions(structure: Structure, covariances: Array) -> Array:
    """Compact precisions with a leading axis: K of them, or 1 where they are shared."""
    compact = structure.block.invert(structure.compact(covariances))
    return np.asarray(compact[None] if structure.is_shared else compact)
