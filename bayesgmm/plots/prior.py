"""The prior beside the posterior, and how much the posterior follows it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesgmm.plots.forest import MOST_ROWS, arrows, parts, rows
from bayesgmm.plots.style import GREY, INK, legend_above, row_font

WIDTHS = 3.0, 2e3  # of half the picture, in half widths of the posterior: at least and at most
TICKS = (1, 10, 100, 1000)
BELOW = 0.3  # of a row, from the posterior to the prior
THRESHOLD = 0.05  # of sensitivities, from Kallioinen et al.


def prior_beside_posterior(ax: Axes, table: pd.DataFrame) -> Axes:
    r"""Draw the median and 90% limits of the prior below those of the posterior, however much wider it is.

    Each quantity has its posterior median as zero and half the width of its posterior interval as its unit:

    .. math:: (\theta - \theta_{.5}) / \tfrac12 (\theta_{.95} - \theta_{.05})

    Near zero the axis is linear and further out logarithmic (the inverse hyperbolic sine), so that a prior with heavy tails
    leaves the posterior its place.

    Parameters
    ----------
    ax : Axes
    table : pandas.DataFrame
        One row a quantity, at most 40 of them drawn: ``prior_median``, ``prior_lower``, ``prior_upper``, the same of
        ``posterior``, and ``overlap``, which is written beside.

    Returns
    -------
    Axes
    """
    shown, told = table.head(MOST_ROWS), parts(table.index)[:MOST_ROWS]
    at = rows(ax, told)
    centre = shown["posterior_median"].to_numpy(float)
    unit = (shown["posterior_upper"] - shown["posterior_lower"]).to_numpy(float) / 2
    unit[unit == 0] = 1.0
    three = ("median", "lower", "upper")
    prior, posterior = (
        [(shown[f"{which}_{each}"].to_numpy(float) - centre) / unit for each in three] for which in ("prior", "posterior")
    )
    everywhere = np.abs(np.concatenate([*prior, *posterior]))
    width = float(np.clip(1.3 * everywhere[np.isfinite(everywhere)].max(initial=0), *WIDTHS))
    ax.set_xscale("asinh", linear_width=1.0)
    ax.set_xlim(-width, width)
    ticks = [tick for tick in TICKS if tick <= width]
    ax.set_xticks([-tick for tick in ticks] + [0, *ticks], [f"-{t:,}" for t in ticks] + ["0"] + [f"{t:,}" for t in ticks])
    ax.set_xticks([], minor=True)
    for part, place, lower, upper in zip(told, at, *posterior[1:], strict=True):
        ax.plot([lower, upper], [place, place], color=part.colour, linewidth=3, alpha=0.7, solid_capstyle="butt")
        ax.plot(0, place, part.marker, color=part.colour, markersize=5)
    median, lower, upper = prior
    ax.hlines(at + BELOW, np.maximum(lower, -width), np.minimum(upper, width), color=GREY, linewidth=1)
    ax.plot(median, at + BELOW, "o", color=GREY, markerfacecolor="white", markersize=4)
    arrows(ax, lower, at + BELOW, width)
    arrows(ax, upper, at + BELOW, width)
    for place, overlap in zip(at, shown["overlap"], strict=True):
        ax.text(1.02, place, f"{overlap:.2f}", transform=ax.get_yaxis_transform(), va="center", fontsize=row_font(ax, len(at)))
    ax.text(1.02, 1, "overlap", transform=ax.transAxes, va="bottom", fontsize="small")
    ax.set_xlabel("distance from the posterior median, in half widths of the posterior")
    keys = [
        Line2D([], [], color=INK, linewidth=3, alpha=0.7, label="posterior"),
        Line2D([], [], color=GREY, linewidth=1, marker="o", markerfacecolor="white", label="prior"),
    ]
    legend_above(ax, keys)
    return ax


def power_scaling(ax: Axes, table: pd.DataFrame, threshold: float = THRESHOLD) -> Axes:
    """Draw how much each quantity moves where the prior, and where the likelihood, is raised to a power a little off one.

    A prior above the threshold is felt: beside a likelihood above it the two may contradict each other, beside one below it the
    data say little.

    Parameters
    ----------
    ax : Axes
    table : pandas.DataFrame
        One row a quantity, at most 40 of them drawn, those that feel the prior most: ``prior`` and ``likelihood``.
    threshold : float

    Returns
    -------
    Axes

    References
    ----------
    Kallioinen, Paananen, Buerkner & Vehtari (2024), doi:10.1007/s11222-023-10366-5.
    """
    where = np.sort(np.argsort(-table["prior"].to_numpy(float), kind="stable")[:MOST_ROWS])
    shown = table.iloc[where]
    everything = parts(table.index)
    at = rows(ax, [everything[i] for i in where])
    prior, likelihood = shown["prior"].to_numpy(float), shown["likelihood"].to_numpy(float)
    ax.hlines(at, prior, likelihood, color=GREY, linewidth=0.8)
    ax.plot(likelihood, at, "o", color=INK, markerfacecolor="white", label="likelihood", linestyle="none")
    ax.plot(prior, at, "D", color=INK, label="prior", linestyle="none")
    ax.axvline(threshold, color=INK, linestyle="--", linewidth=1)
    ax.set_xlim(left=0)
    ax.set_xlabel("sensitivity to power scaling")
    legend_above(ax)
    return ax
