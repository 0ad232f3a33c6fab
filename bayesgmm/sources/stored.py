"""Stored: the rows of a source in the place of an array, for code that goes through rows by slices."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import Block, Source
from bayesgmm.validation import LARGEST_VALUE

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over a source tells.

    Attributes
    ----------
    n_rows : int
    extents : ndarray of shape (2, n_features)
        Least and largest value of each column.
    mean : ndarray of shape (n_features,)
    covariance : ndarray of shape (n_features, n_features)
        Divided by the number of rows.
    """

    n_rows: int
    extents: Array
    mean: Array
    covariance: Array

    @classmethod
    def of(cls, source: Source) -> "Survey":
        """Read everything once, and check it.

        Raises
        ------
        ValueError
            If there is no row, or a value is missing, infinite or beyond double precision; it says where.
        """
        d, n = len(source.names), 0
        extents = np.repeat([[np.inf], [-np.inf]], d, axis=1)
        mean, scatter = np.zeros(d), np.zeros((d, d))
        for block in source.ahead():
            least, most = block.values.min(axis=0), block.values.max(axis=0)
            if not (np.maximum(np.abs(least), np.abs(most)) <= LARGEST_VALUE).all():
                _refuse(block, source.names)
            extents = np.stack([np.minimum(extents[0], least), np.maximum(extents[1], most)])
            size = len(block.values)
            own = block.values.mean(axis=0)
            centred, shift = block.values - own, own - mean
            # Chan, Golub & LeVeque (1983): moments of two parts about their own means are those of the whole
            scatter += centred.T @ centred + np.outer(shift, shift) * (n * size / (n + size))
            n += size
            mean = mean + shift * (size / n)
        if not n:
            raise ValueError("The data are empty: no row arrived.")
        return cls(n, extents, mean, scatter / n)


def _refuse(block: Block, names: tuple[str, ...]) -> NoReturn:
    for what, found in (
        ("a missing value", np.isnan(block.values)),
        ("an infinite value", np.isinf(block.values)),
        (f"a number beyond {LARGEST_VALUE:g}", np.abs(block.values) > LARGEST_VALUE),
    ):
        if found.any():
            row, column = np.argwhere(found)[0]
            raise ValueError(
                f"{block.place} has {what} in column {names[column]!r}, row {block.first + row} (counted from 0 there). "
                "Drop or impute such rows first."
            )
    raise AssertionError(block.place)


class Stored:
    """Rows of a source, by slices and by sorted numbers.

    Slices in turn cost one reading of the source; going back begins it anew. It takes the place of an array where that is gone
    through in blocks of rows, and refuses to become one.
    """

    def __init__(self, source: Source, n_rows: int) -> None:
        self.source, self.shape = source, (n_rows, len(source.names))
        self._lock = Lock()
        self._begin()

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        """There is no array."""
        raise TypeError(f"{len(self):,} rows are read block by block and cannot be made an array here: fit them by EM.")

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """All rows in one reading: which they are, and they."""
        first = 0
        for block in self.source.ahead():
            last = first + len(block.values)
            if last > len(self):
                self._refuse_change()
            yield slice(first, last), block.values
            first = last
        if first != len(self):
            self._refuse_change()

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Array:
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step != 1:
                raise IndexError("Rows of a source are read in their order.")
            with self._lock:
                return self._between(first, max(first, last))
        return self._numbered(np.asarray(rows))

    def _begin(self) -> None:
        self._reading, self._at, self._left = self.blocks(), 0, np.empty((0, self.shape[1]))

    def _between(self, first: int, last: int) -> Array:
        if first < self._at:
            self._begin()
        parts = []
        while self._at < last:
            if not len(self._left):
                self._left = next(self._reading)[1]
            skipped = min(max(first - self._at, 0), len(self._left))
            taken = self._left[skipped : skipped + last - max(first, self._at)] if self._at + skipped >= first else self._left[:0]
            self._at += skipped + len(taken)
            self._left = self._left[skipped + len(taken) :]
            parts.append(taken)
        return np.ascontiguousarray(np.concatenate(parts)) if parts else np.empty((0, self.shape[1]))

    def _numbered(self, rows: NDArray[np.int64]) -> Array:
        """Rows by their numbers, in one reading."""
        out, order = np.empty((len(rows), self.shape[1])), np.argsort(rows, kind="stable")
        ordered = rows[order]
        for where, values in self.blocks():
            first, last = np.searchsorted(ordered, [where.start, where.stop])
            out[order[first:last]] = values[ordered[first:last] - where.start]
        return out

    def _refuse_change(self) -> NoReturn:
        raise ValueError(
            f"The source gave another number of rows than the {len(self):,} of its first reading: it must not change."
        )
