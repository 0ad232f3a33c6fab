"""Parameters as rows, one under the other: where each stands, what it is called, and which component it belongs to."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bayesgmm.plots.style import GREY, INK, clean, colour, label, marker, row_font

COMPONENT = re.compile(r"(weights|means|covariances|scales|correlations)\[(\d+)(?:, (.*))?\]", re.DOTALL)
MOST_ROWS = 40
ARROW = 0.97  # where the arrow of a value stands that lies outside, as a share of the half width of the picture

type Array = NDArray[np.float64]


class Part(NamedTuple):
    """A parameter: its kind ("" where its name does not tell), its component (None where it has none), and what it is called."""

    kind: str
    component: int | None
    text: str

    @property
    def colour(self) -> str:
        """Of its component, or INK."""
        return INK if self.component is None else colour(self.component)

    @property
    def marker(self) -> str:
        """Of its component, or a stroke."""
        return "|" if self.component is None else marker(self.component)


def parts(names: Iterable[str]) -> list[Part]:
    """The parameters of these names, such as ``means[1, waiting]``.

    Covariances of component 0 alone, beside weights or means of others, are common to all and belong to none.

    Examples
    --------
    >>> [tuple(part) for part in parts(["means[1, waiting]", "entropy"])]
    [('means', 1, '1, waiting'), ('', None, 'entropy')]
    """
    found = [_part(str(name)) for name in names]
    is_common = any(p.component for p in found) and not any(p.component for p in found if p.kind == "covariances")
    return [p._replace(component=None) if is_common and p.kind == "covariances" else p for p in found]


def _part(name: str) -> Part:
    match = COMPONENT.fullmatch(name)
    if match is None:
        return Part("", None, name)
    kind, component, rest = match.groups()
    return Part(kind, int(component), component if rest is None else f"{component}, {rest}")


def rows(ax: Axes, shown: list[Part]) -> NDArray[np.int64]:
    """Name the rows, under headings of their kinds, and return where they stand on the vertical axis."""
    ticks: list[str] = []
    places: list[int] = []
    for before, part in zip([None, *shown], shown, strict=False):
        if part.kind and (before is None or before.kind != part.kind):
            ticks.append(part.kind)
        places.append(len(ticks))
        ticks.append(label(part.text))
    ax.set_yticks(range(len(ticks)), ticks)
    ax.set_ylim(len(ticks) - 0.4, -0.6)
    clean(ax).tick_params(axis="y", left=False, labelsize=row_font(ax, len(ticks)))
    for place in set(range(len(ticks))) - set(places):
        ax.get_yticklabels()[place].set_fontweight("bold")
    return np.array(places)


def arrows(ax: Axes, values: Array, at: NDArray[Any], limit: float) -> None:
    """Point from the border to what lies outside (-limit, limit)."""
    for value, place in zip(values, at, strict=True):
        if np.abs(value) > limit:
            ax.plot(np.sign(value) * ARROW * limit, place, marker=">" if value > 0 else "<", color=GREY, markersize=5)
