"""Is the predictive distribution calibrated? Probability integral transforms beside what chance allows."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.stats import binom, poisson

from bayesgmm.plots.style import GREY, INK, PALE, clean, label, legend_above

CELLS = 100  # of the unit interval, between which the distribution function is looked at
HALVINGS = 30
NEGLIGIBLE = 1e-15  # probability of an increment
LONGEST_NAME = 20
MOST_NAMED = 6  # features; of more, those outside the band
LINES: tuple[Any, ...] = ("-", "-.", ":", (0, (8, 2)), (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))

type Array = NDArray[np.float64]


def calibration(ax: Axes, pit: Array | pd.DataFrame, names: Sequence[str] | None = None, prob: float = 0.95) -> Axes:
    """Draw the distribution function of the probability integral transforms of each feature, less that of the uniform.

    Independent transforms of a calibrated feature stay inside the band, with probability ``prob`` along its whole length, and
    those of :func:`bayesgmm.predictive.loo_pit` more often. A feature that leaves it is thick. Above zero on the left and below
    on the right: the data spread more than they are predicted to; the other way round: less. Above everywhere: they are lower
    than predicted.

    Parameters
    ----------
    ax : Axes
    pit : ndarray of shape (n_observations, n_features) or pandas.DataFrame
        Probability of a value below the one that came, each between 0 and 1.
    names : sequence of str, optional
        Of the features; otherwise the columns of a DataFrame.
    prob : float
        Of the band, for one feature.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a transform is not between 0 and 1.

    References
    ----------
    Saeilynoja, Buerkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6.
    """
    table = pd.DataFrame(pit)
    names = [str(name) for name in table.columns] if names is None else names
    values = table.to_numpy(float)
    wrong = np.argwhere(~((values >= 0) & (values <= 1)))
    if len(wrong):
        row, feature = wrong[0]
        raise ValueError(f"A transform is a probability, and that of row {row}, {names[feature]!r}, is {values[row, feature]:g}.")
    n = len(values)
    at = np.linspace(0, 1, CELLS + 1)
    lower, upper = (np.array([0, *counts, n]) for counts in simultaneous_band(n, prob))
    counts = np.array([np.searchsorted(np.sort(column), at, side="right") for column in values.T])
    counts[:, -1] = n
    outside = ((counts < lower) | (counts > upper))[:, 1:-1].any(axis=1)
    ax.fill_between(at, lower / n - at, upper / n - at, color=PALE, linewidth=0, alpha=0.7, label=f"{100 * prob:g}% band")
    ax.axhline(0, color=GREY, linewidth=0.7)
    few = len(names) <= MOST_NAMED
    for j in np.argsort(outside, kind="stable"):
        named = outside[j] or few
        width, shade = (2.0, INK) if outside[j] else (1.1, GREY)
        style: dict[str, Any] = {"color": shade, "linewidth": width, "linestyle": LINES[j % len(LINES)]}
        ax.plot(at, counts[j] / n - at, label=label(names[j], LONGEST_NAME) if named else None, **style)
    if not few:
        ax.plot([], [], color=GREY, linewidth=1.1, label=f"{(~outside).sum()} others")
    ax.set(xlabel="probability integral transform", ylabel="distribution function, less the uniform", xlim=(0, 1))
    legend_above(ax)
    return clean(ax)


@lru_cache(maxsize=16)
def simultaneous_band(n: int, prob: float = 0.95) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    r"""Numbers of n uniform values below 1/100, ..., 99/100 between which all 99 of them lie with this probability.

    At each z the limits are quantiles of the binomial, :math:`q_{\gamma/2}` and :math:`q_{1-\gamma/2}`, with one :math:`\gamma`
    for all: the largest that leaves the probability of the whole path at least ``prob``. That probability is exact: numbers of
    uniform values are those of a Poisson process, given its total.

    Parameters
    ----------
    n : int
    prob : float

    Returns
    -------
    lower, upper : ndarray of int (99,)

    References
    ----------
    Saeilynoja, Buerkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6; Moscovich & Nadler (2017),
    doi:10.1016/j.spl.2016.11.027, of the Poisson process.

    Examples
    --------
    >>> lower, upper = simultaneous_band(272)
    >>> int(lower[49]), int(upper[49])  # of 272 values, below a half
    (112, 160)
    """
    low, high = np.log((1 - prob) / CELLS), np.log(1 - prob)  # Bonferroni's, which is enough, and that of a single point
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _inside(n, *_limits(n, np.exp(middle))) >= prob
        low, high = (middle, high) if enough else (low, middle)
    return _limits(n, np.exp(low))


def _limits(n: int, gamma: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    z = np.arange(1, CELLS) / CELLS
    return np.asarray(binom.ppf(gamma / 2, n, z), int), np.asarray(binom.isf(gamma / 2, n, z), int)


def _inside(n: int, lower: NDArray[np.int64], upper: NDArray[np.int64]) -> float:
    """Probability that the numbers of n uniform values below each point lie inside the limits, which are included."""
    rate = n / CELLS
    increments = poisson.pmf(np.arange(int(poisson.isf(NEGLIGIBLE, rate)) + 1), rate)
    start, mass = 0, np.ones(1)  # of the first count that is possible, and of each from it on
    for low, high in zip([*lower, n], [*upper, n], strict=True):
        reached = fftconvolve(mass, increments)
        counts = np.arange(low, high + 1) - start
        possible = (counts >= 0) & (counts < len(reached))
        mass = np.where(possible, reached[np.clip(counts, 0, len(reached) - 1)], 0.0)
        start = low
    return float(mass[0] / poisson.pmf(n, n))
