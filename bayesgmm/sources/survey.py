"""Survey: what one reading of all rows tells; surveys of parts add up to that of the whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from bayesgmm.validation import LARGEST_VALUE

type Array = NDArray[np.float64]
type Where = Callable[[int], tuple[str, int]]  # what a row is a part of, and its number there


@dataclass(frozen=True, eq=False)
class Survey:
    """The extent and the first moments of rows.

    Attributes
    ----------
    n_rows : int
    extents : ndarray of shape (2, n_features)
        Least and largest value of each column.
    mean : ndarray of shape (n_features,)
    scatter : ndarray of shape (n_features, n_features)
        About the mean; not divided by anything.
    """

    n_rows: int
    extents: Array
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, values: Array, names: tuple[str, ...], where: Where) -> "Survey":
        """Check and measure rows (n, d) that are in memory; ``where`` tells of a row's number what it is a part of.

        Raises
        ------
        ValueError
            If a value is missing, infinite or beyond double precision; it says where.
        """
        columns = np.array(values.T, order="C")  # a copy, which is several times faster to go along than the rows
        extents = np.stack([columns.min(axis=1), columns.max(axis=1)])
        if not (np.abs(extents) <= LARGEST_VALUE).all():
            _refuse(values, names, where)
        mean = columns.mean(axis=1)
        columns -= mean[:, None]
        return cls(len(values), extents, mean, columns @ columns.T)

    @property
    def covariance(self) -> Array:
        """Divided by the number of rows, shape (n_features, n_features)."""
        return np.asarray(self.scatter / self.n_rows)

    def __add__(self, other: "Survey") -> "Survey":
        """Of the rows of both: Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115."""
        if not isinstance(other, Survey):
            return NotImplemented
        n, shift = self.n_rows + other.n_rows, other.mean - self.mean
        extents = np.stack([np.minimum(self.extents[0], other.extents[0]), np.maximum(self.extents[1], other.extents[1])])
        between = np.outer(shift, shift) * (self.n_rows / n * other.n_rows)
        return Survey(n, extents, self.mean + shift * (other.n_rows / n), self.scatter + other.scatter + between)


def _refuse(values: Array, names: tuple[str, ...], where: Where) -> NoReturn:
    drop = "Drop or impute such rows first."
    for what, found, cure in (
        ("a missing value", np.isnan(values), drop),
        ("an infinite value", np.isinf(values), drop),
        (f"a number beyond {LARGEST_VALUE:g}", np.abs(values) > LARGEST_VALUE, "Divide the column by about its range first."),
    ):
        if found.any():
            row, column = np.argwhere(found)[0].tolist()
            place, number = where(row)
            n = np.count_nonzero(found)
            raise ValueError(
                f"{place} has {what} in column {names[column]!r}, row {number} (counted from 0 there), "
                f"the {'only one' if n == 1 else f'first of {n:,}'} in a block of {len(values):,} rows. {cure}"
            )
    raise AssertionError("Nothing is wrong with these rows.")
