"""What all pictures share: the colour, marker and line of each component, and names that matplotlib can print."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

# Okabe & Ito (2008), Color Universal Design; without yellow, which vanishes on white, and black, which the whole density takes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# 11 beside 6 colours: the first 11 components differ without colour, the first 66 with it.
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "<", ">", "d")
INK, GREY, PALE = "#222222", "#767676", "#D5D5D5"
DASHES = (0, (4, 2))  # of EM, in every picture
SHADES = "Blues"  # of probabilities: the more probable, the darker, in grey too
SMALLEST, SMALL = 3.5, 8.33  # points, of text beside rows
LONGEST_NAME = 30
KEY, CHARACTER = 0.55, 0.068  # inches, of a legend's line and of a character beside it
MOST_COLUMNS = 4


def colour(component: int) -> str:
    """The component's colour."""
    return COLOURS[component % len(COLOURS)]


def marker(component: int) -> str:
    """The component's marker, so that colour is never the only sign."""
    return MARKERS[component % len(MARKERS)]


def key(component: int) -> Line2D:
    """The component in a legend."""
    sign: dict[str, Any] = {"color": colour(component), "marker": marker(component)}
    return Line2D([], [], linewidth=3, alpha=0.8, label=f"component {component}", **sign)


def chain_colour(chain: int, n_chains: int) -> tuple[float, float, float, float]:
    """A shade that no component has."""
    return matplotlib.colormaps["bone"](0.65 * chain / max(1, n_chains - 1))


def label(name: str, longest: int = LONGEST_NAME) -> str:
    r"""A column's name as matplotlib can print it.

    One line, without control characters, its middle left out where it is long, and every ``$`` escaped, since a pair of them
    would be parsed as mathematics.

    Examples
    --------
    >>> label("$x$")
    '\\$x\\$'
    >>> label("a" * 200)
    'aaaaaaaaaaaaaaaaaa…aaaaaaaaaaa'
    """
    line = "".join(c if c.isprintable() else "�" for c in " ".join(name.split()))
    if len(line) > longest:
        tail = longest * 3 // 8
        line = f"{line[: longest - tail - 1]}…{line[-tail:]}"
    return line.replace("$", r"\$")


def clean(ax: Axes) -> Axes:
    """No frame above and to the right."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize="small")
    return ax


def legend_above(ax: Axes, keys: Sequence[Any] | None = None) -> None:
    """A legend between the axes and what is above, in as many columns as there is room for."""
    keys = ax.get_legend_handles_labels()[0] if keys is None else keys
    inches = ax.get_window_extent().width / ax.figure.dpi
    widths = np.array([KEY + CHARACTER * len(str(key.get_label())) for key in keys])
    taken = {n: sum(column.max(initial=0) for column in np.array_split(widths, n)) for n in range(1, MOST_COLUMNS + 1)}
    columns = max((n for n, width in taken.items() if width <= inches), default=1)
    ax.legend(handles=keys, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, fontsize="small")


def row_font(ax: Axes, n_rows: int) -> float:
    """Size in points of text beside so many rows, such that lines do not overlap: at most small."""
    points = 72 / ax.figure.dpi * ax.get_window_extent().height / max(n_rows, 1)
    return float(min(max(0.85 * points, SMALLEST), SMALL))
