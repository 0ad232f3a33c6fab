"""Criteria over the number of components."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesgmm.plots.style import GREY, INK, PALE, clean

FAR = 4.0  # times the median distance from the best value, from which a value is left out


def criterion(ax: Axes, table: pd.DataFrame, name: str = "bic", chosen: int | None = None) -> Axes:
    """Draw an information criterion of the EM fits, lower is better; a collapsed fit has none and is a cross.

    A value far above most others, as often that of one component, is written at the border.

    Parameters
    ----------
    ax : Axes
    table : pandas.DataFrame
        Of :func:`bayesgmm.select_n_components`.
    name : {"aic", "bic", "icl"}
    chosen : int, optional
        Number of components to mark.
    """
    values = table[name]
    _near(ax, values, 0 * values, above=True)
    ax.plot(table.index, values, color=INK, marker="o", markersize=5, linewidth=1)
    for k in table.index[values.isna()]:
        ax.plot(k, 0.06, "x", color=GREY, transform=ax.get_xaxis_transform())
        ax.annotate("collapsed", (k, 0.1), xycoords=ax.get_xaxis_transform(), ha="center", fontsize="small", color=GREY)
    return _over_k(ax, table, chosen, f"{name.upper()} (lower is better)")


def elpd_difference(ax: Axes, table: pd.DataFrame, chosen: int | None = None) -> Axes:
    """Draw the expected predictive accuracy by LOO as the difference to the best, with one standard error of that difference.

    A number of components whose chains have not converged is hollow; a difference far below most others is written at the border.
    """
    difference, error = table["elpd_loo_diff"], table["elpd_loo_diff_se"]
    _near(ax, difference, error, above=False)
    ax.axhline(0, color=GREY, linewidth=0.7, linestyle=":")
    ax.errorbar(table.index, difference, yerr=error, color=INK, linewidth=1, capsize=3)
    face = np.where(table["converged"], INK, "white").tolist()
    ax.scatter(table.index, difference, facecolors=face, edgecolors=INK, s=26, zorder=3)
    return _over_k(ax, table, chosen, "elpd by LOO, beside the best (higher is better)")


def _near(ax: Axes, values: pd.Series, error: pd.Series, *, above: bool) -> None:
    """Show what is near the best value, and tell those from which the line comes in from far above or below."""
    distance = (values - values.min() if above else values.max() - values).dropna()
    far = distance[distance > FAR * distance[distance > 0].median()]
    if far.empty:
        return
    near = distance.index.difference(far.index)
    widest = (distance + error)[near].max()
    low, high = -0.2 * widest, 1.2 * widest
    ax.set_ylim((values.min() + low, values.min() + high) if above else (values.max() - high, values.max() - low))
    edge, offset, align = (1.0, -4, "top") if above else (0.0, 4, "bottom")
    for k in far.index:
        text = f"{'↑' if above else '↓'} {values[k]:,.0f}"
        style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": align, "fontsize": "small", "color": GREY}
        ax.annotate(text, (k, edge), (0, offset), xycoords=ax.get_xaxis_transform(), **style)


def _over_k(ax: Axes, table: pd.DataFrame, chosen: int | None, title: str) -> Axes:
    if chosen is not None:
        ax.axvspan(chosen - 0.25, chosen + 0.25, color=PALE, alpha=0.6, linewidth=0, zorder=0)
    ax.set_title(title, fontsize="medium", loc="left")
    ax.set_xlabel("number of components")
    ax.set_xlim(min(table.index) - 0.5, max(table.index) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return clean(ax)
