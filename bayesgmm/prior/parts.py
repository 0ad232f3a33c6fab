"""What the three parts of a prior must know. Each part is a final class in a file of its own."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Structure

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
    def check(self, n_components: int, structure: Structure) -> None:
        """Raise ValueError if the part cannot serve such a model."""


class WeightsPrior(Part):
    """Prior on the weights (K,)."""

    @abstractmethod
    def with_mode(self) -> Self:
        """The nearest prior whose density has a mode, for starting points; itself where it has one."""

    @abstractmethod
    def log_density(self, weights: Array) -> float:
        """Normalised log density."""

    @abstractmethod
    def conditional_mode(self, counts: Array) -> Array:
        """Weights at their mode given expected counts (K,)."""


class MeansPrior(Part):
    """Prior on the means (K, d)."""

    @abstractmethod
    def log_density(self, means: Array, covariances: Array) -> float:
        """Normalised log density, given the covariances (K, d, d) where the means depend on them."""

    @abstractmethod
    def conditional_mode(self, counts: Array, centres: Array, covariances: Array) -> Array:
        """Means at their mode given counts (K,), weighted data means (K, d) and covariances (K, d, d)."""


class CovariancesPrior(Part):
    """Prior on the precisions, through nuisance variables where it is hierarchical."""

    @abstractmethod
    def with_mode(self) -> Self:
        """The nearest prior whose density has a mode, for starting points; itself where it has one."""

    @abstractmethod
    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        """Nuisance variables at their mode given covariances (K, d, d)."""

    @abstractmethod
    def log_density(self, structure: Structure, covariances: Array, nuisance: Nuisance) -> float:
        """Normalised log density of the distinct precisions and of the nuisance variables."""

    @abstractmethod
    def conditional_mode(self, structure: Structure, counts: Array, scatter: Array, nuisance: Nuisance) -> Array:
        """Covariances (K, d, d) whose precisions are at their mode given scatter about the means and the nuisance variables."""


def as_json(part: Part) -> dict[str, Any]:
    """The part's kind and hyperparameters as plain JSON values."""
    fields = {name: np.asarray(value).tolist() for name, value in vars(part).items()}
    return {"kind": part.kind, **fields}
