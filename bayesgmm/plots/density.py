"""Density of one feature: the data, the posterior of the density, and the point estimate."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bayesgmm.draws import Draws, equal_tailed
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.plots.scatter import in_memory
from bayesgmm.plots.style import DASHES, GREY, INK, PALE, clean, colour, label, marker

GRID = 256
DRAWS = 4000  # from which the band is taken
RUG_ROWS = 2000
MARGIN = 0.08  # beside the rows, as a share of their range
MOST_BINS = 60


def density(
    ax: Axes,
    observations: Observations,
    draws: Draws,
    feature: int = 0,
    em: Mixture | None = None,
    show_components: bool = False,
    prob: float = 0.9,
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draw the density of one feature with its posterior uncertainty.

    Parameters
    ----------
    ax : Axes
    observations : Observations
        Of rows that are not in memory some are drawn.
        Shown as a histogram and, where there are few, as a rug.
    draws : Draws
        A band of pointwise equal-tailed intervals, and the posterior mean as a line.
    feature : int
    em : Mixture, optional
        Dashed.
    show_components : bool
        Draw the posterior mean of each weighted component; for relabelled draws whose components may be believed.
    prob : float
        Of the band.
    limits : pair of float, optional
        Of the horizontal axis; the range of the rows and a little more where they are not given.

    Returns
    -------
    Axes
    """
    observations = in_memory(observations)
    known = ~np.isnan(observations.values[:, feature])
    values, weights = observations.values[known, feature], observations.weights[known]
    few = draws.at_most(DRAWS).marginal([feature])
    margin = MARGIN * np.ptp(values)
    low, high = limits or (values.min() - margin, values.max() + margin)
    grid = np.linspace(low, high, GRID)
    bins = int(np.clip(3 * np.cbrt(len(values)), 10, MOST_BINS))
    ax.hist(values, bins=bins, weights=weights, density=True, histtype="stepfilled", color=PALE, alpha=0.5, zorder=0)
    if len(values) <= RUG_ROWS:
        ax.plot(values, np.zeros_like(values), "|", color=GREY, markersize=7, alpha=0.5, clip_on=False, zorder=1)
    if show_components:
        for k in range(draws.n_components):
            mean = _densities(few.component(k), grid).mean(axis=0)
            ax.fill_between(grid, mean, color=colour(k), alpha=0.12, linewidth=0, zorder=1)
            line: dict[str, Any] = {"color": colour(k), "linewidth": 3, "alpha": 0.75}
            line |= {"marker": marker(k), "markevery": [int(mean.argmax())]}
            ax.plot(grid, mean, label=f"component {k}", zorder=3, **line)
    at_draws = _densities(few, grid)
    lower, upper = equal_tailed(at_draws, prob)
    band(ax, grid, pd.DataFrame({"mean": at_draws.mean(axis=0), "lower": lower, "upper": upper}), prob)
    if em is not None:
        point = np.exp(em.marginal([feature]).log_density(grid[:, None]))
        ax.plot(grid, point, color=INK, linestyle=DASHES, linewidth=1.1, label="EM", zorder=4)
    ax.set(xlabel=label(observations.names[feature]), ylabel="density", xlim=(grid[0], grid[-1]))
    ax.set_ylim(bottom=0)
    return clean(ax)


def band(ax: Axes, x: NDArray[np.float64], table: pd.DataFrame, prob: float = 0.9) -> Axes:
    """Draw a function of one variable, such as a density or a distribution function, with its posterior uncertainty.

    Parameters
    ----------
    ax : Axes
    x : ndarray of shape (n,)
        Where the function was taken.
    table : pandas.DataFrame
        ``mean``, ``lower`` and ``upper`` there.
    prob : float
        Of the band; only told.

    Returns
    -------
    Axes
    """
    order = np.argsort(x, kind="stable")
    mean, lower, upper = (table[column].to_numpy()[order] for column in ("mean", "lower", "upper"))
    ax.fill_between(x[order], lower, upper, color=GREY, alpha=0.45, linewidth=0, label=f"{100 * prob:g}% band", zorder=2)
    ax.plot(x[order], mean, color=INK, linewidth=1.3, label="posterior mean", zorder=4)
    return clean(ax)


def _densities(draws: Draws, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Density at each draw, shape (n_draws, GRID)."""
    return np.asarray(np.exp(draws.log_density(grid[:, None])).reshape(-1, len(grid)))
