"""Is one more component needed? The likelihood ratio against what it is in data that have no more, by a parametric bootstrap.

The ratio of K to K + 1 components has no chi-squared law, for the smaller model lies on the boundary of the larger one.
"""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm import initialisation
from bayesgmm.climb import Settings, Status
from bayesgmm.em import ABILITIES, ConvergenceWarning, EMResult, best_of
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.starts import default_starts
from bayesgmm.streams import Seed, Use, child, seed_sequence
from bayesgmm.uncertainty.replicates import replicates
from bayesgmm.validation import non_negative, positive_integer, told

type Array = NDArray[np.float64]

MOST_REPLICATES = 1_000_000
MOST_STARTS = 10_000
SETTLED = Settings(tolerance=1e-4)  # of a statistic that varies by some nats
FEW = 0.05  # share of replicates without a null fit that is not worth a warning


@dataclass(frozen=True, eq=False)
class LikelihoodRatioTest:
    """K components against K + 1.

    Attributes
    ----------
    null, alternative : EMResult
        The fits of K and of K + 1 components.
    bootstrap : ndarray of shape (n_finished,)
        The statistic in data drawn from the null fit.
    n_bootstrap : int
        Replicates that were asked for.
    n_collapsed : int
        Replicates that were left out since K components collapsed.
    """

    null: EMResult
    alternative: EMResult
    bootstrap: Array
    n_bootstrap: int
    n_collapsed: int

    @property
    def statistic(self) -> float:
        r""":math:`2(L_{K+1} - L_K)`, in nats; 0 where nothing higher than the null was found."""
        return _statistic(self.null, self.alternative)

    @property
    def p_value(self) -> float:
        r""":math:`(1 + \#\{T^*_b \ge T\}) / (B + 1)`, over the B replicates that there are."""
        return float((1 + np.count_nonzero(self.bootstrap >= self.statistic)) / (1 + len(self.bootstrap)))

    @property
    def partial(self) -> bool:
        """Whether Ctrl-C came before every replicate was fitted."""
        return len(self.bootstrap) + self.n_collapsed < self.n_bootstrap

    @property
    def verdict(self) -> str:
        """What that says, in sentences."""
        k, n = self.null.specification.n_components, len(self.bootstrap)
        smallest = 1 / (n + 1)
        sentences = [
            f"2 (L{k + 1} - L{k}) = {self.statistic:.3f}; of {n} data sets drawn from the fit of {_counted(k)} "
            f"{np.count_nonzero(self.bootstrap >= self.statistic)} have as much or more: p = {self.p_value:.3g}"
            f"{f' (the smallest that {n} replicates can give)' if self.p_value <= smallest else ''}."
        ]
        if self.alternative.status is Status.COLLAPSED:
            sentences.append(f"Every fit of {_counted(k + 1)} collapsed, so that nothing speaks for it.")
        return " ".join(filter(None, (*sentences, self.doubt, self.shortfall)))

    @property
    def doubt(self) -> str:
        """What collapsed replicates mean, in a sentence; empty where there are none."""
        if not self.n_collapsed:
            return ""
        return f"{self.n_collapsed} of {self.n_bootstrap} replicates are left out, since a component of the null collapsed."

    @property
    def shortfall(self) -> str:
        """What an interrupted test lacks, in a sentence; empty for a whole one."""
        if not self.partial:
            return ""
        done = len(self.bootstrap) + self.n_collapsed
        return f"Partial: {done} of {self.n_bootstrap} replicates were fitted when Ctrl-C came."

    def __str__(self) -> str:
        s = self.null.specification
        return (
            f"Bootstrap likelihood-ratio test, {s.covariance}, K = {s.n_components} against {s.n_components + 1}: {self.verdict}"
        )

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class SequentialTest:
    """Tests of 1 against 2 components, 2 against 3 and so on, up to the first that does not reject.

    Attributes
    ----------
    tests : tuple of LikelihoodRatioTest
    level : float
        A test rejects where its p-value is no larger.
    partial : bool
        Whether Ctrl-C came before the tests had come to an end.
    """

    tests: tuple[LikelihoodRatioTest, ...]
    level: float
    partial: bool = False

    @property
    def n_components(self) -> int:
        """The number that was not rejected; one more than the last tested where all were."""
        last = self.tests[-1]
        return last.null.specification.n_components + int(last.p_value <= self.level and not last.partial)

    @property
    def is_settled(self) -> bool:
        """Whether some number was not rejected; few replicates cannot reject, so that an unfinished test settles nothing."""
        return self.tests[-1].p_value > self.level and not self.tests[-1].partial

    @property
    def table(self) -> pd.DataFrame:
        """One row a test: null number of components, log-likelihoods, statistic, p-value, replicates."""
        rows = [
            {
                "n_components": test.null.specification.n_components,
                "log_likelihood": test.null.log_likelihood,
                "statistic": test.statistic,
                "p_value": test.p_value,
                "n_replicates": len(test.bootstrap),
            }
            for test in self.tests
        ]
        return pd.DataFrame(rows).set_index("n_components")

    @property
    def verdict(self) -> str:
        """What that says, in a sentence."""
        if self.is_settled:
            found = f"{_counted(self.n_components).capitalize()} not rejected at level {self.level:g}."
        else:
            rejected = self.n_components - 1
            found = f"Up to {_counted(rejected)} all are rejected at level {self.level:g}" if rejected else "Nothing is settled"
            found += "." if self.partial else ": raise most_components."
        return f"{found} Partial: Ctrl-C came before the last test was done." if self.partial else found

    def __str__(self) -> str:
        return f"{self.verdict}\n{self.table.to_string(float_format='{:.4g}'.format)}"

    __repr__ = __str__


class _Model(NamedTuple):
    """How both models are fitted, to the data and to each replicate alike."""

    null: Specification
    alternative: Specification
    n_init: int

    def fit_alternative(self, null: EMResult, seed: np.random.SeedSequence) -> EMResult:
        """K + 1 components, from each of the null's split in two and from the usual starts."""
        usual = default_starts(null.observations, self.alternative, self.n_init, seed)
        return best_of(null.observations, self.alternative, [*initialisation.splits(null.mixture), *usual], SETTLED)

    def replicate(self, truth: EMResult, seed: np.random.SeedSequence) -> float | None:
        """The statistic in data from the null fit; None where the null collapses there."""
        values, _ = truth.mixture.sample(round(truth.observations.total_weight), seed)
        observations = Observations.from_data(values, names=truth.observations.names)
        null = best_of(observations, self.null, [("truth", truth.mixture)], SETTLED)
        if null.status is Status.COLLAPSED:
            return None
        return _statistic(null, self.fit_alternative(null, seed))


def likelihood_ratio_test(
    X: Any,
    n_components: int,
    covariance: str = "full",
    n_bootstrap: int = 99,
    n_init: int = 10,
    seed: Seed = 0,
    *,
    sample_weight: Any = None,
    progress: bool = True,
) -> LikelihoodRatioTest:
    r"""Test K components against K + 1 by a parametric bootstrap of the likelihood ratio, both fitted by maximum likelihood.

    .. math:: T = 2(L_{K+1} - L_K), \qquad p = \frac{1 + \#\{b : T^*_b \ge T\}}{B + 1}

    Each replicate is drawn from the fit of K components, which is also the start of its own fit of K. K + 1 components are fitted
    to the data and to every replicate in one way: from each component of the null fit split in two, and from ``n_init`` other
    starts. Starts that collapse never win; where all do, nothing higher than the null was found and the statistic is 0.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    n_components : int
        K.
    covariance : str
        Covariance structure of both.
    n_bootstrap : int
        B: the smallest p-value is 1 / (B + 1).
    n_init : int
        Starts besides the splits, and of the null fit to the data.
    seed : int, SeedSequence or Generator
    sample_weight : array-like of shape (n_observations,), optional
        Frequencies: a replicate has as many rows as they sum to.
    progress : bool

    Returns
    -------
    LikelihoodRatioTest

    Warns
    -----
    ConvergenceWarning
        If the null collapsed in more than one replicate in twenty: they are left out.
    PartialWarning
        If Ctrl-C came before every replicate was fitted: the finished ones are returned.

    Raises
    ------
    ValueError
        If K components collapse on the data, or in every replicate.

    References
    ----------
    McLachlan (1987), On bootstrapping the likelihood ratio test statistic for the number of components in a normal mixture,
    doi:10.2307/2347790.

    Examples
    --------
    >>> from bayesgmm import load_dataset
    >>> likelihood_ratio_test(load_dataset("faithful"), 1, n_bootstrap=19, n_init=2, progress=False).p_value
    0.05
    """
    k = positive_integer(n_components, "n_components")
    observations = Observations.from_data(X, sample_weight)
    return _tested(observations, k, covariance, _checked(n_bootstrap, n_init), seed_sequence(seed), progress)


def sequential_likelihood_ratio_tests(
    X: Any,
    most_components: int = 9,
    covariance: str = "full",
    level: float = 0.05,
    n_bootstrap: int = 99,
    n_init: int = 10,
    seed: Seed = 0,
    *,
    sample_weight: Any = None,
    progress: bool = True,
) -> SequentialTest:
    """Test 1 component against 2, then 2 against 3, until one is not rejected.

    Parameters
    ----------
    X, covariance, n_bootstrap, n_init, seed, sample_weight, progress
        As for :func:`likelihood_ratio_test`.
    most_components : int
        The largest number that is tested.
    level : float
        Of each test; that more components are found than there are has about this probability.

    Returns
    -------
    SequentialTest

    Warns
    -----
    PartialWarning
        If Ctrl-C came after the first test: the finished ones are returned.

    Raises
    ------
    ValueError
        If ``level`` is below the smallest p-value, 1 / (n_bootstrap + 1), so that nothing could be rejected; or as for one test.
    """
    most, settings, root = (
        positive_integer(most_components, "most_components"),
        _checked(n_bootstrap, n_init),
        seed_sequence(seed),
    )
    smallest = 1 / (settings[0] + 1)
    if not smallest <= non_negative(level, "level") < 1:
        raise ValueError(
            f"level must be at least 1 / (n_bootstrap + 1) = {smallest:.3g}, the smallest p-value, and below 1, got "
            f"{told(level)}: raise n_bootstrap for a smaller level."
        )
    observations, tests = Observations.from_data(X, sample_weight), list[LikelihoodRatioTest]()
    try:
        for k in range(1, most + 1):
            tests.append(_tested(observations, k, covariance, settings, root, progress))
            if tests[-1].p_value > level or tests[-1].partial:
                break
    except KeyboardInterrupt:
        if not tests:
            raise
        result = SequentialTest(tuple(tests), level, partial=True)
        warnings.warn(result.verdict, PartialWarning, stacklevel=2)
        return result
    return SequentialTest(tuple(tests), level, partial=tests[-1].partial)


def _checked(n_bootstrap: Any, n_init: Any) -> tuple[int, int]:
    return positive_integer(n_bootstrap, "n_bootstrap", MOST_REPLICATES), positive_integer(n_init, "n_init", MOST_STARTS)


def _tested(
    observations: Observations,
    k: int,
    covariance: str,
    settings: tuple[int, int],
    root: np.random.SeedSequence,
    progress: bool,
) -> LikelihoodRatioTest:
    if observations.has_missing or observations.is_labelled:
        raise ValueError(
            "Replicates have no missing cells and no known labels, as these data have: leave such rows out and the labels away."
        )
    n_bootstrap, n_init = settings
    (_, smaller), (_, larger) = (ABILITIES.door(observations, number, covariance, None) for number in (k, k + 1))
    model = _Model(smaller, larger, n_init)
    null = best_of(observations, smaller, list(default_starts(observations, smaller, n_init, root)), SETTLED)
    if null.status is Status.COLLAPSED:
        raise ValueError(f"{_counted(k).capitalize()} cannot be tested: {null.detail}")
    alternative = model.fit_alternative(null, root)

    def replicate(number: int) -> float | None:
        return model.replicate(null, child(root, Use.LIKELIHOOD_RATIO, k, number))

    abreast = observations.abreast(n_bootstrap, k, smaller.structure.is_diagonal)
    found, _ = replicates(replicate, n_bootstrap, abreast, progress, f"K = {k} against {k + 1}")
    statistics = np.array([each for each in found if each is not None])
    if not len(statistics):
        raise ValueError(f"{_counted(k).capitalize()} collapsed in all {len(found)} replicates: test fewer components.")
    test = LikelihoodRatioTest(null, alternative, statistics, n_bootstrap, len(found) - len(statistics))
    if test.partial:
        warnings.warn(test.shortfall, PartialWarning, stacklevel=3)
    if test.n_collapsed > FEW * len(found):
        warnings.warn(test.doubt, ConvergenceWarning, stacklevel=3)
    return test


def _statistic(null: EMResult, alternative: EMResult) -> float:
    """2 (L1 - L0). The null is a limit of the larger model, so that less than 0 means that the search ended too low."""
    if alternative.status is Status.COLLAPSED:
        return 0.0
    return max(0.0, 2 * (alternative.log_likelihood - null.log_likelihood))


def _counted(k: int) -> str:
    return "1 component" if k == 1 else f"{k} components"
