"""Specification: which model is fitted, frozen. With Observations it is all that any engine needs."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Structure, find_structure
from bayesgmm.frozen import Frozen
from bayesgmm.mixture import Mixture
from bayesgmm.noise import Noise
from bayesgmm.observations import DataWarning, Observations
from bayesgmm.prior import ComponentsPrior, Concentration, DirichletWeights, Nuisance, Prior
from bayesgmm.validation import instance_of, positive_integer, told


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
    noise : Noise, optional
        A uniform component beside the K normal ones.
    frozen : Frozen, optional
        Components and weights that are known.

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
    noise: Noise | None = None
    frozen: Frozen | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_components", positive_integer(self.n_components, "n_components"))
        object.__setattr__(self, "covariance", find_structure(self.covariance).code)
        if self.prior is not None:
            if not isinstance(self.prior, Prior):
                raise TypeError(f"prior must be a bayesgmm.Prior or None, got {told(self.prior)}.")
            self.prior.check(self.n_weights, self.structure)
        if self.frozen is not None:
            instance_of(self.frozen, Frozen, "frozen")
            self.frozen.check(self.n_components, self.structure, self.noise is not None)

    @cached_property
    def structure(self) -> Structure:
        """The covariance structure."""
        return find_structure(self.covariance)

    @property
    def n_weights(self) -> int:
        """K, and one more with noise."""
        return self.n_components + (self.noise is not None)

    @property
    def required_prior(self) -> Prior:
        """The prior of a Bayesian model."""
        if self.prior is None:
            raise ValueError("A posterior needs a prior: give one, such as Prior.weakly_informative(X, covariance).")
        return self.prior

    def n_parameters(self, n_features: int) -> int:
        """Free parameters of the likelihood: K - 1 weights, K d means, and the structure's covariances.

        One more with noise, whose volume is given; fewer where some are frozen.
        """
        k = self.n_components
        free = self.n_weights - 1 + k * n_features + self.structure.n_parameters(k, n_features)
        if self.frozen is not None:
            free -= self.frozen.n_parameters(k, n_features, self.structure, self.noise is not None)
        return free

    def log_prior(self, mixture: Mixture, nuisance: Nuisance) -> float:
        """Normalised log density of weights, means, the prior's coordinates of the covariances, and nuisance variables.

        The coordinates are the distinct precisions, or scales and correlations (LKJ). 0 without a prior.
        """
        return float(self.log_prior_of(mixture.all_weights, mixture.means, mixture.covariances, nuisance))

    def log_prior_of(
        self, weights: NDArray[np.float64], means: NDArray[np.float64], covariances: NDArray[np.float64], nuisance: Nuisance
    ) -> NDArray[np.float64]:
        """:meth:`log_prior` of many draws: all parameters with the same leading axes, which the result has too."""
        if self.prior is None:
            return np.zeros(weights.shape[:-1])
        return (
            self.prior.weights.log_density(weights)
            + self.prior.means.log_density(means, covariances)
            + self.prior.covariances.log_density(self.structure, covariances, nuisance)
        )

    def check(self, observations: Observations) -> None:
        """Raise ValueError if the data cannot be fitted by this model."""
        n, d, k = observations.n_observations, observations.n_features, self.n_components
        distinct = observations.distinct_rows(k) if k <= n else n  # which are not counted where rows are too few already
        if distinct < k:
            rows = f"{n} rows" if k > n else f"{n} rows, {distinct} of them distinct,"
            raise ValueError(f"{rows} cannot be told apart into {told(k)} components: use at most {distinct} or give more data.")
        if self.prior is not None:
            self.prior.check(self.n_weights, self.structure, d)
        if self.frozen is not None and self.frozen.mixture.n_features != d:
            raise ValueError(f"The frozen components have {self.frozen.mixture.n_features} features, the data have {d}.")
        if observations.labels is not None and observations.labels.max() >= k:
            raise ValueError(
                f"labels name component {observations.labels.max()}, but the model has {k} components, numbered from 0."
            )

    def tell_doubts(self, observations: Observations) -> None:
        """Warn of data that can be fitted but cannot tell all.

        Warns
        -----
        DataWarning
            If columns are collinear, or rows no more than parameters.
        """
        d, k = observations.n_features, self.n_components
        if not self.structure.is_diagonal:
            observations.tell_if_collinear()
        if observations.total_weight <= self.n_parameters(d):
            DataWarning.tell(
                f"{observations.total_weight:g} rows for {self.n_parameters(d)} free parameters: the data cannot tell them all. "
                f"Use fewer components (now {k}), a simpler covariance structure (now {self.covariance}), or more data."
            )

    def to_json(self) -> str:
        """The specification as a JSON string."""
        prior = None if self.prior is None else self.prior.to_json()
        about = {"n_components": self.n_components, "covariance": self.covariance, "prior": prior}
        more = {name: part.as_json() for name, part in (("noise", self.noise), ("frozen", self.frozen)) if part is not None}
        return json.dumps({**about, **more})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The specification that :meth:`to_json` described."""
        saved = json.loads(text)
        prior = None if saved["prior"] is None else Prior.from_json(saved["prior"])
        noise = Noise(**saved["noise"]) if "noise" in saved else None
        frozen = Frozen.from_json(saved["frozen"]) if "frozen" in saved else None
        return cls(saved["n_components"], saved["covariance"], prior, noise, frozen)


@dataclass(frozen=True, eq=False)
class MfmSpecification:
    """A Gaussian mixture model whose number of components is unknown: a mixture of finite mixtures.

    Parameters
    ----------
    components_prior : ComponentsPrior
        Of the number of components.
    covariance : str
        Name of the covariance structure.
    prior : Prior
        Of each component; its part for the weights does not count.
    concentration : Concentration
        Of the weights.

    Raises
    ------
    TypeError
        If a part is of another kind.
    """

    components_prior: ComponentsPrior
    covariance: str
    prior: Prior
    concentration: Concentration

    def __post_init__(self) -> None:
        for name, kind in {"components_prior": ComponentsPrior, "prior": Prior, "concentration": Concentration}.items():
            instance_of(getattr(self, name), kind, name)
        object.__setattr__(self, "covariance", find_structure(self.covariance).code)

    @cached_property
    def structure(self) -> Structure:
        """The covariance structure."""
        return find_structure(self.covariance)

    def given(self, n_components: int, each: float | None = None) -> Specification:
        """The model where the number of components is known, and the Dirichlet parameter of each weight; None: a typical one."""
        if each is None:
            each = float(self.concentration.for_components(self.concentration.typical, n_components))
        weights = DirichletWeights(np.asarray(each))
        return Specification(n_components, self.covariance, replace(self.prior, weights=weights))

    def check(self, observations: Observations) -> None:
        """Raise ValueError if the data cannot be fitted by this model."""
        self.given(1).check(observations)

    def sample_numbers(
        self, n_observations: int, size: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw K from its prior, and how many of the components would be filled by so many rows, two arrays (size,)."""
        probabilities = self.components_prior.probabilities
        numbers = rng.choice(len(probabilities), size, p=probabilities) + 1
        concentrations = self.concentration.for_components(self.concentration.sample(size, rng), numbers)
        filled = np.empty(size, np.int64)
        for s, (k, e) in enumerate(zip(numbers, concentrations, strict=True)):
            # a Gamma(e) variable is one of Gamma(e + 1) times U^(1/e): its logarithm does not underflow where e is small
            log_shares = np.log(rng.standard_gamma(e + 1, k)) + np.log1p(-rng.random(k)) / e
            shares = np.exp(log_shares - log_shares.max())
            filled[s] = np.count_nonzero(rng.multinomial(n_observations, shares / shares.sum()))
        return numbers, filled

    def to_json(self) -> str:
        """The specification as a JSON string."""
        parts = {"components_prior": self.components_prior.as_json(), "concentration": self.concentration.as_json()}
        return json.dumps({**parts, "covariance": self.covariance, "prior": self.prior.to_json()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The specification that :meth:`to_json` described."""
        saved = json.loads(text)
        number, concentration = ComponentsPrior(**saved["components_prior"]), Concentration.from_json(saved["concentration"])
        return cls(number, saved["covariance"], Prior.from_json(saved["prior"]), concentration)
