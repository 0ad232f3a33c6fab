"""One climb of EM: from a start to the nearest optimum, or to the place where a component collapses."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bayesgmm.collapse import Yardstick, too_few
from bayesgmm.interruption import Interrupted
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.specification import Specification
from bayesgmm.statistics import SufficientStatistics

ROUNDING = 1e-14  # gains below this share of the objective are noise of the sum over rows


class Status(Enum):
    """How a run of EM ended."""

    CONVERGED = "The gain still to come is below the tolerance."
    MAX_ITERATIONS = "The objective was still rising after max_iterations: raise max_iterations or the tolerance."
    COLLAPSED = "A component collapsed: give a prior, use fewer components, or set regularization."
    INTERRUPTED = "Ctrl-C came before the run had ended: start from its mixture to go on."


@dataclass(frozen=True)
class Settings:
    """When a run stops, and the ridge."""

    max_iterations: int = 5000
    tolerance: float = 1e-8
    regularization: float = 0.0


@dataclass(frozen=True, eq=False)
class Run:
    """EM from one start.

    Attributes
    ----------
    origin : str
        What kind of start it was.
    history : tuple of float
        The objective at each iterate; never falls without ``regularization``.
    detail : str
        What happened, in a sentence with the numbers.
    """

    origin: str
    mixture: Mixture
    nuisance: Nuisance
    log_likelihood: float
    history: tuple[float, ...]
    status: Status
    detail: str

    @property
    def objective(self) -> float:
        """Objective at the last iterate."""
        return self.history[-1]


def climb(
    observations: Observations,
    specification: Specification,
    mixture: Mixture,
    origin: str,
    settings: Settings,
    yardstick: Yardstick,
) -> Run:
    """EM from one start until the gain still to come is negligible, a component collapses, or patience ends.

    Raises
    ------
    Interrupted
        At Ctrl-C, with the run up to its last whole iterate.
    """
    nuisance: Nuisance = {}
    if specification.prior is not None:
        nuisance = specification.prior.covariances.nuisance_mode(specification.structure, mixture.covariances)
    ridge = settings.regularization * yardstick.ridge(specification.structure)
    history: list[float] = []
    iterate: tuple[Mixture, Nuisance, float, int] | None = None

    def run(iterate: tuple[Mixture, Nuisance, float, int], status: Status, reason: str = "") -> Run:
        mixture, nuisance, log_likelihood, length = iterate
        detail = _told(status, reason, length - 1, specification, settings)
        return Run(origin, mixture, nuisance, log_likelihood, tuple(history[:length]), status, detail)

    try:
        while True:
            statistics = mixture.expected_statistics(observations)
            history.append(statistics.log_likelihood + specification.log_prior(mixture, nuisance))
            iterate = mixture, nuisance, statistics.log_likelihood, len(history)  # in one step, which Ctrl-C cannot halve
            reason = too_few(specification, statistics.counts, observations.n_features)
            if reason:
                return run(iterate, Status.COLLAPSED, reason)
            if gain_to_come(history) <= settings.tolerance:
                return run(iterate, Status.CONVERGED)
            if len(history) > settings.max_iterations:
                return run(iterate, Status.MAX_ITERATIONS)
            proposal, proposed_nuisance = maximise(specification, statistics, mixture, nuisance, ridge)
            few = statistics.counts <= specification.structure.few_count(observations.n_features)
            reason = yardstick.collapse(proposal.covariances, few if specification.prior is None else None)
            if reason:
                return run(iterate, Status.COLLAPSED, reason)
            mixture, nuisance = proposal, proposed_nuisance
    except KeyboardInterrupt:
        if iterate is None:
            raise
        raise Interrupted(run(iterate, Status.INTERRUPTED)) from None


def maximise(
    specification: Specification,
    statistics: SufficientStatistics,
    mixture: Mixture,
    nuisance: Nuisance,
    ridge: NDArray[np.float64] | float = 0.0,
) -> tuple[Mixture, Nuisance]:
    """The M-step: each block of parameters at its maximum given the statistics and the blocks before it."""
    structure, prior, counts = specification.structure, specification.prior, statistics.counts
    if prior is None:
        about_means = statistics.about(statistics.means)
        covariances = structure.m_step(counts, about_means.scatter) + ridge
        return Mixture(counts / counts.sum(), about_means.reference, covariances, structure), nuisance
    centres = statistics.reference + statistics.sums / np.where(counts > 0, counts, 1.0)[:, None]
    means = prior.means.conditional_mode(counts, centres, mixture.covariances)
    joined = prior.means.join(statistics.about(means))
    covariances = prior.covariances.conditional_mode(structure, joined.counts, joined.scatter, mixture.covariances, nuisance)
    covariances = covariances + ridge
    weights = prior.weights.conditional_mode(counts)
    return Mixture(weights, means, covariances, structure), prior.covariances.nuisance_mode(structure, covariances)


def gain_to_come(history: list[float]) -> float:
    """What the objective will still gain if its last gains continue as a geometric series (Aitken's rule); inf if unknown."""
    if len(history) < 3:
        return math.inf
    before, last = history[-2] - history[-3], history[-1] - history[-2]
    if abs(last) <= ROUNDING * abs(history[-1]):
        return 0.0
    rate = last / before if before else math.inf
    return abs(last) * max(1.0, rate / (1 - rate)) if 0 <= rate < 1 else math.inf


def _told(status: Status, reason: str, n_iterations: int, specification: Specification, settings: Settings) -> str:
    if status is Status.CONVERGED:
        return f"converged in {n_iterations} iterations."
    if status is Status.MAX_ITERATIONS:
        return f"Still rising after {n_iterations} iterations: raise max_iterations (now {settings.max_iterations})."
    if status is Status.INTERRUPTED:
        return f"Interrupted after {n_iterations} iterations, before it converged: start from its mixture to go on."
    prior = "give a prior, " if specification.prior is None else ""
    return (
        f"{reason[:-1]} after {n_iterations} iterations; {prior}raise regularization (now {settings.regularization:g}), "
        f"or use fewer components (now {specification.n_components})."
    )
