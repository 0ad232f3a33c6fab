"""Source: rows that are elsewhere, gone through as often as a fit asks, and never held all at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.sources.survey import Survey, Where

type Array = NDArray[np.float64]
type Components = tuple[Array, Array, Array]  # log constants, means, factors

BLOCK_BYTES = 2**24  # of a block that a task gets: a small part of memory, and a pass that is worth its threads
AHEAD = 2  # blocks that are read while the task works
FAN = 8  # sums that are added up at a time
ROUNDING = 1e-14  # of a log-likelihood: smaller differences are noise of the sum over rows


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows, and where they come from.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features)
        float64; C or Fortran order.
    where : callable
        Of a row's number in the block: what it is a part of, such as a file and a row group in it, and its number there, for
        sentences about it.
    """

    values: Array
    where: Where

    @classmethod
    def within(cls, values: Array, place: str, first: int) -> Self:
        """Rows of one place, of which the first has this number there."""
        return cls(values, lambda row: (place, first + row))


class Sums:
    """Several sums in one: they are added one by one."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*map(add, self.parts, other.parts))


class Source(ABC):
    """A table of numbers somewhere else, with the same rows in the same order each time that it is read.

    What is done with its rows is a task: a function of the numbers of some rows, as a slice, of their values, and of the parts
    that belong to them of whatever goes along with all rows. Tasks get blocks of ``block_rows`` rows, the last of what is left,
    however the source is cut: so how it is cut changes no bit of any sum. They may run in other processes, so a task is what can
    be pickled; and what goes along is sent there once for as long as it is the same array: give another rather than change it.

    Attributes
    ----------
    names : tuple of str
        One name a column.
    rounding : float
        Share of a log-likelihood below which differences are noise.
    """

    names: tuple[str, ...]
    rounding: float = ROUNDING

    fingerprint: str = ""  # of what went along with rows that are no more there

    @property
    def description(self) -> str:
        """Where the rows come from, in a word or two."""
        return f"a source of the kind {type(self).__name__}"

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """All rows in their order; at most about 16 MB at a time."""

    def survey(self, *weights: Array) -> Survey:
        """Read everything once, check it and measure it, by row weights (n_rows,) where these are given.

        Raises
        ------
        ValueError
            If there is no row, or a value is missing, infinite or beyond double precision; it says where.
        """
        seen: list[tuple[int, Where]] = []
        found = added_up(
            Survey.of(values, self.names, partial(_place, seen, first), *(part[first : first + len(values)] for part in weights))
            for first, values in ahead(self._cut(seen))
        )
        if found is None:
            raise ValueError("The data are empty: no row arrived.")
        return found

    def here(self) -> Iterator[tuple[slice, Array]]:
        """All rows, block by block, in this process, wherever tasks would run."""
        for first, values in ahead(self._cut()):
            yield slice(first, first + len(values)), values

    def mapped[T](self, task: Callable[..., T], *along: NDArray[Any]) -> Iterator[T]:
        """What the task gives for each block of rows, in their order; the next ones are read while it works."""
        for rows, values in self.here():
            yield task(rows, values, *(part[rows] for part in along))

    def reduced[T](self, task: Callable[..., T], *along: NDArray[Any]) -> T | None:
        """The sum of what the task gives for all blocks; None where there is no row."""
        return added_up(self.mapped(task, *along))

    def e_step(self, components: Components, *weights: Array) -> Sums | None:
        """EM's pass over all rows; a source may have a faster one of its own.

        Parameters
        ----------
        components : tuple of ndarray
            Log constants, means and factors, as kernels take them.
        weights : ndarray of shape (n_rows,), optional
            Row weights.

        Returns
        -------
        Sums or None
            The number of rows, then what ``kernels.expected_statistics`` returns; None where there is no row.
        """
        return self.reduced(partial(_expected, components), *weights)

    @property
    def block_rows(self) -> int:
        """Rows of a block, a function of the number of columns alone."""
        return max(1, BLOCK_BYTES // (8 * len(self.names)))

    def _cut(self, seen: list[tuple[int, Where]] | None = None) -> Iterator[tuple[int, Array]]:
        """Blocks of the same size with the number of their first row, without a copy where the source has them so.

        ``seen`` is told of each of the source's own blocks, and the number of its first row.
        """
        first, buffer, filled = 0, np.empty(0), 0
        for block in self.blocks():
            values = block.values
            if seen is not None:
                seen.append((first + filled, block.where))
            while len(values):
                if not filled and len(values) >= self.block_rows:
                    yield first, values[: self.block_rows]
                    values, first = values[self.block_rows :], first + self.block_rows
                    continue
                if not filled:
                    buffer = np.empty((self.block_rows, len(self.names)), order="C" if values.flags.c_contiguous else "F")
                taken = min(self.block_rows - filled, len(values))
                buffer[filled : filled + taken] = values[:taken]
                values, filled = values[taken:], filled + taken
                if filled == self.block_rows:
                    yield first, buffer
                    first, filled = first + filled, 0
        if filled:
            yield first, buffer[:filled].copy(order="K")  # of either order, and contiguous


def _place(seen: list[tuple[int, Where]], first: int, row: int) -> tuple[str, int]:
    """What a row of the cut block that begins with row ``first`` is a part of in the source, and its number there."""
    number = first + row
    start, where = next((start, where) for start, where in reversed(seen) if start <= number)
    return where(number - start)


def _expected(components: Components, _: slice, values: Array, weights: Array | None = None) -> Sums:
    """Number of rows, log-likelihood, counts, sums and scatter about the means."""
    v = np.broadcast_to(1.0, (len(values),)) if weights is None else np.ascontiguousarray(weights)
    return Sums(len(values), *kernels.threaded_statistics(values, v, *components))


def ahead[T](items: Iterator[T]) -> Iterator[T]:
    """The same items, of which the next ones are made in another thread while the caller works on one."""
    nothing = object()
    with ThreadPoolExecutor(1) as reader:
        coming: list[Future[Any]] = [reader.submit(next, items, nothing) for _ in range(AHEAD)]
        try:
            while (item := coming.pop(0).result()) is not nothing:
                coming.append(reader.submit(next, items, nothing))
                yield item
        finally:
            for future in coming:
                future.cancel()


def added_up[T](parts: Iterable[T]) -> T | None:
    """The sum of parts, by a tree whose form is a function of their number: so many sums are added, and so many of those.

    That is how workers add as well, and rounding grows with the tree's depth alone.
    """
    levels: list[list[Any]] = []
    for part in parts:
        carried, level = part, 0
        while True:
            if level == len(levels):
                levels.append([])
            levels[level].append(carried)
            if len(levels[level]) < FAN:
                break
            carried, levels[level] = reduce(add, levels[level]), []
            level += 1
    left: list[Any] = []
    for level_sums in levels:
        left = [reduce(add, [*level_sums, *left])] if level_sums or left else []
    return left[0] if left else None
