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
    total_weight : float
    extents : ndarray of shape (2, n_features)
        Least and largest value of each column, among rows that count.
    mean : ndarray of shape (n_features,)
    scatter : ndarray of shape (n_features, n_features)
        Weighted, about the mean; not divided by anything.
    """

    n_rows: int
    total_weight: float
    extents: Array
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, values: Array, names: tuple[str, ...], where: Where, weights: Array | None = None) -> "Survey":
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
        n, v = len(values), weights
        if v is None:
            mean = columns.mean(axis=1)
            columns -= mean[:, None]
            return cls(n, float(n), extents, mean, columns @ columns.T)
        counted, total = columns[:, v > 0], float(v.sum())
        if total == 0:  # of such rows nothing is told
            nothing = np.zeros(len(names))
            return cls(n, total, np.stack([nothing + np.inf, nothing - np.inf]), nothing, np.outer(nothing, nothing))
        extents = np.stack([counted.min(axis=1), counted.max(axis=1)])
        mean = columns @ v / total
        columns -= mean[:, None]
        return cls(n, total, extents, mean, (columns * v) @ columns.T)

    @property
    def covariance(self) -> Array:
        """Divided by the total weight, shape (n_features, n_features)."""
        return np.asarray(self.scatter / self.total_weight)

    def __add__(self, other: "Survey") -> "Survey":
        """Of the rows of both: Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115."""
        if not isinstance(other, Survey):
            return NotImplemented
        extents = np.stack([np.minimum(self.extents[0], other.extents[0]), np.maximum(self.extents[1], other.extents[1])])
        total, shift = self.total_weight + other.total_weight, other.mean - self.mean
        share = other.total_weight / total if total else 0.0
        scatter = self.scatter + other.scatter + np.outer(shift, shift) * (self.total_weight * share)
        return Survey(self.n_rows + other.n_rows, total, extents, self.mean + shift * share, scatter)


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
