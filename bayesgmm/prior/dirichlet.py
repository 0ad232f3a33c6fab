"""Weights ~ Dirichlet(e_1, ..., e_K)."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy.special import gammaln, xlogy

from bayesgmm.covariance import Structure
from bayesgmm.prior.parts import Array, WeightsPrior
from bayesgmm.validation import positive_array


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
        object.__setattr__(self, "concentration", positive_array(self.concentration, "weights_concentration"))

    @property
    def n_features(self) -> int | None:
        return None

    @property
    def common_concentration(self) -> float | None:
        return None if self.concentration.ndim else float(self.concentration)

    @property
    def is_exchangeable(self) -> bool:
        return bool((self.concentration == self.concentration.flat[0]).all())

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        if self.concentration.ndim and len(self.concentration) != n_components:
            raise ValueError(
                f"weights_concentration has {len(self.concentration)} entries and n_components is {n_components}: "
                "give one number, or one a component."
            )

    def for_components(self, n_components: int) -> Array:
        """e of shape (n_components,)."""
        return np.broadcast_to(self.concentration, (n_components,))

    def why_no_mode(self) -> str:
        least = self.concentration.min()
        if least >= 1:
            return ""
        return (
            f"The density of weights with concentration {least:g} is unbounded at zero, so it has no mode: "
            "a MAP needs weights_concentration >= 1 (the samplers take smaller ones)."
        )

    def with_mode(self) -> Self:
        return replace(self, concentration=np.maximum(self.concentration, 1.0))

    def log_density(self, weights: Array) -> Array:
        return log_density(self.for_components(weights.shape[-1]), weights)

    def gradient(self, weights: Array) -> Array:
        """e_k - 1 - w_k sum (e - 1)."""
        excess = self.for_components(len(weights)) - 1
        return np.asarray(excess - weights * excess.sum())

    def conditional_mode(self, counts: Array) -> Array:
        e = self.for_components(len(counts))
        return np.asarray((counts + e - 1) / (counts + e - 1).sum())

    def sample(self, n_components: int, rng: np.random.Generator) -> Array:
        return np.asarray(rng.dirichlet(self.for_components(n_components)))


def log_density(concentration: Array, weights: Array) -> Array:
    """Normalised log density of weights (..., K) under concentrations (..., K) or (K,), shape (...)."""
    constants = gammaln(concentration.sum(axis=-1)) - gammaln(concentration).sum(axis=-1)
    return np.asarray(constants + xlogy(concentration - 1, weights).sum(axis=-1))
