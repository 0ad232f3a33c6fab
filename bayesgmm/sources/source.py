"""Source: rows that are read from elsewhere, block by block and as often as a fit asks, and never held all at once."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 2**24  # of a block that is read at a time: a small part of memory, and a pass that is worth its threads
AHEAD = 2  # blocks that are read while the kernel works


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows, and where they come from.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features)
        float64; C or Fortran order.
    place : str
        What they are a part of, such as a file and a row group in it, for sentences about them.
    first : int
        Number of the first row in that place.
    """

    values: NDArray[np.float64]
    place: str
    first: int


class Source(ABC):
    """A table of numbers somewhere else, with the same rows in the same order each time that it is read.

    Attributes
    ----------
    names : tuple of str
        One name a column.
    """

    names: tuple[str, ...]

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """All rows in their order; at most about :data:`BLOCK_BYTES` at a time."""

    @property
    def block_rows(self) -> int:
        """Rows of a block."""
        return max(1, BLOCK_BYTES // (8 * len(self.names)))

    def ahead(self) -> Iterator[Block]:
        """The same blocks, of which the next ones are read in another thread while the caller works on one."""
        blocks = self.blocks()
        with ThreadPoolExecutor(1) as reader:
            coming: list[Future[Block | None]] = [reader.submit(next, blocks, None) for _ in range(AHEAD)]
            try:
                while (block := coming.pop(0).result()) is not None:
                    coming.append(reader.submit(next, blocks, None))
                    yield block
            finally:
                for future in coming:
                    future.cancel()
