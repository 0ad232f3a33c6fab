"""Specification: which model is fitted, frozen. With Observations it is all that any engine needs."""

import json
from dataclasses import dataclass
from typing import Any, Self

from bayesgmm.covariance import Structure, find_structure
from bayesgmm.mixture import Mixture
from bayesgmm.observations import TOLD_DISTINCT, Observations
from bayesgmm.prior import Nuisance, Prior
from bayesgmm.validation import positive_integer


@dataclass(frozen=True, eq=False)
class Specification:
    """A Gaussian mixture model.

    Parameters
    ----------
    n_components : int
        K.
    covariance : str
        Name of the covariance structure: mclust's code or scikit-learn's word.
    prior : Prior, optional
        None asks for maximum likelihood, which only EM can give.

    Raises
    ------
    ValueError
        If a name is unknown or the prior does not fit the structure or K.

    Examples
    --------
    >>> Specification(n_components=2, covariance="tied").n_parameters(n_features=2)
    8
    """

    n_components: int
    covariance: str = "full"
    prior: Prior | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_components", positive_integer(self.n_components, "n_components"))
        object.__setattr__(self, "covariance", find_structure(self.covariance).code)
        if self.prior is not None:
            if not isinstance(self.prior, Prior):
                raise TypeError(f"prior must be a bayesgmm.Prior or None, got {self.prior!r}.")
            for part in vars(self.prior).values():
                part.check(self.n_components, self.structure)

    @property
    def structure(self) -> Structure:
        """The covariance structure."""
        return find_structure(self.covariance)

    @property
    def required_prior(self) -> Prior:
        """The prior of a Bayesian model."""
        if self.prior is None:
            raise ValueError("A posterior needs a prior: give one, such as Prior.weakly_informative(X, covariance).")
        return self.prior

    def n_parameters(self, n_features: int) -> int:
        """Free parameters of the likelihood: K - 1 weights, K d means, and the structure's covariances."""
        k = self.n_components
        return k - 1 + k * n_features + self.structure.n_parameters(k, n_features)

    def log_prior(self, mixture: Mixture, nuisance: Nuisance) -> float:
        """Normalised log density of weights, means, distinct precisions and nuisance variables; 0 without a prior."""
        if self.prior is None:
            return 0.0
        return (
            self.prior.weights.log_density(mixture.weights)
            + self.prior.means.log_density(mixture.means, mixture.covariances)
            + self.prior.covariances.log_density(self.structure, mixture.covariances, nuisance)
        )

    def check(self, observations: Observations) -> None:
        """Raise ValueError if the data cannot be fitted by this model."""
        distinct, k = observations.n_distinct, self.n_components
        if distinct < min(k, TOLD_DISTINCT):
            raise ValueError(
                f"{observations.n_observations} rows, {distinct} of them distinct, cannot be told apart into {k} components: "
                f"use at most {distinct} or give more data."
            )
        for name, part in ({} if self.prior is None else vars(self.prior)).items():
            if part.n_features not in (None, observations.n_features):
                raise ValueError(
                    f"The prior on {name} is for {part.n_features} features, the data have {observations.n_features}."
                )

    @classmethod
    def bayesian(cls, X: Any, n_components: int, covariance: str, prior: Prior | None, what: str) -> tuple[Observations, Self]:
        """The checked pair of data and model for a posterior, with the default prior where none is given; ``what`` asks."""
        observations = Observations.from_data(X)
        observations.require_unweighted(what)
        prior = Prior.weakly_informative(observations, covariance) if prior is None else prior
        specification = cls(n_components, covariance, prior)
        specification.check(observations)
        return observations, specification

    def to_json(self) -> str:
        """The specification as a JSON string."""
        prior = None if self.prior is None else self.prior.to_json()
        return json.dumps({"n_components": self.n_components, "covariance": self.covariance, "prior": prior})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The specification that :meth:`to_json` described."""
        saved = json.loads(text)
        prior = None if saved["prior"] is None else Prior.from_json(saved["prior"])
        return cls(saved["n_components"], saved["covariance"], prior)
