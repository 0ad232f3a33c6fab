"""Which rows come from which component: all responsibilities at once, and the rows of which least is known."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bayesgmm.plots.groups import divide, ordered, scale, some, strip
from bayesgmm.plots.style import GREY, INK, PALE, SHADES, clean, colour, key, label, legend_above, marker, row_font

MOST_ROWS = 40  # named in one picture


def responsibilities(ax: Axes, mean: NDArray[np.float64], order: NDArray[np.int64] | None = None) -> Axes:
    """Draw the responsibilities of all rows as a heat map, one column a component.

    Rows lie by their most probable component, the most certain first: a group that fades towards its end has doubtful rows, and
    the column in which they reappear is where else they may come from.

    Parameters
    ----------
    ax : Axes
    mean : ndarray of shape (n_observations, n_components)
        Posterior means, or those of EM.
    order : ndarray of int (n_observations,), optional
        Another order of the rows.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If some are not finite.
    """
    shares = np.asarray(mean, float)
    unknown = np.flatnonzero(~np.isfinite(shares).all(axis=1))
    if len(unknown):
        raise ValueError(
            f"Responsibilities of {len(unknown)} rows are not finite, the first of row {unknown[0]}: leave these rows out."
        )
    component, n_components = shares.argmax(axis=1), shares.shape[1]
    order = ordered(component, shares.max(axis=1)) if order is None else np.asarray(order)
    n = len(order)
    extent = (-0.5, n_components - 0.5, n - 0.5, -0.5)
    shown = shares[order[some(n)]]
    image = ax.imshow(shown, cmap=SHADES, vmin=0, vmax=1, aspect="auto", extent=extent, interpolation="nearest")
    strip(ax, component[order], n_components)
    if (np.diff(component[order]) >= 0).all():
        divide(ax, component[order], "component")
    else:
        ax.set_ylabel("row")
    for k in range(n_components):
        ax.plot(k, 1.03, marker(k), color=colour(k), transform=ax.get_xaxis_transform(), markersize=6, clip_on=False)
    for border in np.arange(0.5, n_components - 1):
        ax.axvline(border, color=PALE, linewidth=0.6)
    ax.set_xticks(range(n_components), [str(k) for k in range(n_components)])
    ax.tick_params(bottom=False, labelsize="small")
    ax.set(xlabel="component")
    scale(ax, image, "responsibility")
    return ax


def ambiguous(ax: Axes, table: pd.DataFrame) -> Axes:
    """Draw the probabilities of the most doubtful rows, with their intervals.

    Parameters
    ----------
    ax : Axes
    table : pandas.DataFrame
        One row an observation, at most 40 of them drawn: its most probable ``component``; ``mean``, ``lower`` and ``upper`` of
        the probability to come from it; where there are such columns, the ``second`` component and ``second_mean``.

    Returns
    -------
    Axes
    """
    shown = table.head(MOST_ROWS)
    components = shown["component"].to_numpy(int)
    seconds = shown["second"].to_numpy(int) if "second" in shown else np.full(len(shown), -1)
    for place, (k, mean, lower, upper) in enumerate(zip(components, shown["mean"], shown["lower"], shown["upper"], strict=True)):
        ax.plot([lower, upper], [place, place], color=colour(k), linewidth=2.5, alpha=0.6, solid_capstyle="butt")
        ax.plot(mean, place, marker=marker(k), color=colour(k), markersize=6, linestyle="none")
    for place, k in enumerate(seconds):
        if k >= 0:
            sign: dict[str, Any] = {"marker": marker(k), "markeredgecolor": colour(k), "markerfacecolor": "white"}
            ax.plot(shown["second_mean"].iloc[place], place, markersize=6, linestyle="none", zorder=1.9, **sign)
    ax.axvline(0.5, color=GREY, linewidth=0.7, linestyle=":", zorder=0)
    ax.set(xlabel="probability of the component", ylabel="row", xlim=(-0.02, 1.02), ylim=(len(shown) - 0.4, -0.6))
    ax.set_yticks(range(len(shown)), [label(str(row), 20) for row in shown.index])
    keys = [key(k) for k in np.unique([*components, *seconds[seconds >= 0]])]
    if (seconds >= 0).any():
        hollow: dict[str, Any] = {"marker": "o", "markeredgecolor": INK, "markerfacecolor": "white", "linestyle": "none"}
        keys.append(Line2D([], [], label="the second one", **hollow))
    legend_above(ax, keys)
    clean(ax).tick_params(axis="y", labelsize=row_font(ax, len(shown)))
    return ax
