"""What a section is: a name to switch it by, a title, and a function from the analysis to blocks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Block


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes
    ----------
    name : str
        By which it is asked for or left out; the anchor of links to it.
    title : str
    blocks : callable
        What it tells of an analysis. A :class:`Claim` among the blocks is told in the summary.
    """

    name: str
    title: str
    blocks: Callable[[Analysis], Iterable[Block]]
