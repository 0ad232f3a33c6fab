"""The rules that input must meet and the sentences said when it does not.

This floor knows no model: known names of structures, engines and methods are passed in by the caller. Each sentence says
what arrived, why it fails and what to do.
"""

import datetime
import difflib
import math
import numbers
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST = 1e300  # beyond it sums and products of a few numbers overflow
LARGEST_VALUE = 1e150  # the same for what is squared
CORRELATION_ROUNDING = 1e-14  # an eigenvalue of a correlation matrix that is noise, for each of its rows
SHOWN = 60  # characters of a value
ASYMMETRY = 1e-8  # of correlations, which rounding explains

CONVERT_TEXT = "convert it with .astype(float) if it spells numbers, or leave it out"
NOT_REAL = {  # NumPy's kinds of dtype: what they are and what to do
    "b": ("booleans", "convert them with .astype(int) if 0 and 1 are meant"),
    "c": ("complex numbers", "give real and imaginary parts as two columns"),
    "M": ("dates", "convert them to numbers, such as days since the first one, or leave them out"),
    "m": ("time differences", "convert them to numbers, such as seconds, or leave them out"),
    "S": ("bytes", CONVERT_TEXT),
    "T": ("text", CONVERT_TEXT),
    "U": ("text", CONVERT_TEXT),
    "V": ("records", "make a table of them with pandas.DataFrame"),
}
KINDS: tuple[tuple[Any, str], ...] = (  # of single entries
    (bool | np.bool_, "b"),
    (complex | np.complexfloating, "c"),
    (datetime.date | np.datetime64, "M"),
    (datetime.timedelta | np.timedelta64, "m"),
    (bytes, "S"),
    (str, "U"),
)


def told(value: object) -> str:
    """The value as a message shows it: on one line, and short."""
    try:
        text = repr(value)
    except Exception:  # such as that of an int of more than 4300 digits
        return f"a value of type {type(value).__name__}"
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


def listed(items: Sequence[str], most: int = 8) -> str:
    """Items separated by commas; where there are many, the first ones and how many more."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def known_name(name: object, what: str, known: Iterable[str]) -> str:
    """``name`` itself when it is among ``known``; otherwise an error that lists them and suggests the nearest."""
    names = sorted(known)
    if isinstance(name, str) and name in names:
        return name
    lowered = {other.lower(): other for other in names}
    nearest = difflib.get_close_matches(name.lower(), lowered, n=1) if isinstance(name, str) else []
    hint = f" Did you mean {lowered[nearest[0]]!r}?" if nearest else ""
    raise ValueError(f"Unknown {what} {told(name)}; known are {', '.join(map(repr, names))}.{hint}")


def positive_integer(value: object, what: str, most: int | None = None) -> int:
    """``value`` as an int of at least 1, and of at most ``most``."""
    if isinstance(value, bool | np.bool_ | np.timedelta64) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{what} must be an integer of at least 1, got {told(value)} of type {type(value).__name__}.")
    number = int(value)
    if number < 1:
        raise ValueError(f"{what} must be at least 1, got {told(value)}.")
    if most is not None and number > most:
        raise ValueError(f"{what} must be at most {most}, got {told(value)}.")
    return number


def positive_integers(values: object, what: str) -> list[int]:
    """The distinct integers of at least 1 in an iterable, sorted."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"{what} must be several integers, such as range(1, 6) or [2], got {told(values)}.")
    found = sorted({positive_integer(value, what) for value in values})
    if not found:
        raise ValueError(f"{what} is empty: give at least one number, such as range(1, 6).")
    return found


def non_negative(value: Any, what: str, most: float = LARGEST) -> float:
    """``value`` as a float of at least 0 and at most ``most``."""
    if isinstance(value, bool | np.bool_ | np.timedelta64) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be a number of at least 0, got {told(value)} of type {type(value).__name__}.")
    number = as_float(value)
    if not 0 <= number <= most:
        raise ValueError(f"{what} must be a finite number of at least 0 and at most {most:g}, got {told(value)}.")
    return number


def probability(value: Any, what: str = "prob") -> float:
    """``value`` as a float above 0 and below 1."""
    number = non_negative(value, what)
    if not 0 < number < 1:
        raise ValueError(f"{what} must be above 0 and below 1, got {told(value)}: 0.9 means 90 percent.")
    return number


def number_of_folds(value: object, n_rows: int) -> int:
    """``value`` as a number of folds, from 2 to the number of rows."""
    number = positive_integer(value, "n_folds", n_rows)
    if number < 2:
        raise ValueError("n_folds must be at least 2: with one fold no row would be left to fit.")
    return number


def positive(value: Any, what: str) -> float:
    """``value`` as a finite float above 0."""
    number = non_negative(value, what)
    if number == 0:
        raise ValueError(f"{what} must be above 0, got {told(value)}.")
    return number


def as_float(entry: Any) -> float:
    """One entry as a float: NaN where it is missing or no real number, infinite where doubles do not reach."""
    if not _is_real(entry):
        return math.nan
    try:
        with np.errstate(over="ignore"):
            return float(entry)
    except OverflowError:
        return math.inf if entry > 0 else -math.inf
    except ValueError:  # a signalling NaN of decimal
        return math.nan


def _is_real(entry: Any) -> bool:
    return isinstance(entry, numbers.Real | Decimal) and not isinstance(entry, bool | np.timedelta64)


def _is_missing(entry: Any) -> bool:
    return entry is None or entry is pd.NA or entry is pd.NaT


def real_array(value: Any, what: str) -> NDArray[np.float64]:
    """``value`` as float64 of any shape: NaN where it is missing or masked, infinite where doubles do not reach.

    No copy is made of what is float64.

    Raises
    ------
    TypeError, ValueError
        If it is no array of real numbers: the message says what it is.
    """
    if value is None:
        raise TypeError(f"{what} must hold real numbers, got None.")
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever the object's own conversion raises
        raise ValueError(f"{what} must hold real numbers in rows of equal length, got {told(value)}.") from error
    if array.dtype.kind in NOT_REAL:
        raise ValueError(_not_real(what, array.dtype.kind))
    masked = np.ma.getmask(value)
    if masked.any():
        array = np.where(masked, math.nan, array)
    if array.dtype.kind == "O":
        return _from_objects(array, what)
    with np.errstate(over="ignore"):
        return array.astype(np.float64, copy=False)


def _from_objects(array: NDArray[Any], what: str) -> NDArray[np.float64]:
    found = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        entry = array[index]
        if not _is_real(entry) and not _is_missing(entry):
            place = ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column"), index, strict=False))
            kind = next((kind for types, kind in KINDS if isinstance(entry, types)), type(entry).__name__)
            raise ValueError(_not_real(what, kind, f"{told(entry)} in {place}" if place else told(entry)))
        found[index] = as_float(entry)
    return found


def _not_real(what: str, kind: str, example: str = "") -> str:
    noun, cure = NOT_REAL.get(kind, (kind, "give a number in its place or leave it out"))
    return f"{what} must hold real numbers, not {noun}{f' ({example})' if example else ''}: {cure}."


def finite_array(value: object, what: str, shape: tuple[int, ...] | None = None, most: float = LARGEST) -> NDArray[np.float64]:
    """A read-only float64 copy of ``value``, finite, of the given shape and with no entry beyond ``most``."""
    array = np.array(real_array(value, what), order="C")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite, got {np.count_nonzero(~np.isfinite(array))} entries that are NaN or infinite.")
    if (np.abs(array) > most).any():
        raise ValueError(f"{what} must stay within {most:g}, got {np.abs(array).max():.3g}: use larger units.")
    array.flags.writeable = False
    return array


def positive_array(value: object, what: str) -> NDArray[np.float64]:
    """A float64 copy of ``value``, one number or a row of them, each above 0 and small and large enough to be squared."""
    array = finite_array(value, what, most=LARGEST_VALUE)
    if array.ndim > 1 or not array.size or (array < 1 / LARGEST_VALUE).any():
        raise ValueError(
            f"{what} must be above 0 (at least {1 / LARGEST_VALUE:g}), one number or a row of them, got {told(value)}."
        )
    return array


def integer_array(value: Any, what: str, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """``value`` as int64 of the given shape."""
    array = real_array(value, what)
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}.")
    if not ((np.abs(array) < 2**53) & (array == np.rint(array))).all():
        raise ValueError(f"{what} must hold integers, got {told(value)}.")
    return array.astype(np.int64)


def positive_definite(value: object, what: str, shape: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """A float64 copy of a (stack of) symmetric positive definite matrices."""
    matrices = finite_array(value, what, shape)
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2] or 0 in matrices.shape:
        raise ValueError(f"{what} must be square matrices, got shape {matrices.shape}.")
    variances = np.diagonal(matrices, axis1=-2, axis2=-1)
    if (variances < 1 / LARGEST).any():
        raise ValueError(
            f"{what} must be positive definite, with diagonals of at least {1 / LARGEST:g}; the least is {variances.min():.3g}."
        )
    scale = np.sqrt(variances)
    with np.errstate(over="ignore", invalid="ignore"):
        correlations = matrices / scale[..., :, None] / scale[..., None, :]
        asymmetry = np.abs(correlations - np.swapaxes(correlations, -1, -2))
    if (asymmetry > ASYMMETRY).any():
        raise ValueError(f"{what} must be symmetric; taken as correlations, two entries differ by {asymmetry.max():.3g}.")
    least = CORRELATION_ROUNDING * matrices.shape[-1]
    if not np.isfinite(correlations).all() or np.linalg.eigvalsh(correlations).min() <= least:
        raise ValueError(f"{what} must be positive definite; give matrices with positive eigenvalues.")
    return matrices


def instance_of(value: object, kind: type, what: str) -> None:
    """Raise TypeError if an argument is of another type than the one that makes sense there."""
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be a {kind.__name__}, got {type(value).__name__}.")
