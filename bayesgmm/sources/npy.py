"""A NumPy file on disk."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bayesgmm.sources.source import Block, Source
from bayesgmm.table import default_names


class Npy(Source):
    """Rows of a ``.npy`` file: read, not mapped, so that they count for memory only while they are looked at.

    Parameters
    ----------
    path : path
        Of an array of shape (n_observations, n_features) or (n_observations,) of real numbers in C order.
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
        if mapped.ndim == 2 and not mapped.flags.c_contiguous:
            raise ValueError(f"{self.path} is stored column by column: save numpy.ascontiguousarray(X) so that rows can be read.")
        self.n_rows, n_columns = len(mapped), 1 if mapped.ndim == 1 else mapped.shape[1]
        self.names = tuple(names or default_names(n_columns))
        self._dtype, self._offset = mapped.dtype, int(mapped.offset)

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def blocks(self) -> Iterator[Block]:
        """By runs of rows."""
        d = len(self.names)
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for first in range(0, self.n_rows, self.block_rows):
                size = min(self.block_rows, self.n_rows - first)
                values = np.fromfile(file, self._dtype, size * d).reshape(size, d)
                yield Block(values.astype(np.float64, copy=False), str(self.path), first)
