"""What the three parts of a prior must know. Each part is a final class in a file of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Structure
from bayesgmm.statistics import SufficientStatistics

type Array = NDArray[np.float64]
type Nuisance = dict[str, Array]


class Part(ABC):
    """A part of a prior: a frozen dataclass whose fields are its hyperparameters."""

    kind: ClassVar[str]  # its name in the registry and in saved fits

    @property
    @abstractmethod
    def n_features(self) -> int | None:
        """The number of features it was built for; None where it fits any."""

    @abstractmethod
    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        """Raise ValueError if the part cannot serve such a model; the number of features may not be known yet."""


class WeightsPrior(Part):
    """Prior on the weights (K,)."""

    @property
    @abstractmethod
    def common_concentration(self) -> float | None:
        """The Dirichlet concentration where one number serves any number of components; None where it does not."""

    @property
    @abstractmethod
    def is_exchangeable(self) -> bool:
        """Whether all components are alike before the data."""

    @abstractmethod
    def why_no_mode(self) -> str:
        """Why its density has no mode, in a sentence that says what to do; nothing where it has one."""

    @abstractmethod
    def with_mode(self) -> Self:
        """The nearest prior whose density has a mode, for starting points; itself where it has one."""

    @abstractmethod
    def log_density(self, weights: Array) -> Array:
        """Normalised log density at weights (..., K), shape (...)."""

    @abstractmethod
    def gradient(self, weights: Array) -> Array:
        """Gradient (K,) of the log density by the logarithms of weights before they are normalised."""

    @abstractmethod
    def conditional_mode(self, counts: Array) -> Array:
        """Weights at their mode given expected counts (K,)."""

    @abstractmethod
    def sample(self, n_components: int, rng: np.random.Generator) -> Array:
        """Draw weights (K,)."""


class MeansPrior(Part):
    """Prior on the means (K, d), which may depend on the covariances."""

    @abstractmethod
    def log_density(self, means: Array, covariances: Array) -> Array:
        """Normalised log density at means (..., K, d) given covariances (..., K, d, d), shape (...)."""

    @abstractmethod
    def gradient(self, means: Array, covariances: Array) -> Array:
        """Gradient (K, d) of the log density by the means, given covariances (K, d, d)."""

    @abstractmethod
    def conditional_mode(self, counts: Array, centres: Array, covariances: Array) -> Array:
        """Means at their mode given counts (K,), weighted data means (K, d) and covariances (K, d, d)."""

    @abstractmethod
    def join(self, statistics: SufficientStatistics) -> SufficientStatistics:
        """Statistics about the means, with what the prior says about the covariances there as pseudo-observations."""

    @abstractmethod
    def sample(self, covariances: Array, rng: np.random.Generator) -> Array:
        """Draw means (K, d) given the covariances (K, d, d)."""


class CovariancesPrior(Part):
    """Prior on the covariances: a density of its coordinates, and of nuisance variables where it is hierarchical.

    The coordinates are what the PyMC model has as free variables: precisions, or scales and correlations.
    """

    @abstractmethod
    def coordinates(self, structure: Structure, covariances: Array) -> dict[str, Array]:
        """The distinct covariances of (..., K, d, d) as the variables that the density is of, by name."""

    @abstractmethod
    def covariances(self, structure: Structure, coordinates: Mapping[str, Array], n_components: int, n_features: int) -> Array:
        """Covariances (..., K, d, d) from the coordinates."""

    @abstractmethod
    def why_no_mode(self) -> str:
        """Why its density has no mode, in a sentence that says what to do; nothing where it has one."""

    @abstractmethod
    def with_mode(self) -> Self:
        """The nearest prior whose density has a mode, for starting points; itself where it has one."""

    @abstractmethod
    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        """Nuisance variables at their mode given covariances (K, d, d)."""

    @abstractmethod
    def log_density(self, structure: Structure, covariances: Array, nuisance: Nuisance) -> Array:
        """Normalised log density of the distinct coordinates of (..., K, d, d) and of the nuisance variables, shape (...)."""

    @abstractmethod
    def marginal_log_density(self, structure: Structure, covariances: Array) -> Array:
        """:meth:`log_density` with the nuisance variables integrated out, shape (...)."""

    @abstractmethod
    def log_volume(self, structure: Structure, covariances: Array) -> Array:
        """Log of the volume that a unit of the distinct precisions has in the coordinates, shape (...)."""

    @abstractmethod
    def conditional_mode(
        self, structure: Structure, counts: Array, scatter: Array, covariances: Array, nuisance: Nuisance
    ) -> Array:
        """Covariances (K, d, d) whose coordinates are at their mode given scatter about the means and the nuisance variables.

        Where there is no closed form it climbs from the given covariances.
        """

    @abstractmethod
    def sample(
        self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator
    ) -> tuple[Array, Nuisance]:
        """Draw covariances (K, d, d) and nuisance variables."""


def as_json(part: Part) -> dict[str, Any]:
    """The part's kind and hyperparameters as plain JSON values."""
    fields = {name: np.asarray(value).tolist() for name, value in vars(part).items()}
    return {"kind": part.kind, **fields}
