"""EM beside the posterior, parameter by parameter."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.stats import norm

from bayesgmm.plots.forest import ARROW, MOST_ROWS, Array, Part, arrows, parts, rows
from bayesgmm.plots.style import DASHES, GREY, INK, key, legend_above

WIDTHS = 3.0, 6.0  # of half the picture, in posterior sds: at least and at most
INTERVAL = 0.9  # of the posterior intervals in the table, and so of EM's limits beside them
BELOW = 0.3  # of a row, from the posterior to EM


def em_beside_posterior(ax: Axes, table: pd.DataFrame, most: int = MOST_ROWS) -> Axes:
    r"""Draw EM's estimates beside the posterior of each parameter, in units that all parameters share.

    .. math:: (\theta - \mathrm E\,\theta) / \mathrm{sd}\,\theta

    The line is the posterior's 90% interval, with its component's marker at the mean; below it EM's estimate, hollow, with its
    90% limits by standard error, dashed; the small cross is the posterior mode. What is further than six posterior standard
    deviations is an arrow that tells how far.

    Parameters
    ----------
    ax : Axes
    table : pandas.DataFrame
        ``table`` of :func:`bayesgmm.compare_em_bayes`.
    most : int
        Where there are more parameters, those are drawn of which EM and the posterior mean differ most.

    Returns
    -------
    Axes
    """
    far = np.argsort(-table["difference_in_sd"].abs().to_numpy(), kind="stable")[:most]
    where = np.sort(far)
    everything = parts(table["parameter"])
    told, shown = [everything[i] for i in where], table.iloc[where]
    at = rows(ax, told)
    centre, sd = shown["mean"].to_numpy(), shown["sd"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):  # of a parameter that never varies
        limits = (np.array(shown["interval"].to_list()) - centre[:, None]) / sd[:, None]
        em, mode = ((shown[column].to_numpy(float) - centre) / sd for column in ("em", "map"))
        error = norm.isf((1 - INTERVAL) / 2) * shown["em_se"].to_numpy(float) / sd
    everywhere = np.abs(np.concatenate([limits.ravel(), em, em - error, em + error, mode]))
    width = float(np.clip(1.05 * everywhere[np.isfinite(everywhere)].max(initial=0), *WIDTHS))
    for part, place, interval in zip(told, at, limits, strict=True):
        ax.plot(interval, [place, place], color=part.colour, linewidth=2.5, alpha=0.6, solid_capstyle="butt")
        ax.plot(0, place, part.marker, color=part.colour, markersize=5)
    ax.hlines(at + BELOW, em - error, em + error, color=INK, linestyle=[DASHES], linewidth=0.9)
    ax.plot(em, at + BELOW, "o", color=INK, markerfacecolor="white", markersize=3.5)
    ax.plot(mode, at, "x", color=INK, markersize=4, zorder=4)
    arrows(ax, em, at + BELOW, width)
    _distances(ax, em, at + BELOW, width)
    ax.axvline(0, color=GREY, linewidth=0.7, linestyle=":", zorder=0)
    ax.set(xlim=(-width, width), xlabel="distance from the posterior mean, in posterior standard deviations")
    if len(shown) < len(table):
        ax.set_xlabel(f"{ax.get_xlabel()}\n(the {len(shown)} of {len(table)} parameters of which EM differs most)")
    legend_above(ax, _keys(told, bool(np.isfinite(mode).any())))
    return ax


def _distances(ax: Axes, em: Array, at: NDArray[Any], width: float) -> None:
    """How far the estimates are that lie outside, beside their arrows."""
    for value, place in zip(em, at, strict=True):
        if abs(value) > width:
            side = "right" if value > 0 else "left"
            near: dict[str, Any] = {"textcoords": "offset points", "ha": side, "va": "center", "fontsize": "x-small"}
            ax.annotate(f"{value:+.3g}", (np.sign(value) * ARROW * width, place), (-7 * np.sign(value), 0), **near)


def _keys(told: list[Part], with_mode: bool) -> list[Line2D]:
    """What the signs mean."""
    keys = [key(k) for k in sorted({part.component for part in told if part.component is not None})]
    keys.append(Line2D([], [], color=GREY, linewidth=2.5, alpha=0.6, label="posterior, 90%"))
    ours: dict[str, Any] = {
        "color": INK,
        "linestyle": DASHES,
        "linewidth": 0.9,
        "marker": "o",
        "markersize": 3.5,
        "markerfacecolor": "white",
    }
    keys.append(Line2D([], [], label="EM, 90%", **ours))
    if with_mode:
        keys.append(Line2D([], [], color=INK, marker="x", linestyle="none", markersize=4, label="posterior mode"))
    return keys
