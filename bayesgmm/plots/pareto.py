"""May LOO be believed? The Pareto shape of each row's importance weights."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bayesgmm.plots.style import COLOURS, GREY, INK, clean

NAMED = 5


def pareto_k(ax: Axes, k: NDArray[np.float64], good_k: float) -> Axes:
    """Draw Pareto k of each row; rows above the threshold are crosses, and the worst ones bear their number."""
    rows, bad = np.arange(len(k)), k > good_k
    dense = len(k) > 2000
    ax.plot(rows[~bad], k[~bad], ".", color=GREY, markersize=4, alpha=0.8, rasterized=dense)
    ax.plot(rows[bad], k[bad], "x", color=COLOURS[1], markersize=6)
    for row in rows[bad][np.argsort(-k[bad], kind="stable")[:NAMED]]:
        ax.annotate(str(row), (row, k[row]), xytext=(4, 3), textcoords="offset points", fontsize="small")
    ax.axhline(good_k, color=INK, linestyle="--", linewidth=1)
    ax.set(xlabel="row", ylabel="Pareto k", ylim=(min(-0.2, float(np.nanmin(k))) - 0.05, max(0.8, float(np.nanmax(k))) + 0.1))
    return clean(ax)
