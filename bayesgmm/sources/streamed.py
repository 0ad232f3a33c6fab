"""Blocks that a function of the user's makes, and the partitions of a Dask collection."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import Block, Source
from bayesgmm.table import Table, default_names

type Array = NDArray[np.float64]


class Blocks(Source):
    """Whatever a function gives when it is called: an iterable of tables with the same columns, the same ones at each call.

    Parameters
    ----------
    factory : callable
        Of no arguments; called once a pass. It and what it gives run in the thread that reads ahead, while the caller's computes;
        so they must not hang on the thread they were made in, as connections to some databases do: open these in the factory.
    names : sequence of str, optional
        Of columns that have none.

    Raises
    ------
    TypeError
        If ``factory`` cannot be called, or gives what is no table.
    ValueError
        If no block has a row, or one has other columns or no numbers.
    """

    def __init__(self, factory: Callable[[], Iterable[Any]], names: Sequence[str] | None = None) -> None:
        if not callable(factory):
            raise TypeError(f"factory must be a function that gives blocks each time it is called, got {type(factory).__name__}.")
        self._factory = factory
        first = next(((number, part) for number, part in enumerate(factory()) if not is_empty(part)), None)
        if first is None:
            raise ValueError("The data are empty: the factory gave no block with a row.")
        self.names = read(first[1], names, f"Block {first[0]}").names

    def blocks(self) -> Iterator[Block]:
        """As they come, cut where they are long."""
        for number, part in enumerate(self._factory()):
            yield from cut_up(part, self.names, f"Block {number}", self.block_rows)


class Partitions(Source):
    """A Dask array, DataFrame or Series, computed a partition at a time in this process."""

    def __init__(self, collection: Any) -> None:
        self.names, self._parts = partitions(collection)

    def blocks(self) -> Iterator[Block]:
        """Partition by partition."""
        for number, part in enumerate(self._parts):
            yield from cut_up(part.compute(), self.names, f"Partition {number}", self.block_rows)


def is_empty(part: Any) -> bool:
    """Whether there is no row; what has no length is no table, as will be said where it is read."""
    try:
        return not len(part)
    except TypeError:
        return False


def read(part: Any, names: Sequence[str] | None, place: str) -> Table:
    """A block or partition as a table; ``names`` serve where it has none. What is wrong with it is said of its place."""
    try:
        return Table.of(part, names, allow_missing=True)
    except TypeError as error:
        raise TypeError(f"{place}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def values_of(part: Any, names: tuple[str, ...], place: str) -> Array:
    """The numbers of a block or partition, which has the columns of the others or no row."""
    if is_empty(part):
        return np.empty((0, len(names)))
    table = read(part, names, place)
    if table.names != names:
        raise ValueError(f"{place} has columns {', '.join(table.names)}, and what came before has {', '.join(names)}.")
    return table.values


def cut_up(part: Any, names: tuple[str, ...], place: str, block_rows: int) -> Iterator[Block]:
    """Blocks of at most so many rows."""
    values = values_of(part, names, place)
    for start in range(0, len(values), block_rows):
        yield Block.within(values[start : start + block_rows], place, start)


def partitions(collection: Any) -> tuple[tuple[str, ...], list[Any]]:
    """The columns' names of a Dask array, DataFrame or Series, and its partitions of whole rows, not computed yet.

    Raises
    ------
    TypeError
        If it is another collection, without rows and columns.
    ValueError
        If columns are in several chunks.
    """
    ndim = getattr(collection, "ndim", None)  # which may be anything: what is delayed has all attributes
    if not isinstance(ndim, int) or ndim not in (1, 2):
        what = f"has {ndim} dimensions" if isinstance(ndim, int) else "has no rows and columns"
        raise TypeError(
            f"A {type(collection).__name__} of Dask that {what} is no table: make a DataFrame or an array of rows and columns "
            "of it, for example by to_dataframe(), dask.dataframe.from_delayed or reshape."
        )
    if hasattr(collection, "dtypes"):  # a DataFrame or a Series, of which one without a name is called as in memory
        labels = collection.columns if ndim == 2 else [collection.name]
        names = default_names(1) if ndim == 1 and labels[0] is None else tuple(map(str, labels))
    else:
        if ndim == 2 and len(collection.chunks[1]) > 1:
            raise ValueError("Columns of the Dask array are in several chunks: rechunk({1: -1}) so that each holds whole rows.")
        names = default_names(1 if ndim == 1 else collection.shape[1])
    return names, list(np.asarray(collection.to_delayed()).ravel())
