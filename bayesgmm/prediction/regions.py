"""Highest-density regions: the level that bounds one, and which rows lie far out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from bayesgmm.mixture import Mixture
from bayesgmm.prediction.line import Line
from bayesgmm.prediction.normal import normal_mixture
from bayesgmm.streams import Seed, Use, child, seed_sequence
from bayesgmm.validation import positive_integer, probability

type Array = NDArray[np.float64]

MOST_DRAWS = 10_000_000
TOLERANCE = 1e-16  # of a level that is solved for: to its last digits, as near a mode a little of it is a long way on the line
MOST_STEPS = 1000  # where scales differ by many orders the probability is a staircase of the level
LEVELS = 65_536  # rows of one feature looked at together


@dataclass(frozen=True, eq=False)
class DensityLevel:
    """The boundary of a highest-density region: the points whose log density is above a level.

    Attributes
    ----------
    probability : float
        Of the region.
    log_density : float
        The level, to be held against ``mixture.log_density``.
    standard_error : float
        Monte Carlo error of the level; 0 where it was solved for.
    intervals : ndarray of shape (n_intervals, 2), or None
        The region itself, for one feature: ends of its intervals, from left to right.
    """

    probability: float
    log_density: float
    standard_error: float
    intervals: Array | None


def density_level(mixture: Mixture, prob: float, n_draws: int = 100_000, seed: Seed = 0) -> DensityLevel:
    r"""Level of the log density above which a region of given probability lies: the smallest region that has it.

    .. math:: P\{\log p(X) > \ell\} = \mathrm{prob}, \qquad X \sim p

    With one feature the level is solved for, and the region's intervals are told; with more it is the quantile of the log
    densities of draws, and its standard error half the distance between the order statistics one binomial standard deviation
    to either side.

    Parameters
    ----------
    mixture : Mixture
    prob : float
        Above 0 and below 1.
    n_draws : int
        For several features. The region of the level found misses ``prob`` by about
        :math:`\{\mathrm{prob}(1-\mathrm{prob})/\mathrm{n\_draws}\}^{1/2}`.
    seed : int, SeedSequence or Generator

    Returns
    -------
    DensityLevel

    Raises
    ------
    ValueError
        If ``prob`` is not between 0 and 1.

    References
    ----------
    Hyndman (1996), Computing and graphing highest density regions, doi:10.1080/00031305.1996.10474359.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [6.0]], [[[1.0]], [[1.0]]])
    >>> density_level(m, 0.9).intervals.round(2)
    array([[-1.64,  1.64],
           [ 4.36,  7.64]])
    """
    mixture = normal_mixture(mixture, "The region")
    prob, n_draws = probability(prob), positive_integer(n_draws, "n_draws", MOST_DRAWS)
    if mixture.n_features == 1:
        return _solved(Line.of(mixture, "The region"), prob)
    densities = _densities_of_draws(mixture, n_draws, seed)
    spread = np.sqrt(prob * (1 - prob) / n_draws)
    places = np.clip(1 - prob + spread * np.array([-1, 0, 1]), 0, 1)
    low, level, high = np.quantile(densities, places)
    return DensityLevel(prob, float(level), float(0.5 * (high - low)), None)


def _solved(line: Line, probability: float) -> DensityLevel:
    modes, antimodes = line.turning_points
    # an interval of this probability, and the density nowhere in it below this level: so the region at this level has at least it
    inner = np.concatenate([line.quantile(0.5 + 0.5 * probability * np.array([-1, 1])), antimodes])
    low, high = line.log_density(inner).min() - 1e-6, line.log_density(modes).max()
    level = brentq(
        lambda level: line.outside(np.array([level]))[0] - (1 - probability), low, high, xtol=TOLERANCE, maxiter=MOST_STEPS
    )
    left, right = line.basins(np.array([level]))
    some = left[0] < right[0]
    some[line.log_density(modes).argmax()] = True  # of next to no probability the region is this point
    left, right = left[0, some], right[0, some]
    parted = right[:-1] < left[1:]
    ends = np.column_stack([left[np.append(True, parted)], right[np.append(parted, True)]])
    return DensityLevel(probability, float(level), 0.0, ends)


def outlier_scores(mixture: Mixture, X: Any, n_draws: int = 100_000, seed: Seed = 0) -> Array:
    r"""How far out each row lies: the probability of a density at most as high as the row's.

    .. math:: s_i = P\{p(X) \le p(x_i)\}, \qquad X \sim p

    It is one minus the probability of the smallest highest-density region with the row in it. For a row that comes from the
    mixture it is uniform on (0, 1), whatever the mixture, so that to flag rows with :math:`s_i < 0.01` flags one in a hundred
    of them. The least chi-square tail of Mahalanobis distances to components has no such law: it forgets the weights and that
    components overlap. For one component they are the same.

    Parameters
    ----------
    mixture : Mixture
    X : array-like of shape (n_observations, n_features)
        Data, in the units used for fitting. Rows that the mixture was fitted to look a little less far out than they are.
    n_draws : int
        For several features, where draws stand for X. The standard error is :math:`\{s_i(1-s_i)/\mathrm{n\_draws}\}^{1/2}`, at
        most 0.0016 by default, and no score is below 1 / (n_draws + 1): farther out rows are told apart by ``log_density``.
        With one feature scores are computed to the last digits.
    seed : int, SeedSequence or Generator

    Returns
    -------
    ndarray of shape (n_observations,)
        Between 0 and 1; near 0 for outliers.

    Raises
    ------
    ValueError
        If ``X`` is not finite or has another number of features than the mixture.

    References
    ----------
    Hyndman (1996), doi:10.1080/00031305.1996.10474359. Phipson & Smyth (2010), Permutation p-values should never be zero,
    doi:10.2202/1544-6115.1585.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [6.0]], [[[1.0]], [[1.0]]])
    >>> outlier_scores(m, [[0.0], [3.0], [9.0]]).round(4)
    array([1.    , 0.0029, 0.0013])
    """
    mixture = normal_mixture(mixture, "The score")
    n_draws, levels = positive_integer(n_draws, "n_draws", MOST_DRAWS), mixture.log_density(X)
    if mixture.n_features == 1:
        line = Line.of(mixture, "The score")
        return np.concatenate([line.outside(levels[first : first + LEVELS]) for first in range(0, len(levels), LEVELS)])
    densities = _densities_of_draws(mixture, n_draws, seed)
    return (1 + np.searchsorted(densities, levels, side="right")) / (1 + n_draws)


def _densities_of_draws(mixture: Mixture, n_draws: int, seed: Seed) -> Array:
    """Log densities of draws, sorted; the same draws for levels and scores, and not those of ``mixture.sample``."""
    draws, _ = mixture.sample(n_draws, child(seed_sequence(seed), Use.DENSITY_LEVEL))
    return np.sort(mixture.log_density(draws))
