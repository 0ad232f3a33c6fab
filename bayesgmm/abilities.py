"""What each engine can fit, and the sentence said where it cannot: the door that every fit goes through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bayesgmm.observations import Observations
from bayesgmm.prior import Prior
from bayesgmm.specification import Specification

ROW_WEIGHTS = "row weights"
INSTEAD = {ROW_WEIGHTS: "fit by EM, or repeat rows that count several times"}  # where a feature of the data is not taken

type Requirement = Callable[[Specification], str]  # why a specification cannot be fitted, or nothing


@dataclass(frozen=True)
class Abilities:
    """What one engine can fit.

    Attributes
    ----------
    engine : str
        Its name in sentences.
    data : frozenset of str
        What data may have beyond complete rows that count once: keys of ``INSTEAD``.
    requirements : tuple of callable
        What it needs of a specification.
    default_prior : bool
        Whether it takes the weakly informative prior where none is given.
    """

    engine: str
    data: frozenset[str]
    requirements: tuple[Requirement, ...]
    default_prior: bool

    def refusal(self, specification: Specification, data: frozenset[str] = frozenset()) -> str:
        """Why a specification and data with these features cannot be fitted, and what can be done; nothing where they can."""
        untaken = [f"{self.engine} does not take {feature}: {INSTEAD[feature]}." for feature in sorted(data - self.data)]
        return " ".join([*untaken, *filter(None, (lacks(specification) for lacks in self.requirements))])

    def door(
        self, X: Any, n_components: int, covariance: str, prior: Prior | None, sample_weight: Any = None
    ) -> tuple[Observations, Specification]:
        """The pair of checked data and model, if this engine can fit it."""
        observations = Observations.from_data(X, sample_weight)
        if prior is None and self.default_prior:
            prior = Prior.weakly_informative(observations, covariance)
        specification = Specification(n_components, covariance, prior)
        self.require(observations, specification)
        specification.tell_doubts(observations)
        return observations, specification

    def require(self, observations: Observations, specification: Specification) -> None:
        """Raise ValueError if this engine cannot fit the pair."""
        refusal = self.refusal(specification, features_of(observations))
        if refusal:
            raise ValueError(refusal)
        specification.check(observations)


def features_of(observations: Observations) -> frozenset[str]:
    """What the data have beyond complete rows that count once."""
    return frozenset({ROW_WEIGHTS} if observations.is_weighted else ())


def needs_mode(specification: Specification) -> str:
    """A MAP needs a prior that has a mode."""
    return "" if specification.prior is None else specification.prior.why_no_mode
