"""One climb of EM: from a start to the nearest optimum, or to the place where a component collapses."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bayesgmm.acceleration import PLAIN, Anderson, Derivative, Newton
from bayesgmm.collapse import Yardstick, too_few
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.specification import Specification
from bayesgmm.statistics import SufficientStatistics

REST = 3  # iterates of EM alone by which the gain still to come is judged, once a guess has gained next to nothing
# A climb is given up that at the pace of its last PACE iterates would not catch up within HORIZON times their number.
PACE, HORIZON = 20, 40.0


class Status(Enum):
    """How a run of EM ended."""

    CONVERGED = "The gain still to come is below the tolerance."
    OVERTAKEN = "Another start ended higher than this one would come: it was not followed to its end."
    MAX_ITERATIONS = "The objective was still rising after max_iterations: raise max_iterations or the tolerance."
    COLLAPSED = "A component collapsed: give a prior, use fewer components, or set regularization."
    INTERRUPTED = "Ctrl-C came before the run had ended: start from its mixture to go on."


@dataclass(frozen=True)
class Settings:
    """When a run stops, whether it is accelerated, and the ridge."""

    max_iterations: int = 5000
    tolerance: float = 1e-8
    regularization: float = 0.0
    accelerate: bool = True


@dataclass(frozen=True, eq=False)
class Run:
    """EM from one start.

    Attributes
    ----------
    origin : str
        What kind of start it was.
    history : tuple of float
        The objective at each iterate; never falls without ``regularization``.
    n_passes : int
        Passes over the data, one an iterate and one a guess of the acceleration that was no better.
    detail : str
        What happened, in a sentence with the numbers.
    """

    origin: str
    mixture: Mixture
    nuisance: Nuisance
    log_likelihood: float
    history: tuple[float, ...]
    n_passes: int
    status: Status
    detail: str

    @property
    def objective(self) -> float:
        """Objective at the last iterate."""
        return self.history[-1]


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where a climb is: what EM made of the last iterate, or a guess of the acceleration.

    Attributes
    ----------
    number : int
        How many came before it.
    n_plain : int
        How many, this one among them, EM has made in a row: 0 for the start and for a guess.
    """

    mixture: Mixture
    nuisance: Nuisance
    log_likelihood: float
    number: int
    n_plain: int


class Climb:
    """EM from one start, as far as it has come.

    Ctrl-C may come before any line: ``here`` is replaced in one step, and only the objectives up to its number count.
    """

    def __init__(
        self,
        observations: Observations,
        specification: Specification,
        start: Mixture,
        origin: str,
        settings: Settings,
        yardstick: Yardstick,
        learnt: Derivative | None = None,
        after_pass: Callable[["Climb"], None] | None = None,
    ) -> None:
        self.observations, self.specification, self.settings, self.yardstick = observations, specification, settings, yardstick
        self.origin, self.n_passes, self.is_stopped = origin, 0, False
        self._after_pass = after_pass
        self.here: Iterate | None = None
        self.end: tuple[Status, str] | None = None
        self._objectives: list[float] = []
        plain = PLAIN if settings.accelerate else math.inf
        self._acceleration = Anderson(plain) if learnt is None else Newton(learnt)
        ridge = settings.regularization * yardstick.ridge(specification.structure)
        self._ridge = ridge if settings.regularization else None
        self._held = np.zeros(specification.n_components, bool)  # which cannot collapse
        if specification.frozen is not None:
            self._held[list(specification.frozen.components)] = True
        self._any_held = bool(self._held.any())
        few_count = specification.structure.few_count(observations.n_features)
        self._few_count = few_count if specification.prior is None else -math.inf
        self._image = self._next = start, nuisance_of(specification, start)

    @property
    def objective(self) -> float:
        """At the last iterate."""
        return -math.inf if self.here is None else self._objectives[self.here.number]

    def advance(self, n_passes: float = math.inf, to_beat: float = -math.inf) -> None:
        """Go on to the end, or for so many passes, or until it is plain that ``to_beat`` will not be reached."""
        last = self.n_passes + n_passes
        while self.end is None and self.n_passes < last and not self.is_stopped:
            self._pass()
            if self._after_pass is not None:
                self._after_pass(self)
            if self.end is None and to_beat > -math.inf and self._is_behind(to_beat):
                self.end = Status.OVERTAKEN, f"{to_beat:.4f}"

    @property
    def passes_to_come(self) -> float:
        """How many, if its last gains continue as a geometric series; inf if unknown."""
        if len(self._objectives) < 3:
            return math.inf
        before, last = np.diff(self._objectives[-3:])
        left, tolerance = gain_to_come(self._objectives[-3:], self.observations.rounding), self.settings.tolerance
        if self.end is not None or left <= tolerance:
            return 0.0
        return math.log(tolerance / left) / math.log(last / before) if tolerance and 0 < last < before else math.inf

    @property
    def has_begun(self) -> bool:
        """Whether there is an iterate."""
        return self.here is not None

    def run(self) -> Run:
        """What there is of it, once it has begun."""
        here = self._begun()
        status, reason = self.end or (Status.INTERRUPTED, "")
        detail = _told(status, reason, here.number, self.specification, self.settings)
        history = tuple(self._objectives[: here.number + 1])
        return Run(self.origin, here.mixture, here.nuisance, here.log_likelihood, history, self.n_passes, status, detail)

    def _pass(self) -> None:
        """One pass over the data: the next iterate and what EM makes of it, or a guess found to be no better."""
        (mixture, nuisance), is_guess = self._next, self._next is not self._image
        statistics = mixture.expected_statistics(self.observations)
        objective = statistics.log_likelihood + self.specification.log_prior(mixture, nuisance)
        self.n_passes += 1
        gain = objective - self.objective
        if is_guess and not gain >= -self.observations.rounding * abs(objective):
            self._acceleration.lost()
            self._next = self._image
            return
        if is_guess:
            self._acceleration.won(REST if gain <= self.settings.tolerance and not self._acceleration.is_steady else 0)
        number, n_plain = (0, 0) if self.here is None else (self.here.number + 1, self.here.n_plain + 1)
        self._objectives[number:] = [objective]
        self.here = Iterate(mixture, nuisance, statistics.log_likelihood, number, 0 if is_guess else n_plain)
        counts = np.where(self._held, np.inf, statistics.counts) if self._any_held else statistics.counts
        few = None if counts.min() > self._few_count else counts <= self._few_count
        self.end = self._judged(self.here, counts, few) or self._prepared(self.here, statistics, few)

    def _judged(self, here: Iterate, counts: NDArray[np.float64], few: NDArray[np.bool_] | None) -> tuple[Status, str] | None:
        """The end, if the last iterate is one."""
        reason = "" if few is None else too_few(self.specification, counts, self.observations.n_features)
        if reason:
            return Status.COLLAPSED, reason
        enough = here.n_plain >= (2 if here.n_plain == here.number else REST) or (
            self._acceleration.is_steady and here.number >= 2
        )
        if enough and gain_to_come(self._objectives[-3:], self.observations.rounding) <= self.settings.tolerance:
            return Status.CONVERGED, ""
        return (Status.MAX_ITERATIONS, "") if here.number >= self.settings.max_iterations else None

    def _prepared(
        self, here: Iterate, statistics: SufficientStatistics, few: NDArray[np.bool_] | None
    ) -> tuple[Status, str] | None:
        """Find what is looked at next; the end, if it has collapsed."""
        image, nuisance = maximise(self.specification, statistics, here.mixture, here.nuisance, self._ridge)
        reason = self._collapse(image, few)
        if reason:
            return Status.COLLAPSED, reason
        self._next = self._image = image, nuisance
        guess = self._acceleration.guess(here.mixture, image)
        if guess is not None and self.specification.frozen is not None:
            guess = self.specification.frozen.onto(guess)
        if guess is not None and not self._collapse(guess, few):
            self._next = guess, nuisance_of(self.specification, guess)
        return None

    def _collapse(self, mixture: Mixture, few: NDArray[np.bool_] | None) -> str:
        """Why a component counts as collapsed, or nothing."""
        free = mixture.covariances
        if self._any_held:
            free = np.where(self._held[:, None, None], np.diag(self.yardstick.variances), free)
        return self.yardstick.collapse(free, few)

    def _begun(self) -> Iterate:
        if self.here is None:
            raise RuntimeError("A climb that has not begun has no iterate.")
        return self.here

    def _is_behind(self, to_beat: float) -> bool:
        """Whether ``to_beat`` is out of reach at the pace of the last iterates."""
        if self._begun().number < PACE:
            return False
        gained = self._objectives[-1] - self._objectives[-1 - PACE]
        return self._objectives[-1] + HORIZON * gained < to_beat


def maximise(
    specification: Specification,
    statistics: SufficientStatistics,
    mixture: Mixture,
    nuisance: Nuisance,
    ridge: NDArray[np.float64] | None = None,
) -> tuple[Mixture, Nuisance]:
    """The M-step: each block of parameters at its maximum given the statistics and the blocks before it."""
    image = _likeliest(specification, statistics, mixture, nuisance, ridge)
    if specification.frozen is not None:
        image = specification.frozen.onto(image)
    return image, nuisance_of(specification, image)


def nuisance_of(specification: Specification, mixture: Mixture) -> Nuisance:
    """The prior's own variables at their mode."""
    if specification.prior is None:
        return {}
    return specification.prior.covariances.nuisance_mode(specification.structure, mixture.covariances)


def _likeliest(
    specification: Specification,
    statistics: SufficientStatistics,
    mixture: Mixture,
    nuisance: Nuisance,
    ridge: NDArray[np.float64] | None,
) -> Mixture:
    """The mixture of the M-step with all parameters free."""
    structure, prior, counts = specification.structure, specification.prior, statistics.counts
    all_counts = counts if specification.noise is None else np.append(counts, statistics.noise_count)
    if prior is None:
        about_means = statistics.centred()
        scatter = about_means.scatter
        if ridge is not None:  # as scatter it is added to each covariance and leaves the structure as it is
            scatter = scatter + np.multiply.outer(counts, ridge.diagonal() if statistics.is_diagonal else ridge)
        covariances = structure.m_step(counts, scatter, near=mixture.covariances)
        return _weighted(all_counts / all_counts.sum(), about_means.reference, covariances, specification)
    centres = statistics.reference + statistics.sums / np.where(counts > 0, counts, 1.0)[:, None]
    means = prior.means.conditional_mode(counts, centres, mixture.covariances)
    joined = prior.means.join(statistics.about(means))
    covariances = prior.covariances.conditional_mode(structure, joined.counts, joined.scatter, mixture.covariances, nuisance)
    covariances = covariances if ridge is None else covariances + ridge
    return _weighted(prior.weights.conditional_mode(all_counts), means, covariances, specification)


def _weighted(
    weights: NDArray[np.float64], means: NDArray[np.float64], covariances: NDArray[np.float64], specification: Specification
) -> Mixture:
    """A mixture of the specified kind from all its weights, that of the noise last."""
    if specification.noise is None:
        return Mixture(weights, means, covariances, specification.structure)
    return Mixture(weights[:-1].copy(), means, covariances, specification.structure, specification.noise, float(weights[-1]))


def gain_to_come(history: list[float], rounding: float) -> float:
    """What the objective will still gain if its last gains continue as a geometric series (Aitken's rule); inf if unknown.

    Nothing where the last gain is no more than ``rounding``, a share of the objective.
    """
    before, last = history[-2] - history[-3], history[-1] - history[-2]
    if abs(last) <= rounding * abs(history[-1]):
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
    if status is Status.OVERTAKEN:
        return f"Given up after {n_iterations} iterations: at its pace it would not have come up to another start's {reason}."
    prior = "give a prior, " if specification.prior is None else ""
    return (
        f"{reason[:-1]} after {n_iterations} iterations; {prior}raise regularization (now {settings.regularization:g}), "
        f"or use fewer components (now {specification.n_components})."
    )
