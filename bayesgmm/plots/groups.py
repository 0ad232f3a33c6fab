"""Rows in groups: in an order that shows them, with a strip of colours and their names beside."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from bayesgmm.plots.style import GREY, PALE, colour
from bayesgmm.table import evenly

MOST_ROWS = 2000  # more than a page has dots
LINE = 11.0  # points, of a name beside the rows
WIDTH, GAP = 0.03, 0.01  # of the strip and beside it, as shares of the picture's width


def some(n: int) -> NDArray[np.int64]:
    """At most 2,000 of n places, evenly spaced."""
    return evenly(n, MOST_ROWS)


def ordered(groups: NDArray[np.int64], certainty: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows by group, the most certain first in each."""
    return np.lexsort((-certainty, groups))


def strip(ax: Axes, groups: NDArray[np.int64], n_columns: int) -> None:
    """Colour the rows, as they are drawn, by their groups (n,) left of an image of so many columns; -1 is none."""
    n, drawn = len(groups), groups[some(len(groups))]
    shades = np.array([to_rgb(PALE), *(to_rgb(colour(k)) for k in range(groups.max(initial=-1) + 1))])
    right = -0.5 - GAP * n_columns
    extent = (right - WIDTH * n_columns, right, n - 0.5, -0.5)
    ax.imshow(shades[drawn + 1][:, None], extent=extent, aspect=ax.get_aspect(), interpolation="nearest")
    ax.set(xlim=(extent[0], n_columns - 0.5), ylim=(n - 0.5, -0.5))


def divide(ax: Axes, groups: NDArray[np.int64], noun: str, *, both: bool = False) -> None:
    """Draw lines between groups whose rows are drawn one after the other, and name those that have room."""
    borders = np.flatnonzero(np.diff(groups)) + 0.5
    span: dict[str, Any] = {"color": GREY, "linewidth": 0.6}
    ax.hlines(borders, -0.5, ax.get_xlim()[1], **span)
    if both:
        ax.vlines(borders, *ax.get_ylim(), **span)
    edges = np.array([-0.5, *borders, len(groups) - 0.5])
    sizes = np.diff(edges).astype(int)
    lines = sizes / len(groups) * ax.get_window_extent().height * 72 / ax.figure.dpi / LINE
    names = [f"{noun} {group}" for group in groups[(edges[:-1] + 0.5).astype(int)]]
    texts = [f"{name}\n{size:,} rows" if room > 2 else name for name, size, room in zip(names, sizes, lines, strict=True)]
    roomy = np.flatnonzero(lines > 1)
    ax.set_yticks((edges[:-1] + edges[1:])[roomy] / 2, [texts[i] for i in roomy])
    ax.tick_params(left=False, labelsize="small")
    ax.spines[:].set_visible(False)


def scale(ax: Axes, image: AxesImage, name: str) -> None:
    """What the shades mean."""
    bar = ax.figure.colorbar(image, ax=ax, label=name, fraction=0.06, pad=0.03)
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)
