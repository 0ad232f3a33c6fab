"""Observations: the only form of data that kernels and engines take, built once at the door and frozen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

CHECKED_ROWS = 65_536  # rows are looked at in blocks, so that no copy or mask of the data's size is made
TOLD_DISTINCT = 1000


@dataclass(frozen=True, eq=False)
class Observations:
    """Data as the engines see them.

    Attributes
    ----------
    values : ndarray of shape (n_observations, n_features)
        Finite, float64, C order, read-only. The caller's memory where it already has that form.
    weights : ndarray of shape (n_observations,)
        How often each row counts; a view of a single 1.0 where none were given.
    names : tuple of str
        One name a feature.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    names: tuple[str, ...]

    @classmethod
    def from_data(cls, X: Any, sample_weight: Any = None, names: Sequence[str] | None = None) -> Self:
        """Check data of any accepted form.

        Parameters
        ----------
        X : array-like of shape (n_observations, n_features) or (n_observations,), pandas or polars DataFrame or Series
            Numeric data. One-dimensional data are one feature. Observations pass as they are.
        sample_weight : array-like of shape (n_observations,), optional
            Non-negative row weights: an integer weight is the same as repeating the row.
        names : sequence of str, optional
            Names of the features where ``X`` has none; ``x1, x2, ...`` otherwise.

        Raises
        ------
        ValueError
            If values are missing or infinite, a column is not numeric or does not vary, or shapes do not fit.
        """
        if isinstance(X, cls):
            return X if sample_weight is None else X.reweighted(_row_weights(sample_weight, X.n_observations))
        values, found = _table(X)
        names = tuple(found or names or (f"x{j + 1}" for j in range(values.shape[1])))
        if 0 in values.shape:
            raise ValueError(f"The data are empty: {values.shape[0]} rows and {values.shape[1]} columns arrived.")
        if len(names) != values.shape[1] or len(set(names)) < len(names):
            raise ValueError(f"Each of the {values.shape[1]} columns needs a name of its own, got {', '.join(map(repr, names))}.")
        _require_finite(values, names)
        values = values.view()
        values.flags.writeable = False
        observations = cls(values, _row_weights(sample_weight, len(values)), names)
        observations._require_variation()
        return observations

    @property
    def n_observations(self) -> int:
        """n: rows, whatever their weights."""
        return len(self.values)

    @property
    def n_features(self) -> int:
        """d."""
        return len(self.names)

    @cached_property
    def total_weight(self) -> float:
        """sum_i v_i: the n of BIC."""
        return float(self.weights.sum())

    @cached_property
    def is_weighted(self) -> bool:
        """Whether some row counts other than once."""
        return bool((self.weights != 1).any())

    def require_unweighted(self, what: str) -> None:
        """Raise ValueError if rows have weights, which ``what`` does not know."""
        if self.is_weighted:
            raise ValueError(f"{what} does not take row weights: fit without them, or repeat rows that count several times.")

    @cached_property
    def n_distinct(self) -> int:
        """Distinct rows that count, told exactly up to 1,000."""
        distinct = self._used[:0]
        for start in range(0, len(self._used), CHECKED_ROWS):
            distinct = np.unique(np.concatenate([distinct, self._used[start : start + CHECKED_ROWS]]), axis=0)
            if len(distinct) >= TOLD_DISTINCT:
                break
        return len(distinct)

    @cached_property
    def ranges(self) -> NDArray[np.float64]:
        """R_j = max - min of each feature, shape (d,)."""
        used = self._used
        return np.asarray(used.max(axis=0) - used.min(axis=0))

    @cached_property
    def midranges(self) -> NDArray[np.float64]:
        """m_j = halfway between min and max of each feature, shape (d,)."""
        return np.asarray(self._used.min(axis=0) + 0.5 * self.ranges)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Weighted mean, shape (d,)."""
        return self._moments[0]

    @cached_property
    def covariance(self) -> NDArray[np.float64]:
        """Weighted covariance of all rows, divided by their total weight, shape (d, d)."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        d = self.n_features
        sums, squares = np.zeros(d), np.zeros((d, d))
        for start in range(0, self.n_observations, CHECKED_ROWS):
            rows = slice(start, start + CHECKED_ROWS)
            centred = self.values[rows] - self.midranges  # about a point among the rows, so that no digits are lost far from 0
            weighted = self.weights[rows, None] * centred
            sums += weighted.sum(axis=0)
            squares += weighted.T @ centred
        shift = sums / self.total_weight
        return self.midranges + shift, squares / self.total_weight - np.outer(shift, shift)

    @cached_property
    def _used(self) -> NDArray[np.float64]:
        """Rows that count: a row of weight zero says nothing, not even about the range."""
        return self.values[self.weights > 0] if self.is_weighted else self.values

    def _require_variation(self) -> None:
        constant = [name for name, spread in zip(self.names, self.ranges, strict=True) if spread == 0]
        if constant:
            raise ValueError(
                f"Columns that do not vary cannot be modelled by a density: {', '.join(map(repr, constant))} "
                f"({len(self._used)} rows). Leave them out or give more rows."
            )

    def reweighted(self, weights: NDArray[np.float64]) -> Self:
        """The same rows, counted otherwise."""
        return replace(self, weights=np.ascontiguousarray(weights, dtype=np.float64))


def points(X: Any) -> NDArray[np.float64]:
    """Finite values (n, d) of data at which a fitted mixture is looked at; one row is enough."""
    values, names = _table(X)
    _require_finite(values, names or [f"x{j + 1}" for j in range(values.shape[1])])
    return values


def _table(X: Any) -> tuple[NDArray[np.float64], tuple[str, ...] | None]:
    """Values (n, d) and, where the data have them, the columns' names."""
    columns = [str(name) for name in getattr(X, "columns", ())]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ValueError(f"Columns have the same name: {', '.join(map(repr, twice))}. Rename them so that each has its own.")
    native = nw.from_native(X, pass_through=True, allow_series=True, eager_only=True)
    if isinstance(native, nw.Series):
        native = native.to_frame()
        if not native.columns[0]:
            native = native.rename({native.columns[0]: "x1"})
    if isinstance(native, nw.DataFrame):
        for name, dtype in native.schema.items():
            if not dtype.is_numeric():
                raise ValueError(
                    f"Column {name!r} holds {dtype}, not numbers: leave it out, for example X.drop(columns=[{name!r}])."
                )
        return np.ascontiguousarray(native.to_numpy(), dtype=np.float64), tuple(map(str, native.columns))
    return _array(X), None


def _array(X: Any) -> NDArray[np.float64]:
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(f"The data have {np.ma.count_masked(X)} masked values: drop those rows.")
    try:
        array = np.asarray(X)
        if array.dtype.kind not in "fiu" and not (array.dtype.kind == "O" and array.size):
            raise TypeError(f"its dtype is {array.dtype}")
        array = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The data must be a table of real numbers of shape (n_observations, n_features), got {type(X).__name__}: {error}."
        ) from error
    if np.ndim(X) == 0 or array.ndim > 2:
        raise ValueError(f"The data must have one or two dimensions (rows and columns), got shape {np.shape(X)}.")
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _require_finite(values: NDArray[np.float64], names: Sequence[str]) -> None:
    bad = np.zeros(values.shape[1], dtype=np.int64)
    for start in range(0, len(values), CHECKED_ROWS):
        block = values[start : start + CHECKED_ROWS]
        if not np.isfinite(block.sum(dtype=np.longdouble)):  # one sum tells for a whole block
            bad += np.count_nonzero(~np.isfinite(block), axis=0)
    if bad.any():
        told = ", ".join(f"{count} in {name!r}" for name, count in zip(names, bad, strict=True) if count)
        raise ValueError(f"The data have missing (NaN) or infinite values: {told}. Drop or impute those rows first.")


def _row_weights(sample_weight: Any, n_observations: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.broadcast_to(1.0, (n_observations,))
    weights = np.array(sample_weight, dtype=np.float64)
    if weights.shape != (n_observations,):
        raise ValueError(f"sample_weight must have one entry a row, shape ({n_observations},), got {weights.shape}.")
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight must be finite and at least 0, with some entries above 0.")
    return weights
