"""The number of components: its posterior beside its prior."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesgmm.plots.style import COLOURS, GREY, INK, clean

LEAST_SHOWN = 0.001  # probability


def number_of_components(ax: Axes, probabilities: pd.DataFrame, *, filled: bool = False) -> Axes:
    """Draw the probabilities of K, or of the filled components K+, as bars with two Monte Carlo standard errors, and the prior.

    Parameters
    ----------
    ax : Axes
    probabilities : pandas.DataFrame
        Of :class:`bayesgmm.MfmPosterior`.
    filled : bool
        Draw K+, the groups in the data, instead of K.
    """
    found, error, prior = ("filled", "filled_mcse", "filled_prior") if filled else ("posterior", "posterior_mcse", "prior")
    shown = probabilities.loc[: probabilities.index[probabilities[found] >= LEAST_SHOWN].max()]
    ax.bar(shown.index, shown[found], width=0.7, color=COLOURS[2 if filled else 0], alpha=0.75, label="posterior")
    known = shown[shown[error].notna()]
    ax.errorbar(known.index, known[found], yerr=2 * known[error], fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    ax.plot(shown.index, shown[prior], color=GREY, marker="o", markersize=4, linewidth=1, linestyle=":", label="prior")
    ax.set_title(
        "filled components K+ (groups in the data)" if filled else "components K (of the population)",
        fontsize="medium",
        loc="left",
    )
    ax.set_xlabel("number of components")
    ax.set_ylabel("probability")
    ax.set_xlim(0.4, shown.index.max() + 0.6)
    highest = np.nanmax([*(shown[found] + 2 * shown[error].fillna(0)), *shown[prior]])
    ax.set_ylim(0, 1.05 * float(highest))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="small")
    return clean(ax)
