"""Weights ~ Dirichlet(e_1, ..., e_K)."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy.special import gammaln, xlogy

from bayesgmm.covariance import Structure
from bayesgmm.prior.parts import Array, WeightsPrior


@dataclass(frozen=True, eq=False)
class DirichletWeights(WeightsPrior):
    r"""Dirichlet prior on the weights, :math:`p(w) \propto \prod_k w_k^{e_k - 1}`.

    Attributes
    ----------
    concentration : ndarray of shape () or (n_components,)
        e, one for all components or one each; positive.
    """

    concentration: Array
    kind: ClassVar[str] = "dirichlet"

    def __post_init__(self) -> None:
        concentration = np.array(self.concentration, dtype=np.float64)
        if concentration.ndim > 1 or not np.isfinite(concentration).all() or (concentration <= 0).any():
            raise ValueError(f"weights_concentration must be above 0, one number or one a component, got {self.concentration!r}.")
        object.__setattr__(self, "concentration", concentration)

    @property
    def n_features(self) -> int | None:
        return None

    def check(self, n_components: int, structure: Structure) -> None:
        if self.concentration.ndim and len(self.concentration) != n_components:
            raise ValueError(
                f"weights_concentration has {len(self.concentration)} entries and n_components is {n_components}: "
                "give one number, or one a component."
            )

    def for_components(self, n_components: int) -> Array:
        """e of shape (n_components,)."""
        return np.broadcast_to(self.concentration, (n_components,))

    def with_mode(self) -> Self:
        return replace(self, concentration=np.maximum(self.concentration, 1.0))

    def log_density(self, weights: Array) -> float:
        e = self.for_components(len(weights))
        return float(gammaln(e.sum()) - gammaln(e).sum() + xlogy(e - 1, weights).sum())

    def conditional_mode(self, counts: Array) -> Array:
        e = self.for_components(len(counts))
        if (e < 1).any():
            raise ValueError(
                f"The density of weights with concentration {e.min():g} is unbounded at zero, so it has no mode: "
                "a MAP needs weights_concentration >= 1 (the samplers take smaller ones)."
            )
        return np.asarray((counts + e - 1) / (counts + e - 1).sum())
