"""Every pair of features: the lower triangle of a matrix of scatters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesgmm.draws import Draws
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.plots.scatter import CONTOUR_WIDTHS, SHARES, contours, ellipses, points
from bayesgmm.plots.style import DASHES, GREY, INK, colour, label, marker


def separating_features(mixture: Mixture, n: int) -> tuple[int, ...]:
    """The n features along which component means differ most beside the spread within components, in their own order."""
    weights, means = mixture.weights, mixture.means
    between = weights @ (means - weights @ means) ** 2
    within = weights @ np.diagonal(mixture.covariances, axis1=1, axis2=2)
    return tuple(sorted(np.argsort(-between / within, kind="stable")[:n].tolist()))


def scatter_matrix(
    figure: Figure,
    observations: Observations,
    draws: Draws,
    features: Sequence[int],
    em: Mixture | None = None,
    show_components: bool = True,
) -> Figure:
    """Draw every pair of features in the lower triangle of a matrix of axes.

    Parameters
    ----------
    figure : Figure
    observations : Observations
    draws : Draws
        Relabelled.
    features : sequence of int
        At least two.
    em : Mixture, optional
    show_components : bool
        False: plain points and contours of the density, where components may not be believed.

    Returns
    -------
    Figure
    """
    size = len(features) - 1
    grid: Any = figure.subplots(size, size, squeeze=False, sharex="col", sharey="row")
    values, names = observations.values, observations.names
    shares = draws.responsibilities(values)[0] if show_components else None
    for row, column in np.ndindex(size, size):
        ax = grid[row, column]
        if column > row:
            ax.set_visible(False)
            continue
        pair = features[column], features[row + 1]
        points(ax, values, pair, shares)
        if show_components:
            ellipses(ax, draws, pair, em)
        else:
            contours(ax, draws, values, pair)
        if row == size - 1:
            ax.set_xlabel(label(names[pair[0]]))
        if column == 0:
            ax.set_ylabel(label(names[pair[1]]))
    _legend(figure, _keys(draws.n_components, em is not None) if show_components else _contour_keys(), inside=size > 1)
    return figure


def _legend(figure: Figure, keys: list[Line2D], inside: bool) -> None:
    """In the empty upper triangle where there is one, else above the axes."""
    if inside:
        figure.legend(handles=keys, loc="upper right", frameon=False)
    else:
        figure.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False, fontsize="small")


def _keys(n_components: int, with_em: bool) -> list[Line2D]:
    """The legend: a component is told by its band and its marker."""
    keys = [
        Line2D([], [], color=colour(k), marker=marker(k), linewidth=3, alpha=0.8, label=f"component {k}")
        for k in range(n_components)
    ]
    return [*keys, Line2D([], [], color=INK, linestyle=DASHES, linewidth=1.2, label="EM")] if with_em else keys


def _contour_keys() -> list[Line2D]:
    rows = Line2D([], [], color=GREY, marker="o", markerfacecolor="none", linestyle="none", label="row")
    lines = [
        Line2D([], [], color=INK, linewidth=width, label=f"{share:.0%} of the rows")
        for share, width in zip(SHARES, CONTOUR_WIDTHS, strict=True)
    ]
    return [rows, *lines]
