"""A NumPy file on disk."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.arrow import chosen
from bayesgmm.sources.source import Block, Source
from bayesgmm.table import default_names

# Of the versions that hold plain numbers.
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Npy(Source):
    """Rows of a ``.npy`` file: read, not mapped, so that they count for memory only while they are looked at.

    Parameters
    ----------
    path : path
        Of an array of shape (n_observations, n_features) or (n_observations,) of real numbers, stored by rows or by columns.
    columns : sequence of str, optional
        Those to read; None: all.
    names : sequence of str, optional
        What the file's columns are called, one for each; None: x1, x2 and so on.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else or less than its header says, or a column is not there.
    """

    def __init__(
        self, path: str | os.PathLike[str], columns: Sequence[str] | None = None, *, names: Sequence[str] | None = None
    ) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no file {self.path}.")
        with self.path.open("rb") as file:
            shape, by_columns, self._dtype = self._header(file)
            self._offset = file.tell()
        if len(shape) not in (1, 2) or 0 in shape[1:] or self._dtype.kind not in "fiu":
            raise ValueError(f"{self.path} must hold rows and columns of real numbers, got {self._dtype} of shape {shape}.")
        self.n_rows, self._n_columns = shape[0], shape[1] if len(shape) == 2 else 1
        self._by_rows = not by_columns
        self._require(self.path.stat().st_size - self._offset)
        known = tuple(names or default_names(self._n_columns))
        if len(known) != self._n_columns:
            raise ValueError(f"Each of the {self._n_columns} columns of {self.path} needs a name, got {len(known)} names.")
        self.names = chosen(known, columns, self.path)
        self._columns = [known.index(name) for name in self.names]

    def _header(self, file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        """Shape, whether columns lie one after another, and type."""
        try:
            return HEADERS[np.lib.format.read_magic(file)](file)
        except (ValueError, KeyError) as error:
            raise ValueError(f"{self.path} is no NumPy file of numbers: {error}") from None

    def _require(self, n_bytes: int) -> None:
        """Refuse a file whose array takes fewer bytes than its header says."""
        row = self._n_columns * self._dtype.itemsize
        if n_bytes < self.n_rows * row:
            raise ValueError(
                f"{self.path} is cut short: its header says {self.n_rows:,} rows of {self._n_columns} columns, "
                f"and what follows is enough for {n_bytes // row:,}. Write it again."
            )

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def blocks(self) -> Iterator[Block]:
        """By runs of rows."""
        step = self.block_rows
        if self._by_rows:  # read with the columns that are not wanted, which must not make a block larger
            step = max(1, step * len(self.names) // self._n_columns)
        with self.path.open("rb") as file:
            for first in range(0, self.n_rows, step):
                yield Block.within(self._read(file, first, min(step, self.n_rows - first)), str(self.path), first)

    def _read(self, file: BinaryIO, first: int, size: int) -> NDArray[np.float64]:
        d = self._n_columns
        if not self._by_rows:
            return np.stack([self._run(file, j * self.n_rows + first, size) for j in self._columns]).T
        values = self._run(file, first * d, size * d).reshape(size, d)
        return values if self._columns == list(range(d)) else np.take(values, self._columns, axis=1)

    def _run(self, file: BinaryIO, first: int, size: int) -> NDArray[np.float64]:
        """Numbers that lie one after another."""
        file.seek(self._offset + first * self._dtype.itemsize)
        found = np.fromfile(file, self._dtype, size)
        if len(found) < size:  # it was whole when it was opened
            self._require(self.path.stat().st_size - self._offset)
        return found.astype(np.float64, copy=False)
