"""Do the chains agree? Traces and ranks of one label-free quantity, the log-likelihood."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import rankdata

from bayesgmm.plots.style import GREY, chain_colour, clean

RANK_BINS = 20


def trace(ax: Axes, draws: NDArray[np.float64], name: str = "log-likelihood") -> Axes:
    """Draw a quantity (n_chains, n_draws) over the draws: converged chains overlap and wander nowhere."""
    for chain, values in enumerate(draws):
        shade = chain_colour(chain, len(draws))
        ax.plot(values, color=shade, linewidth=0.5, alpha=0.8, rasterized=True, label=f"chain {chain}")
    ax.set(xlabel="draw", ylabel=name)
    return clean(ax)


def ranks(ax: Axes, draws: NDArray[np.float64], name: str = "log-likelihood") -> Axes:
    """Draw how the ranks of each chain, among all draws, are spread: evenly where chains agree.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), doi:10.1214/20-BA1221.
    """
    ranked = rankdata(draws).reshape(draws.shape)
    edges = np.linspace(0.5, draws.size + 0.5, RANK_BINS + 1)
    for chain, values in enumerate(ranked):
        shares = np.histogram(values, edges)[0] / draws.shape[1] * RANK_BINS
        style = ("-", "--", "-.", ":")[chain % 4]
        ax.stairs(
            shares,
            edges,
            baseline=None,
            color=chain_colour(chain, len(draws)),
            linestyle=style,
            linewidth=1.2,
            label=f"chain {chain}",
        )
    ax.axhline(1, color=GREY, linewidth=0.7)
    ax.set(xlabel=f"rank of the {name}", ylabel="share, beside an even one", ylim=(0, max(2.0, *ax.get_ylim())))
    return clean(ax)
