"""Criteria of covariance structures over the number of components."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesgmm.plots.style import COLOURS, INK, MARKERS, clean

HUES = {"EI": 0, "VI": 5, "EE": 1, "VE": 4, "EV": 2, "VV": 3}  # volume and shape: the colour
SHOWN = 0.75  # share of the values, the lowest ones: what is far above would press them together
LINES = {"I": ":", "E": "--", "V": "-"}  # orientation: how the line is drawn


def models(ax: Axes, page: pd.DataFrame, name: str = "bic") -> Axes:
    """Draw one line for each covariance structure and a ring around the lowest value.

    A line is broken where a fit is missing, and leaves the picture where it is far above most others.

    Parameters
    ----------
    ax : Axes
    page : pandas.DataFrame
        ``bic`` or ``icl`` of :func:`bayesgmm.select_model`.
    name : str
        Of the criterion.
    """
    for code in page.columns:
        hue, values = HUES[code[:2]], page[code]
        ax.plot(page.index, values, LINES[code[2]] + MARKERS[hue], color=COLOURS[hue], markersize=3.5, linewidth=1, label=code)
    k, code = page.stack().idxmin()  # noqa: PD013
    lowest = page.loc[k, code]
    ax.plot(k, lowest, "o", markersize=13, markerfacecolor="none", markeredgecolor=INK)
    ax.annotate(f"{code}, K = {k}", (k, lowest), (0, -17), textcoords="offset points", ha="center", fontsize="small")
    spread = max(np.nanquantile(page, SHOWN) - lowest, 1.0)
    ax.set_ylim(lowest - 0.2 * spread, lowest + 1.1 * spread)
    ax.set_title(f"{name.upper()} (lower is better)", fontsize="medium", loc="left")
    ax.set_xlabel("number of components")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="x-small", ncols=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return clean(ax)
