"""What relabelling did: draws of one quantity of each component, before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bayesgmm.plots.style import GREY, clean, colour, label, marker

DOTS = 4000  # of a component, at most
WILD = 0.1  # of a component's draws on each side, which may leave the picture
MARGIN = 1.0  # beyond the others, as a multiple of their span
EDGE = 0.04  # of the vertical axis, above and below what is drawn
ROOM, ASIDE = 0.045, 0.03  # of the axes, between two markers on the right: if less, the next one moves aside

type Array = NDArray[np.float64]


def relabelling(axes: Sequence[Axes], before: Array, after: Array, name: str = "mean") -> Sequence[Axes]:
    """Draw a quantity of each component over the draws, as drawn in the first axes and relabelled in the second.

    In the first a colour is a place in the sampler, and jumps where labels switch; in the second it is a component, whose marker
    stands on the right at its posterior median. Vertical lines are borders of chains. Draws far from all others are left out, and
    how many is said.

    Parameters
    ----------
    axes : sequence of two Axes
    before, after : ndarray of shape (n_chains, n_draws, n_components)
        Such as ``draws.means[..., 0]`` of the posterior as drawn, and of the relabelled one.
    name : str
        Of the quantity.

    Returns
    -------
    sequence of two Axes

    Raises
    ------
    ValueError
        If the two have different shapes.
    """
    if before.shape != after.shape:
        raise ValueError(f"before has shape {before.shape} and after {after.shape}: give the same draws in both.")
    low, high = _limits(after)
    for ax, values, title in zip(axes, (before, after), ("as drawn", "relabelled"), strict=True):
        _dots(ax, values)
        ax.set_title(title, fontsize="medium", loc="left")
        ax.set_ylim(low, high)
        outside = np.mean((values < low) | (values > high))
        if outside > 0:
            ax.set_xlabel(f"{100 * outside:.2g}% of the draws lie outside", fontsize="small")
    axes[0].set_ylabel(label(name))
    _markers(axes[1], np.nanmedian(after, axis=(0, 1)))
    return axes


def _limits(values: Array) -> tuple[float, float]:
    """Of the vertical axis: around the bulk of every component, and no further than any draw."""
    low, high = np.nanquantile(values, [WILD, 1 - WILD], axis=(0, 1))
    margin = MARGIN * (high - low)
    low, high = max((low - margin).min(), np.nanmin(values)), min((high + margin).max(), np.nanmax(values))
    edge = EDGE * (high - low) or 0.5
    return float(low - edge), float(high + edge)


def _dots(ax: Axes, values: Array) -> None:
    """Draws of all chains, one after the other."""
    n_chains, n_draws, n_components = values.shape
    at = np.arange(0, n_chains * n_draws, -(-n_chains * n_draws // DOTS))
    style: dict[str, Any] = {
        "markersize": 2.0 if len(at) > DOTS // 4 else 3.5,
        "markeredgewidth": 0,
        "alpha": 0.6,
        "rasterized": True,
    }
    for k in range(n_components):
        ax.plot(at, values[..., k].ravel()[at], ".", color=colour(k), **style)
    for border in n_draws * np.arange(1, n_chains):
        ax.axvline(border - 0.5, color=GREY, linewidth=0.8)
    ax.set_xlim(-0.5, n_chains * n_draws - 0.5)
    ax.set_xticks(n_draws * (np.arange(n_chains) + 0.5), [f"chain {chain}" for chain in range(n_chains)])
    clean(ax).tick_params(axis="x", bottom=False)


def _markers(ax: Axes, values: Array) -> None:
    """The component's markers right of the axes, beside each other where they would overlap."""
    low, high = ax.get_ylim()
    aside, last = 0, -np.inf
    for k in np.argsort(values):
        height = (values[k] - low) / (high - low)
        aside, last = (aside + 1, last) if height - last < ROOM else (0, height)
        style: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "markersize": 7, "clip_on": False}
        ax.plot(1.02 + ASIDE * aside, values[k], marker(k), color=colour(k), **style)
