"""Table: the forms in which data arrive (arrays, nested lists, data frames, series) made one array of numbers with names.

This floor knows forms, and refuses what is missing or infinite; whether the numbers can be fitted is asked on the next.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from bayesgmm.validation import LARGEST_VALUE, listed, real_array, told

THE_DATA = "The data"
BLOCK_VALUES = 40_960  # looked at in blocks of so many, so that no copy or mask of the data's size is made


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers in rows and columns.

    Attributes
    ----------
    values : ndarray of shape (n_observations, n_features)
        Finite, or NaN where it is missing and that was allowed; float64, C order, at least one row and one column. The caller's
        memory where it already has that form.
    names : tuple of str
        One name a column, each its own.
    is_named : bool
        Whether these came with the data or were given for them; otherwise they are :func:`default_names`.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    is_named: bool

    @classmethod
    def of(cls, X: Any, names: Iterable[str] | None = None, allow_missing: bool = False) -> Self:
        """Read data of any accepted form; ``names`` serve where it has none.

        Raises
        ------
        TypeError
            If ``X`` is no table at all.
        ValueError
            If it is empty, has more than two dimensions, columns of one name, or entries that are missing (unless that is
            allowed), infinite or no real numbers.
        """
        _require_table(X)
        if isinstance(X, pd.DataFrame | pd.Series):
            values, found = _from_pandas(X)
        elif isinstance(native := nw.from_native(X, pass_through=True, allow_series=True), nw.DataFrame | nw.Series):
            values, found = _from_frame(native)
        elif isinstance(native, nw.LazyFrame):
            raise TypeError(f"{THE_DATA} are a {type(X).__name__} that is not computed yet: collect() it first.")
        else:
            values, found = _from_array(X), ()
        if 0 in values.shape:
            raise ValueError(f"{THE_DATA} are empty: {values.shape[0]} rows and {values.shape[1]} columns arrived.")
        given = tuple(found or names or ())
        named = given or default_names(values.shape[1])
        if len(named) != values.shape[1]:
            raise ValueError(f"Each of the {values.shape[1]} columns needs a name, got {len(named)} names.")
        _require_distinct(named)
        values = np.ascontiguousarray(values)
        _require_finite(values, named, allow_missing)
        return cls(values, named, bool(given))

    def arranged(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The columns of these names, in their order; by their place where one of the two was never named.

        Raises
        ------
        ValueError
            If a column is not there, or columns without names are not as many.

        Examples
        --------
        >>> Table.of([[1.0, 2.0]], names=["a", "b"]).arranged(["b", "a"])
        array([[2., 1.]])
        >>> Table.of([[1.0, 2.0]]).arranged(["x2", "x1"])
        array([[1., 2.]])
        """
        if self.is_named and set(names) <= set(self.names):
            chosen = [self.names.index(name) for name in names]
            in_place = chosen == list(range(len(self.names)))
            return self.values if in_place else np.ascontiguousarray(self.values[:, chosen])
        n = len(names)
        if len(self.names) == n and default_names(n) in (tuple(names), self.names):
            return self.values
        there = listed([repr(name) for name in self.names])
        asked = listed([repr(name) for name in names])
        raise ValueError(f"{THE_DATA} have the columns {there}, and asked for are {asked}: give these, by name or in this order.")


def default_names(n_features: int) -> tuple[str, ...]:
    """Names of columns that have none."""
    return tuple(f"x{j + 1}" for j in range(n_features))


def _require_table(X: Any) -> None:
    """Raise TypeError for what is often given in place of a table, with its cure."""
    cure = ""
    if X is None:
        cure = "give an array, a list of rows or a DataFrame"
    elif isinstance(X, str | bytes | bytearray | os.PathLike):
        cure = "if it names a file, read that first, for example by pandas.read_csv, or block by block: bayesgmm.open_source"
    elif isinstance(X, Mapping):
        cure = "make a table of it, for example by pandas.DataFrame"
    elif isinstance(X, Set):
        cure = "a set has no order and keeps no repeated rows; give a list"
    elif isinstance(X, Iterator):
        cure = "it can be read only once; give a list, for example list(X)"
    elif scipy.sparse.issparse(X):
        cure = "a mixture needs all entries; give X.toarray()"
    elif callable(X):
        cure = "give data, not what makes them"
    if cure:
        raise TypeError(f"{THE_DATA} are of type {type(X).__name__}, not a table ({told(X)}): {cure}.")


def _require_distinct(names: tuple[str, ...]) -> None:
    if len(set(names)) == len(names):
        return
    twice = sorted({name for name in names if names.count(name) > 1})
    raise ValueError(
        f"Columns have the same name: {listed([repr(name) for name in twice])}. Rename them so that each has its own."
    )


def blocks(values: NDArray[np.float64]) -> Iterator[slice]:
    """Slices that go through the rows."""
    step = max(1, BLOCK_VALUES // values.shape[1])
    for start in range(0, len(values), step):
        yield slice(start, start + step)


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """Numbers of at most so many of n rows, evenly spaced, the first and the last among them."""
    return np.linspace(0, n - 1, min(n, most)).astype(np.int64)


def extents(parts: Iterable[NDArray[np.float64]], n_columns: int, ignore_missing: bool = False) -> NDArray[np.float64]:
    """Least and largest value of each column over blocks of rows, shape (2, d); NaN where one is not ignored."""
    lower, higher = (np.fmin, np.fmax) if ignore_missing else (np.minimum, np.maximum)
    found = np.repeat([[np.inf], [-np.inf]], n_columns, axis=1)
    for part in parts:
        if len(part):
            columns = np.ascontiguousarray(part.T)  # several times faster than along the rows
            least, most = lower.reduce(columns, axis=1), higher.reduce(columns, axis=1)
            found = np.stack([lower(found[0], least), higher(found[1], most)])
    return found


def _require_finite(values: NDArray[np.float64], names: tuple[str, ...], allow_missing: bool) -> None:
    if allow_missing:
        _require_some(values)
    reach = np.abs(extents((values[rows] for rows in blocks(values)), len(names), allow_missing)).max(axis=0)
    if (reach <= LARGEST_VALUE).all() or (allow_missing and np.isnan(values[:, ~(reach <= LARGEST_VALUE)]).all()):
        return
    kinds = {"missing values (NaN, None, NA or masked)": np.isnan, "infinite values (or beyond 1e308)": np.isinf}
    said = [
        f"{kind}: {places}"
        for kind, is_kind in kinds.items()
        if not (allow_missing and is_kind is np.isnan) and (places := _places(values, names, is_kind))
    ]
    if said:
        cure = "" if allow_missing else "; allow_missing=True integrates missing ones out"
        raise ValueError(
            f"{THE_DATA} have {'; and '.join(said)}. Drop or impute these rows first (rows are counted from 0){cure}."
        )
    far = listed([f"{name!r} reaches {most:.3g}" for name, most in zip(names, reach, strict=True) if most > LARGEST_VALUE])
    raise ValueError(
        f"Numbers beyond {LARGEST_VALUE:g} cannot be squared in double precision: {far}. Divide these columns first."
    )


def _require_some(values: NDArray[np.float64]) -> None:
    """Refuse rows of which nothing is known."""
    nothing = np.concatenate([np.isnan(values[rows]).all(axis=1) for rows in blocks(values)])
    if nothing.any():
        rows = f"{np.count_nonzero(nothing)} rows without any value (first in row {nothing.argmax()})"
        raise ValueError(f"{THE_DATA} have {rows}: leave them out.")


def _places(values: NDArray[np.float64], names: tuple[str, ...], is_kind: Callable[[Any], NDArray[np.bool_]]) -> str:
    """How many values of a kind each column has, and in which row the first one stands."""
    counts, first = np.zeros(len(names), dtype=np.int64), np.full(len(names), len(values))
    for rows in blocks(values):
        found = is_kind(values[rows])
        counts += found.sum(axis=0)
        first = np.minimum(first, np.where(found.any(axis=0), rows.start + found.argmax(axis=0), len(values)))
    return listed([f"{n} in {name!r} (first in row {i})" for name, n, i in zip(names, counts, first, strict=True) if n])


def _from_array(X: Any) -> NDArray[np.float64]:
    values = real_array(X, THE_DATA)
    if values.ndim not in (1, 2):
        arrived = f"shape {values.shape}" if values.ndim else told(X)
        raise ValueError(f"{THE_DATA} must have one or two dimensions (rows and columns), got {arrived}.")
    return values.reshape(-1, 1) if values.ndim == 1 else values


def _from_pandas(X: pd.DataFrame | pd.Series) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if isinstance(X, pd.Series):
        X = X.to_frame("x1" if X.name is None else X.name)
    names = tuple(map(_name, X.columns))
    _require_distinct(names)
    if all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in X.dtypes):
        return real_array(X.to_numpy(), THE_DATA), names  # one block of floats is no copy
    return _stacked(len(X), ((name, _pandas_entries(X.iloc[:, j], name)) for j, name in enumerate(names))), names


def _name(label: Any) -> str:
    """A column's label as text; that of several levels as ``upper, lower``."""
    return ", ".join(str(part) for part in label if part != "") if isinstance(label, tuple) else str(label)


def _pandas_entries(column: "pd.Series[Any]", name: str) -> Any:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        raise ValueError(f"Column {name!r} must hold real numbers, not categories: leave it out, or use their numbers.")
    if isinstance(dtype, np.dtype | pd.SparseDtype):
        return np.asarray(column)
    return column.to_numpy(np.float64, na_value=np.nan) if dtype.kind in "fiu" else column.to_numpy()


def _from_frame(native: Any) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Polars, PyArrow and whatever else narwhals reads."""
    if isinstance(native, nw.Series):
        native = native.alias(native.name or "x1").to_frame()
    columns = ((name, _frame_entries(native[name])) for name in native.columns)
    return _stacked(len(native), columns), tuple(native.columns)


def _frame_entries(column: Any) -> Any:
    if column.dtype.is_numeric():
        return column.cast(nw.Float64).to_numpy()  # nulls become NaN
    return np.fromiter(column.to_list(), dtype=object, count=len(column))


def _stacked(n_rows: int, columns: Iterable[tuple[str, Any]]) -> NDArray[np.float64]:
    """Columns side by side; each is made numbers under its own name."""
    numbers = [real_array(entries, f"Column {name!r}") for name, entries in columns]
    return np.stack(numbers, axis=1) if numbers else np.empty((n_rows, 0))
