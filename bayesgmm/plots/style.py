"""What all pictures share: the colour, marker and line of each component, and names that matplotlib can print."""

import matplotlib
from matplotlib.axes import Axes

# Okabe & Ito (2008), Color Universal Design; without yellow, which vanishes on white, and black, which the whole density takes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")  # 7 beside 6 colours: the first 42 components all differ
INK, GREY, PALE = "#222222", "#767676", "#D5D5D5"
DASHES = (0, (4, 2))  # of EM, in every picture
LONGEST_NAME = 30


def colour(component: int) -> str:
    """The component's colour."""
    return COLOURS[component % len(COLOURS)]


def marker(component: int) -> str:
    """The component's marker, so that colour is never the only sign."""
    return MARKERS[component % len(MARKERS)]


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
