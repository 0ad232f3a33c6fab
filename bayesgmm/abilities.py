"""What each engine can fit, and the sentence said where it cannot: the door that every fit goes through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bayesgmm.noise import Noise
from bayesgmm.observations import Observations
from bayesgmm.prior import Prior
from bayesgmm.specification import Specification

ROW_WEIGHTS, MISSING, LABELS, NOISE, FROZEN = "row weights", "missing cells", "known labels", "noise", "frozen parameters"
STORED = "rows that are not in memory"
INSTEAD = {  # what can be done where it is not taken
    ROW_WEIGHTS: "fit by EM, or repeat rows that count several times",
    MISSING: "fit by EM, or leave rows with missing cells out",
    LABELS: "fit by EM, or fit the rows of unknown label alone",
    NOISE: "fit by EM, or give the noise a component of its own",
    FROZEN: "fit by EM, or give a narrow prior",
    STORED: "fit by EM, draw by fit_bayes with engine='gibbs' or 'laplace', or read them into memory first",
}

type Requirement = Callable[[Specification], str]  # why a specification cannot be fitted, or nothing


@dataclass(frozen=True)
class Abilities:
    """What one engine can fit.

    Attributes
    ----------
    engine : str
        Its name in sentences.
    data : frozenset of str
        What it takes beyond complete rows that count once and a mixture of normals alone: keys of ``INSTEAD``.
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
        """Why a specification and what comes with it cannot be fitted, and what can be done; nothing where they can."""
        untaken = [f"{self.engine} does not take {feature}: {INSTEAD[feature]}." for feature in sorted(data - self.data)]
        return " ".join([*untaken, *filter(None, (lacks(specification) for lacks in self.requirements))])

    def door(
        self,
        X: Any,
        n_components: int,
        covariance: str,
        prior: Prior | None,
        sample_weight: Any = None,
        labels: Any = None,
        allow_missing: bool = False,
        noise: Any = None,
        frozen: Any = None,
    ) -> tuple[Observations, Specification]:
        """The pair of checked data and model, if this engine can fit it."""
        observations = Observations.from_data(X, sample_weight, labels=labels, allow_missing=allow_missing)
        if prior is None and self.default_prior:
            prior = Prior.weakly_informative(observations, covariance)
        specification = Specification(n_components, covariance, prior, Noise.of(observations, noise), frozen)
        self.require(observations, specification)
        specification.tell_doubts(observations)
        return observations, specification

    def require(self, observations: Observations, specification: Specification) -> None:
        """Raise ValueError if this engine cannot fit the pair."""
        refusal = self.refusal(specification, features_of(observations, specification))
        if refusal:
            raise ValueError(refusal)
        specification.check(observations)


def features_of(observations: Observations, specification: Specification) -> frozenset[str]:
    """What there is beyond complete rows that count once and a mixture of normals alone."""
    there = {
        ROW_WEIGHTS: observations.is_weighted,
        MISSING: observations.has_missing,
        LABELS: observations.is_labelled,
        NOISE: specification.noise is not None,
        FROZEN: specification.frozen is not None,
        STORED: observations.is_stored,
    }
    return frozenset(feature for feature, is_there in there.items() if is_there)


def needs_precisions(sentence: str) -> Requirement:
    """A prior on covariances by way of precisions is needed; the sentence that says why has ``{kind}`` for that of another."""

    def lacks(specification: Specification) -> str:
        prior = specification.prior
        return "" if prior is None or prior.is_of_precisions else sentence.format(kind=repr(prior.covariances.kind))

    return lacks


def needs_mode(specification: Specification) -> str:
    """A MAP needs a prior that has a mode."""
    return "" if specification.prior is None else specification.prior.why_no_mode
