"""Blocks that a function of the user's makes, and the partitions of a Dask collection."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from bayesgmm.sources.source import Block, Source
from bayesgmm.table import Table, default_names


class Blocks(Source):
    """Whatever a function gives when it is called: an iterable of tables with the same columns, the same ones at each call.

    Parameters
    ----------
    factory : callable
        Of no arguments; called once a pass.
    names : sequence of str, optional
        Of columns that have none.
    """

    def __init__(self, factory: Callable[[], Iterable[Any]], names: Sequence[str] | None = None) -> None:
        if not callable(factory):
            raise TypeError(f"factory must be a function that gives blocks each time it is called, got {type(factory).__name__}.")
        first = next(iter(factory()), None)
        if first is None:
            raise ValueError("The factory gave no block.")
        self._factory = factory
        self.names = Table.of(first, names, allow_missing=True).names

    def blocks(self) -> Iterator[Block]:
        """As they come, cut where they are long."""
        for number, part in enumerate(self._factory()):
            if not len(part):
                continue
            table = Table.of(part, self.names, allow_missing=True)
            if table.names != self.names:
                raise ValueError(f"Block {number} has columns {', '.join(table.names)}, the first had {', '.join(self.names)}.")
            for start in range(0, len(table.values), self.block_rows):
                yield Block.within(table.values[start : start + self.block_rows], f"block {number}", start)


class Partitions(Source):
    """A Dask array or DataFrame, computed a partition at a time in this process."""

    def __init__(self, collection: Any) -> None:
        self.names, self._parts = partitions(collection)

    def blocks(self) -> Iterator[Block]:
        """Partition by partition."""
        return Blocks(self._computed, self.names).blocks()

    def _computed(self) -> Iterator[Any]:
        for part in self._parts:
            yield part.compute()


def partitions(collection: Any) -> tuple[tuple[str, ...], list[Any]]:
    """The columns' names of a Dask array or DataFrame, and its partitions of whole rows, not computed yet."""
    columns = getattr(collection, "columns", None)
    if columns is not None:
        names = tuple(map(str, columns))
    else:
        if collection.ndim == 2 and len(collection.chunks[1]) > 1:
            raise ValueError("Columns of the Dask array are in several chunks: rechunk({1: -1}) so that each holds whole rows.")
        names = default_names(1 if collection.ndim == 1 else collection.shape[1])
    return names, list(np.asarray(collection.to_delayed()).ravel())
