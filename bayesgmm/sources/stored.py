"""Stored: the rows of a source in the place of an array, for code that goes through rows."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import Components, Source, Sums

type Array = NDArray[np.float64]
type Statistics = tuple[float, Array, Array, Array]  # log-likelihood, counts, sums, scatter


class Stored:
    """Rows of a source, all of them by tasks or some by their numbers.

    It takes the place of an array where rows are gone through, and refuses to become one.
    """

    def __init__(self, source: Source, n_rows: int) -> None:
        self.source, self.shape = source, (n_rows, len(source.names))

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        """There is no array."""
        raise TypeError(
            f"These {len(self):,} rows are read block by block, and what was asked for needs them in memory: "
            "give it an array of them, or of some of them."
        )

    def mapped[T](self, task: Callable[..., T], *along: NDArray[Any]) -> Iterator[T]:
        """What a task gives for each block of rows, see :class:`bayesgmm.sources.Source`."""
        n = 0
        for size, found in self.source.mapped(partial(_counted, task), *along):
            n += size
            self._require(n <= len(self))
            yield found
        self._require(n == len(self))

    def here(self) -> Iterator[tuple[slice, Array]]:
        """All rows, block by block, in this process."""
        n = 0
        for rows, values in self.source.here():
            n += len(values)
            self._require(n <= len(self))
            yield rows, values
        self._require(n == len(self))

    def reduced[T](self, task: Callable[..., T], *along: NDArray[Any]) -> T:
        """The sum of what a task gives for all blocks of rows."""
        n, found = self.source.reduced(partial(_counted_sum, task), *along) or (0, None)
        self._require(n == len(self))
        return cast(T, found)

    def e_step(self, components: Components, *weights: Array) -> Statistics:
        """EM's pass: log-likelihood, counts, sums and scatter, see :class:`bayesgmm.sources.Source`."""
        n, *statistics = self.source.e_step(components, *weights) or (0,)
        self._require(n == len(self))
        return cast(Statistics, tuple(statistics))

    def __getitem__(self, numbers: NDArray[np.int64]) -> Array:
        """Rows by their numbers, in one reading."""
        if not isinstance(numbers, np.ndarray):  # a slice, or columns too, as of an array
            self.__array__()
        order = np.argsort(numbers, kind="stable")
        out = np.empty((len(numbers), self.shape[1]))
        out[order] = np.concatenate(list(self.mapped(partial(_chosen, numbers[order]))))
        return out

    def _require(self, is_unchanged: bool) -> None:
        if not is_unchanged:
            raise ValueError(
                f"The source gave another number of rows than the {len(self):,} of its first reading: it must not change."
            )


def _counted_sum[T](task: Callable[..., T], rows: slice, values: Array, *along: NDArray[Any]) -> Sums:
    return Sums(len(values), task(rows, values, *along))


def _counted[T](task: Callable[..., T], rows: slice, values: Array, *along: NDArray[Any]) -> tuple[int, T]:
    return len(values), task(rows, values, *along)


def _chosen(numbers: NDArray[np.int64], rows: slice, values: Array) -> Array:
    first, last = np.searchsorted(numbers, [rows.start, rows.stop])
    return np.ascontiguousarray(values[numbers[first:last] - rows.start])
