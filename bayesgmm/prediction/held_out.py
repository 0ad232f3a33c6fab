"""How well a mixture foretells rows it has not seen: the score of new rows, and cross-validation of EM."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.climb import Status
from bayesgmm.em import ConvergenceWarning, EMResult, fit_em
from bayesgmm.interruption import PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.noise import Noise
from bayesgmm.observations import Observations
from bayesgmm.streams import Seed, Use, child, folds, seed_sequence
from bayesgmm.validation import instance_of, integer_array, number_of_folds

type Array = NDArray[np.float64]


def score(mixture: Mixture, X: Any) -> float:
    r"""Mean log density of a row, in nats: of rows that the mixture was not fitted to, how well it foretells. Higher is better.

    .. math:: \tfrac1n\sum_i \log p(x_i)

    Parameters
    ----------
    mixture : Mixture
    X : array-like of shape (n_observations, n_features)
        Data, in the units used for fitting.

    Raises
    ------
    ValueError
        If ``X`` is not finite or has another number of features than the mixture.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])
    >>> round(score(m, [[0.0], [3.0]]), 4)
    -1.601
    """
    instance_of(mixture, Mixture, "mixture")
    return float(mixture.log_density(X).mean())


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Each row's log density under the fit to the rows outside its fold.

    With the same seed, data and number of folds two models leave out the same rows: compare them by the differences of
    ``pointwise``, whose error is smaller than that of either total.

    Attributes
    ----------
    pointwise : ndarray of shape (n_observations,)
        Log density in nats, higher is better; NaN for the rows of a fold without which a component collapsed.
    weights : ndarray of shape (n_observations,)
        Row weights.
    folds : ndarray of shape (n_observations,)
        The fold of each row, 0..n_folds-1.
    statuses : tuple of Status
        How EM ended without each fold.
    """

    pointwise: Array
    weights: Array
    folds: NDArray[np.int64]
    statuses: tuple[Status, ...]

    def __repr__(self) -> str:
        n, most = len(self.pointwise), f"{self.total:.2f} nats, standard error {self.standard_error:.2f}"
        lost = f"; folds {list(self.collapsed)} collapsed" if self.collapsed else ""
        return f"Held-out log density of {n} rows in {self.n_folds} folds: {most}{lost}"

    @property
    def n_folds(self) -> int:
        """Fits that were made."""
        return len(self.statuses)

    @property
    def collapsed(self) -> tuple[int, ...]:
        """Folds without which a component collapsed."""
        return tuple(g for g, status in enumerate(self.statuses) if status is Status.COLLAPSED)

    @property
    def total(self) -> float:
        """Held-out log density of all rows, in nats; higher is better, NaN where a fold collapsed."""
        return float(self.weights @ self.pointwise)

    @property
    def standard_error(self) -> float:
        """Of the total, from the spread of the rows."""
        n = float(self.weights.sum())
        variance = self.weights @ (self.pointwise - self.total / n) ** 2 / (n - 1) if n > 1 else math.nan
        return float(np.sqrt(n * variance))


def cross_validate(
    X: Any,
    n_components: int,
    covariance: str = "full",
    n_folds: int = 10,
    seed: Seed = 0,
    *,
    start: Any = None,
    sample_weight: Any = None,
    labels: Any = None,
    allow_missing: bool = False,
    noise: Any = None,
    **settings: Any,
) -> CrossValidation:
    """Cross-validated log density of a mixture fitted by EM: the likelihood as a criterion that needs no penalty.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    n_components : int
    covariance : str
    n_folds : int
        From 2 to the number of rows; as many as rows is leave-one-out.
    seed : int, SeedSequence or Generator
        Of the folds and the starts. Folds are those that :func:`bayesgmm.kfold` draws.
    start : Mixture or array-like of shape (n_observations,), optional
        The only start of each fit, as :func:`fit_em` takes it; of labels each fit gets those of its rows.
    sample_weight : array-like of shape (n_observations,), optional
        Row weights, of fits and totals. Rows that repeat are better given as weights: here and there they stay in one fold.
    labels, allow_missing, noise
        As for :func:`fit_em`. Labels help the fits; held-out rows count by their density whatever their label. The box of noise
        is that of all rows in each fit.
    **settings
        Further ones of :func:`fit_em`, such as ``prior`` (held fixed) and ``n_init``.

    Returns
    -------
    CrossValidation

    Warns
    -----
    ConvergenceWarning
        If a component collapsed in some fit, or EM was still rising.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds or more than rows, or what a fold leaves cannot be fitted.

    References
    ----------
    Smyth (2000), Model selection for probabilistic clustering using cross-validated likelihood, doi:10.1023/A:1008940618127.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X = bg.load_dataset("faithful")
    >>> one, two = (cross_validate(X, n_components, n_folds=5) for n_components in (1, 2))
    >>> two.total - one.total > 2 * two.standard_error
    True
    """
    observations = Observations.from_data(X, sample_weight, labels=labels, allow_missing=allow_missing)
    root, settings = seed_sequence(seed), {**settings, "noise": Noise.of(observations, noise)}
    n = observations.n_observations
    n_folds = number_of_folds(n_folds, n)
    if start is not None and not isinstance(start, Mixture | EMResult | str):  # labels are the only start that has rows
        start = integer_array(start, "start (a Mixture, or a label for each row)", (n,))
    pointwise, fold, fits = np.empty(n), np.empty(n, dtype=np.int64), []
    for g, rows in enumerate(folds(n, n_folds, root)):
        kept = np.setdiff1d(np.arange(n), rows)
        own = start[kept] if isinstance(start, np.ndarray) else start
        try:
            em = _fit(_part(observations, kept), n_components, covariance, child(root, Use.REFIT, g), start=own, **settings)
        except ValueError as error:
            error.add_note(f"This is of the rows that are left without fold {g} of 0..{n_folds - 1}.")
            raise
        # a spike of a collapsed component on one of many equal rows would give its twins, left out, any density
        pointwise[rows] = math.nan if em.status is Status.COLLAPSED else em.mixture.log_density(observations.rows(rows))
        fold[rows] = g
        fits.append(em)
    _tell_unconverged(fits)
    return CrossValidation(pointwise, observations.weights, fold, tuple(em.status for em in fits))


def _part(observations: Observations, rows: NDArray[np.int64]) -> Observations:
    part = observations.rows(rows)
    return Observations.from_data(part, part.weights)


def _fit(rows: Observations, n_components: int, covariance: str, seed: Seed, **settings: Any) -> EMResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told once for all folds
        warnings.simplefilter("ignore", PartialWarning)
        em = fit_em(rows, n_components, covariance, seed=seed, **settings)
    if em.partial:
        raise KeyboardInterrupt
    return em


def _tell_unconverged(fits: list[EMResult]) -> None:
    bad = [g for g, em in enumerate(fits) if not em.converged]
    if bad:
        warnings.warn(
            f"Without fold {', '.join(map(str, bad))} of 0..{len(fits) - 1} EM did not end at an interior optimum; rows left "
            f"out of a fit that collapsed have no held-out density. First: {fits[bad[0]].detail}",
            ConvergenceWarning,
            stacklevel=3,
        )
