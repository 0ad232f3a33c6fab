"""Blocks: what a section of a report is made of. They say what is told, and nothing of how a page looks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import pandas as pd

from bayesgmm.numbers import count

MOST_ROWS = 40  # of a table on a page
REST = "the JSON form of this report has all."  # where the others are


class Belief(StrEnum):
    """Whether a number may be believed."""

    YES = "yes"
    CARE = "with care"
    NO = "no"


@dataclass(frozen=True)
class Link:
    """A cell of a table, or a sentence's end, that points to another section."""

    section: str
    text: str


@dataclass(frozen=True)
class Mark:
    """A cell of a table that says whether something may be believed."""

    belief: Belief
    reason: str = ""

    @property
    def text(self) -> str:
        """The same in words."""
        told = self.belief.capitalize()
        return f"{told}: {self.reason}" if self.reason else told


type Cell = str | Link | Mark


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True)
class Points:
    """Sentences, each a point of a list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Caution:
    """A sentence that must not be missed."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str


@dataclass(frozen=True, eq=False)
class Table:
    """A table as a reader sees it, and the numbers behind it.

    Attributes
    ----------
    note : str
        What a reader must know to read it.
    columns : tuple of str
        The first heads the names of the rows.
    rows : tuple of tuple of Cell
    marked : int, optional
        A row to stand out.
    title : str
    name : str
        Under which the JSON file has it; its own in a document.
    data : pandas.DataFrame, optional
        All of it, in full precision; None where the cells are everything.
    is_prose : bool
        Whether cells are words, which wrap, and not numbers, which stand under each other.
    """

    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: int | None = None
    title: str = ""
    name: str = ""
    data: pd.DataFrame | None = None
    is_prose: bool = False

    def at_most(self, n: int = MOST_ROWS, which: str = "first") -> "Table":
        """The same with its first rows, and a sentence that says so; the data stay whole."""
        if len(self.rows) <= n:
            return self
        cut = f"Shown are the {which} {n:,} of {count(len(self.rows), 'row')}; {REST}"
        data = self.whole if self.data is None else self.data
        return replace(self, rows=self.rows[:n], note=f"{self.note} {cut}".strip(), data=data)

    @property
    def whole(self) -> pd.DataFrame:
        """The numbers behind it; the cells, where they are everything."""
        if self.data is not None:
            return self.data
        cells = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in self.rows]
        return pd.DataFrame(cells, columns=pd.Index(self.columns))


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, drawn when a page asks for it.

    Attributes
    ----------
    name : str
        Of its file, where it is one; its own in a document.
    alt : str
        For who cannot see it.
    caption : str
    draw : callable
        Makes the bytes of an SVG, a document of its own in which text stays text.
    """

    name: str
    alt: str
    caption: str
    draw: Callable[[], bytes]

    @cached_property
    def svg(self) -> bytes:
        """The bytes."""
        return self.draw()


@dataclass(frozen=True, eq=False)
class Details:
    """Blocks that a reader may open."""

    title: str
    blocks: "tuple[Block, ...]"
    is_open: bool = False


@dataclass(frozen=True)
class Claim:
    """What a section says in one line; it stands in the table of the summary, with a link to its section.

    Attributes
    ----------
    text : str
        What is claimed.
    number : str
        How much.
    belief : Belief
    reason : str
        Why not, or why only with care.
    """

    text: str
    number: str
    belief: Belief
    reason: str = ""


type Block = Paragraph | Points | Caution | Code | Table | Picture | Details | Claim
