"""The rules that input must meet and the sentences said when it does not.

This floor knows no model: known names of structures, engines and methods are passed in by the caller. Each sentence says
what arrived, why it fails and what to do.
"""

import difflib
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def known_name(name: object, what: str, known: Iterable[str]) -> str:
    """``name`` itself when it is among ``known``; otherwise an error that lists them and suggests the nearest."""
    names = sorted(known)
    if isinstance(name, str) and name in names:
        return name
    nearest = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"Unknown {what} {name!r}; known are {', '.join(map(repr, names))}.{hint}")


def positive_integer(value: object, what: str) -> int:
    """``value`` as an int of at least 1."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{what} must be an integer of at least 1, got {value!r} of type {type(value).__name__}.")
    if value < 1:
        raise ValueError(f"{what} must be at least 1, got {value}.")
    return int(value)


def non_negative(value: Any, what: str) -> float:
    """``value`` as a finite float of at least 0."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if not is_number or not np.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a finite number of at least 0, got {value!r}.")
    return float(value)


def positive(value: Any, what: str) -> float:
    """``value`` as a finite float above 0."""
    number = non_negative(value, what)
    if number == 0:
        raise ValueError(f"{what} must be above 0, got {value!r}.")
    return number


def finite_array(value: object, what: str, shape: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """A float64 copy of ``value``, finite and of the given shape."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} must hold real numbers, got {type(value).__name__}: {error}.") from error
    if shape is not None and array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite, got {np.count_nonzero(~np.isfinite(array))} entries that are NaN or infinite.")
    return array


def positive_definite(value: object, what: str, shape: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """A float64 copy of a (stack of) symmetric positive definite matrices."""
    matrices = finite_array(value, what, shape)
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2]:
        raise ValueError(f"{what} must be square matrices, got shape {matrices.shape}.")
    scale = np.sqrt(np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)))
    asymmetry = np.abs(matrices - np.swapaxes(matrices, -1, -2))
    if (asymmetry > 1e-8 * scale[..., :, None] * scale[..., None, :]).any():
        raise ValueError(f"{what} must be symmetric; the largest difference across the diagonal is {asymmetry.max():.3g}.")
    with np.errstate(divide="ignore", invalid="ignore"):
        correlations = matrices / scale[..., :, None] / scale[..., None, :]
    if not np.isfinite(correlations).all() or np.linalg.eigvalsh(correlations).min() <= 0:
        raise ValueError(f"{what} must be positive definite; give matrices with positive eigenvalues.")
    return matrices


def instance_of(value: object, kind: type, what: str) -> None:
    """Raise TypeError if an argument is of another type than the one that makes sense there."""
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be a {kind.__name__}, got {type(value).__name__}.")
