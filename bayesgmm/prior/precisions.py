"""Wishart precisions given a rate: what the fixed, the hierarchical and the half-t prior have in common."""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from bayesgmm.covariance import Block, Full, PseudoObservations, Structure
from bayesgmm.prior import wishart
from bayesgmm.prior.parts import Array, CovariancesPrior, Nuisance
from bayesgmm.validation import LARGEST, finite_array, positive, positive_definite, told


class PrecisionsPrior(CovariancesPrior):
    r"""Distinct precisions :math:`P_k \sim W(c, C_k)`, the rate being a function of the nuisance variables."""

    @abstractmethod
    def concentration_for(self, order: int) -> float:
        """c, half the degrees of freedom, for matrices of this order."""

    @abstractmethod
    def rates(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        """C in compact form (..., 1 or K, block): one for all precisions, or one each."""

    @abstractmethod
    def nuisance_log_density(self, structure: Structure, n_features: int, nuisance: Nuisance) -> Array:
        """Normalised log density of the nuisance variables, which may have leading axes of draws."""

    @abstractmethod
    def sample_nuisance(self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator) -> Nuisance:
        """Draw the nuisance variables."""

    @abstractmethod
    def nuisance_mean(self, structure: Structure, covariances: Array) -> Nuisance:
        """Means of the nuisance variables' full conditional laws given covariances (..., K, d, d)."""

    @abstractmethod
    def sample_nuisance_given(self, structure: Structure, covariances: Array, rng: np.random.Generator) -> Nuisance:
        """Draw the nuisance variables from their full conditional laws given covariances (..., K, d, d), a draw for each."""

    def gradient(self, structure: Structure, covariances: Array) -> Array:
        """Gradient of the marginal log density by the distinct precisions (1 or K, block) of covariances (K, d, d).

        (c - (p+1)/2) Sigma - E[C | P]: by Fisher's identity the one given the rate, at its mean.
        """
        n_features, block = covariances.shape[-1], structure.block
        order = block.order(n_features)
        rates = self.rates(structure, n_features, self.nuisance_mean(structure, covariances))
        distinct = block.compact(covariances[:1] if structure.is_shared else covariances)
        return np.asarray((self.concentration_for(order) - (order + 1) / 2) * distinct - rates)

    def coordinates(self, structure: Structure, covariances: Array) -> dict[str, Array]:
        return {"precisions": structure.block.invert(structure.compact(covariances))}

    def covariances(self, structure: Structure, coordinates: Mapping[str, Array], n_components: int, n_features: int) -> Array:
        return structure.expand(structure.block.invert(coordinates["precisions"]), n_components, n_features)

    def log_density(self, structure: Structure, covariances: Array, nuisance: Nuisance) -> Array:
        n_features, block = covariances.shape[-1], structure.block
        c, rates = self.concentration_for(block.order(n_features)), self.rates(structure, n_features, nuisance)
        given_rates = wishart.log_density(block, n_features, c, rates, distinct_precisions(structure, covariances))
        return np.asarray(given_rates.sum(axis=-1) + self.nuisance_log_density(structure, n_features, nuisance))

    def log_volume(self, structure: Structure, covariances: Array) -> Array:
        return np.zeros(covariances.shape[:-3])

    def conditional_mode(
        self, structure: Structure, counts: Array, scatter: Array, covariances: Array, nuisance: Nuisance
    ) -> Array:
        """Sigma = (2 C + S) / (2 c - p - 1 + n): the M-step with pseudo-observations."""
        n_features = covariances.shape[-1]
        order = structure.block.order(n_features)
        rates = self.rates(structure, n_features, nuisance)
        rates = rates[0] if structure.is_shared else rates
        return structure.m_step(counts, scatter, PseudoObservations(2 * self.concentration_for(order) - order - 1, 2 * rates))

    def sample(
        self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator
    ) -> tuple[Array, Nuisance]:
        block, nuisance = structure.block, self.sample_nuisance(structure, n_components, n_features, rng)
        n_distinct = 1 if structure.is_shared else n_components
        rates = self.rates(structure, n_features, nuisance)
        rates = np.broadcast_to(rates, (n_distinct, *rates.shape[1:]))
        drawn = wishart.sample(block, n_features, self.concentration_for(block.order(n_features)), rates, rng)
        coordinates = {"precisions": drawn[0] if structure.is_shared else drawn}
        return self.covariances(structure, coordinates, n_components, n_features), nuisance


def distinct_precisions(structure: Structure, covariances: Array) -> Array:
    """Compact precisions (..., 1 or K, block) of covariances (..., K, d, d): one where they are shared."""
    distinct = covariances[..., :1, :, :] if structure.is_shared else covariances
    return structure.block.invert(structure.block.compact(distinct))


def checked_rate(value: object, what: str) -> Array:
    """A rate as it may be given: a positive definite matrix, positive numbers one a feature, or one positive number."""
    rate = finite_array(value, what)
    if rate.ndim == 2:
        return positive_definite(rate, what)
    if rate.ndim > 2 or not rate.size or (rate < 1 / LARGEST).any():
        raise ValueError(f"{what} must be positive: a matrix, one number a feature, or one number, got {told(value)}.")
    return rate


def rate_order(rate: Array) -> int:
    """Order of the matrices that a given rate is for."""
    return len(rate) if rate.ndim == 2 else 1


def check_rate(rate: Array, what: str, structure: Structure, n_features: int | None) -> None:
    """Raise ValueError if a rate that was given does not have the form of the structure."""
    needs_matrix = isinstance(structure.block, Full)
    matrix_is_scalar = rate.ndim == 2 and len(rate) == 1
    scalar_is_matrix = n_features in (None, 1) and (rate.ndim == 0 or rate.shape == (1,))
    if (rate.ndim == 2) == needs_matrix or matrix_is_scalar or (needs_matrix and scalar_is_matrix):
        return
    form = "full" if rate.ndim == 2 else "diagonal and spherical"
    raise ValueError(
        f"The prior's {what} has shape {rate.shape}, which serves {form} covariances; "
        f"{structure.code} is {structure.block.form}. Give {what} in its form, or build the prior for it, for example "
        f"Prior.weakly_informative(X, covariance={structure.code!r})."
    )


def compact_rate(rate: Array, block: Block, n_features: int) -> Array:
    """A checked rate in the compact form of the block; the mean of the features' where one entry governs all."""
    if rate.ndim == 2 and isinstance(block, Full):
        return rate
    values = rate.diagonal() if rate.ndim == 2 else rate
    return block.from_diagonal(block.entries(values, n_features))


def no_mode_below(what: str, value: float, least: float) -> str:
    """Why a density has no mode where one of its numbers is too small, or nothing."""
    if value >= least:
        return ""
    return (
        f"The prior density of precisions with {what} {value:g} has no bound at singular ones, so it has no mode: "
        f"a MAP needs {what} >= {least:g} (the samplers take smaller ones)."
    )


def checked_concentration(value: object, what: str, order: int) -> float:
    """Half the degrees of freedom of a Wishart law of matrices of this order, if there is one."""
    number = positive(value, what)
    if number <= (order - 1) / 2:
        raise ValueError(
            f"{what} must be above (order - 1) / 2 = {(order - 1) / 2:g} for matrices of order {order}, got {number:g}."
        )
    return number
