"""A NumPy file on disk."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import Block, Source
from bayesgmm.table import default_names


class Npy(Source):
    """Rows of a ``.npy`` file: read, not mapped, so that they count for memory only while they are looked at.

    Parameters
    ----------
    path : path
        Of an array of shape (n_observations, n_features) or (n_observations,) of real numbers, stored by rows or by columns.
    names : sequence of str, optional
    """

    def __init__(self, path: str | os.PathLike[str], names: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        try:
            mapped = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except ValueError as error:
            raise ValueError(f"{self.path} is no NumPy file of numbers: {error}") from None
        if mapped.ndim not in (1, 2) or mapped.dtype.kind not in "fiu":
            raise ValueError(
                f"{self.path} must hold rows and columns of real numbers, got {mapped.dtype} of shape {mapped.shape}."
            )
        self.n_rows, n_columns = len(mapped), 1 if mapped.ndim == 1 else mapped.shape[1]
        self.names = tuple(names or default_names(n_columns))
        self._dtype, self._offset, self._by_rows = mapped.dtype, int(mapped.offset), mapped.flags.c_contiguous

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def blocks(self) -> Iterator[Block]:
        """By runs of rows."""
        with self.path.open("rb") as file:
            for first in range(0, self.n_rows, self.block_rows):
                yield Block.within(self._read(file, first, min(self.block_rows, self.n_rows - first)), str(self.path), first)

    def _read(self, file: BinaryIO, first: int, size: int) -> NDArray[np.float64]:
        d = len(self.names)
        if self._by_rows:
            return self._run(file, first * d, size * d).reshape(size, d)
        return np.stack([self._run(file, j * self.n_rows + first, size) for j in range(d)]).T

    def _run(self, file: BinaryIO, first: int, size: int) -> NDArray[np.float64]:
        """Numbers that lie one after another."""
        file.seek(self._offset + first * self._dtype.itemsize)
        return np.fromfile(file, self._dtype, size).astype(np.float64, copy=False)
