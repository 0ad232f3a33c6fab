"""What a benchmark says: figures of ours beside a peer's, and remarks where there is no figure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Quantity:
    """What is measured."""

    name: str
    more_is_better: bool = False


SECONDS = Quantity("seconds")
SECONDS_A_PASS = Quantity("seconds a pass")
ESS_PER_SECOND = Quantity("smallest bulk ESS a second", more_is_better=True)
SMALLEST_ESS = Quantity("smallest bulk ESS", more_is_better=True)
MEGABYTES = Quantity("MB above the data")


@dataclass(frozen=True)
class Spread:
    """Median and range of repeated measurements."""

    least: float
    median: float
    most: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of at least one value."""
        return cls(min(values), statistics.median(values), max(values), len(values))


@dataclass(frozen=True)
class Aim:
    """What a ratio, or our own figure where there is no peer, should be. Printed, never asserted."""

    bound: float
    at_least: bool = True

    def met_by(self, value: float) -> bool:
        """Whether a median is on the right side."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    case : str
        Data and setting.
    quantity : Quantity
    ours : Spread
    peer : str
        Empty where ours is measured against a fixed aim.
    theirs, ratio : Spread or None
        The ratio is taken within each round. It says how many times better ours is; where the aim is an upper bound, what
        multiple of the peer's ours is.
    aim : Aim or None
    note : str
        What a reader must know to believe the number.
    """

    case: str
    quantity: Quantity
    ours: Spread
    peer: str = ""
    theirs: Spread | None = None
    ratio: Spread | None = None
    aim: Aim | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        return None if self.aim is None else self.aim.met_by((self.ratio or self.ours).median)


@dataclass(frozen=True)
class Remark:
    """A sentence in place of a figure: what was not measured and why, or what is no number."""

    case: str
    text: str


def beside(
    case: str,
    quantity: Quantity,
    ours: Sequence[float],
    peer: str,
    theirs: Sequence[float],
    aim: Aim | None = None,
    note: str = "",
) -> Figure:
    """The figure of two series that were measured in turn, round by round."""
    better = aim is None or aim.at_least
    ours_on_top = quantity.more_is_better if better else not quantity.more_is_better
    rounds = zip(ours, theirs, strict=False)  # a peer that failed half way has fewer
    ratios = [o / t if ours_on_top else t / o for o, t in rounds]
    return Figure(case, quantity, Spread.of(ours), peer, Spread.of(theirs), Spread.of(ratios), aim, note)
