"""scikit-learn's EM by this package's pass over the data: reg_covar in each M-step, and its rule of when to stop.

A problem of its own beside :func:`bayesgmm.fit_em`: with an absolute ridge the answer exists for any data, also where columns do
not vary or a component holds one row, and it is no maximum of the likelihood.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.climb import maximise
from bayesgmm.collapse import Yardstick, too_few
from bayesgmm.covariance import Structure
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification

NOBODY = 10 * np.finfo(np.float64).eps  # rows that every component holds at least, as in scikit-learn: one left by all stays put


@dataclass(frozen=True)
class Rules:
    """The ridge, in squared units of the data, and when a run stops: at a mean gain of a row below the tolerance, in nats."""

    reg_covar: float
    tolerance: float
    max_iterations: int

    def ridge(self, n_features: int) -> NDArray[np.float64]:
        """What each M-step adds to each covariance; every structure allows it."""
        return self.reg_covar * np.eye(n_features)


@dataclass(frozen=True, eq=False)
class Ascent:
    """EM from one start.

    Attributes
    ----------
    mixture : Mixture
    lower_bounds : tuple of float
        Mean log-likelihood of a row before each M-step.
    settled : bool
        Whether the last gain was below the tolerance.
    collapse : str
        Why a component counts as collapsed, so that only ``reg_covar`` holds it; nothing where none does.
    """

    mixture: Mixture
    lower_bounds: tuple[float, ...]
    settled: bool
    collapse: str

    @property
    def lower_bound(self) -> float:
        """The last one."""
        return self.lower_bounds[-1] if self.lower_bounds else -np.inf

    @property
    def complaint(self) -> str:
        """Why the estimate is none of the data alone, in a sentence with what to do; nothing where it is."""
        if self.collapse:
            return f"{self.collapse} Its covariance is what reg_covar makes of it: use fewer components or raise reg_covar."
        if not self.settled and self.lower_bounds:
            return f"Still rising after {len(self.lower_bounds)} iterations: raise max_iter or tol."
        return ""


@dataclass
class Narrator:
    """Prints what scikit-learn prints: nothing, what happens, or that with times and gains."""

    verbose: int
    interval: int
    _since: list[float] = field(default_factory=lambda: [time.perf_counter()] * 2)

    def begins(self, number: int) -> None:
        """A run from a start."""
        self._since = [time.perf_counter()] * 2
        self._say(f"Initialization {number}")

    def goes_on(self, n_iterations: int, gain: float) -> None:
        """An iteration was made."""
        if n_iterations % self.interval == 0:
            self._say(f"  Iteration {n_iterations}", f"\t time lapse {self._lapse(1):.5f}s\t ll change {gain:.5f}")

    def ends(self, ascent: Ascent) -> None:
        """A run came to its end."""
        fate = "converged" if ascent.settled else "did not converge"
        self._say(f"Initialization {fate}.", f" time lapse {self._lapse(0):.5f}s\t lower bound {ascent.lower_bound:.5f}.")

    def _lapse(self, which: int) -> float:
        before, self._since[which] = self._since[which], time.perf_counter()
        return self._since[which] - before

    def _say(self, what: str, more: str = "") -> None:
        if self.verbose:
            print(what + (more if self.verbose > 1 else ""))  # noqa: T201  that is what verbose asks for


def best_ascent(
    observations: Observations,
    specification: Specification,
    starts: Sequence[Mixture],
    rules: Rules,
    narrator: Narrator,
    before: float = -np.inf,
) -> Ascent:
    """The ascent that ends highest, among those in which no component collapsed where there are any.

    ``before`` is the lower bound from which a start is carried on.
    """
    with kernels.kept_threads():
        ascents = []
        for number, start in enumerate(starts):
            narrator.begins(number)
            ascents.append(ascend(observations, specification, start, rules, narrator, before))
            narrator.ends(ascents[-1])
    return max([ascent for ascent in ascents if not ascent.collapse] or ascents, key=lambda ascent: ascent.lower_bound)


def ascend(
    observations: Observations,
    specification: Specification,
    start: Mixture,
    rules: Rules,
    narrator: Narrator,
    before: float = -np.inf,
) -> Ascent:
    """EM from one start."""
    mixture, bounds, settled, counts = start, [before], False, None
    ridge = rules.ridge(observations.n_features)
    require_factors(mixture, rules)
    while len(bounds) <= rules.max_iterations and not settled:
        statistics = mixture.expected_statistics(observations)
        statistics = replace(statistics, counts=statistics.counts + NOBODY)
        mixture, _ = maximise(specification, statistics, mixture, {}, ridge)
        require_factors(mixture, rules)
        counts = statistics.counts
        bounds.append(statistics.log_likelihood / observations.n_observations)
        gain = bounds[-1] - bounds[-2]
        settled = bool(abs(gain) < rules.tolerance)
        narrator.goes_on(len(bounds) - 1, gain)
    collapse = "" if counts is None else _collapse(observations, specification, mixture, counts)
    return Ascent(mixture, tuple(bounds[1:]), settled, collapse)


def require_factors(mixture: Mixture, rules: Rules) -> None:
    """Raise ValueError if a covariance is singular."""
    try:
        with np.errstate(divide="raise", invalid="raise"):
            _ = mixture.precision_factors  # kept for the next pass
    except (np.linalg.LinAlgError, FloatingPointError):
        raise ValueError(
            "A covariance became singular: a component holds too few distinct rows, or columns do not vary or determine one "
            f"another. Raise reg_covar (now {rules.reg_covar:g}), use fewer components (now {mixture.n_components}), or scale "
            "the columns to be of one size."
        ) from None


def _collapse(observations: Observations, specification: Specification, mixture: Mixture, counts: NDArray[np.float64]) -> str:
    """Why a component counts as collapsed, or nothing; columns that do not vary are not looked at."""
    varying = np.flatnonzero(observations.ranges)
    if not varying.size:
        return ""
    reason = too_few(specification, counts, varying.size)
    if reason:
        return reason
    few = counts <= specification.structure.few_count(varying.size)
    yardstick = Yardstick.of(columns(observations, varying))
    return yardstick.collapse(mixture.covariances[:, varying[:, None], varying], few)


def columns(observations: Observations, chosen: NDArray[np.int64]) -> Observations:
    """Some of the features."""
    if len(chosen) == observations.n_features:
        return observations
    values = np.ascontiguousarray(observations.values[:, chosen])
    return Observations(values, observations.weights, tuple(observations.names[j] for j in chosen))


def with_ridge(matrices: NDArray[np.float64], structure: Structure, rules: Rules) -> NDArray[np.float64]:
    """Covariances (K, d, d) and the ridge, made to be of the structure."""
    return structure.tied(matrices + rules.ridge(matrices.shape[-1]))
