"""What a saved fit holds, whatever its format, and how it is refused where it holds something else.

A file is checked here once, when it is read; whoever gets its content trusts it. :mod:`~bayesgmm.saving.em`,
:mod:`~bayesgmm.saving.posterior` and :mod:`~bayesgmm.saving.mfm` are the formats.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from bayesgmm.files import UnreadableError
from bayesgmm.observations import Observations
from bayesgmm.sources import Absent, Survey
from bayesgmm.specification import MfmSpecification, Specification
from bayesgmm.validation import told


def schema(kind: str, version: int) -> str:
    """The mark that a file bears, such as ``bayesgmm-posterior-1``."""
    return f"bayesgmm-{kind}-{version}"


def require_schema(found: object, kind: str, version: int) -> None:
    """Refuse other files, and those of a newer version than this one reads; older versions that are known may pass."""
    stem, _, number = found.rpartition("-") if isinstance(found, str) else ("", "", "")
    if f"{stem}-" != schema(kind, version).removesuffix(str(version)) or not (number.isascii() and number.isdigit()):
        raise UnreadableError(f"it was not saved by bayesgmm: its schema is {told(found)}, not {schema(kind, version)!r}")
    if len(number) > 9 or int(number) > version:
        raise UnreadableError(
            f"it was saved by a newer bayesgmm: its schema is {told(found)}, and this version reads up to {version}; "
            "upgrade bayesgmm to load it"
        )
    if int(number) < 1:
        raise UnreadableError(f"it was not saved by bayesgmm: its schema is {told(found)}")


def model[T: (Specification, MfmSpecification)](
    kind: type[T],
    specification: object,
    values: object,
    weights: object,
    names: object,
    labels: object = None,
    *,
    allow_missing: bool = False,
) -> tuple[T, Observations]:
    """The pair of model and data that a file describes, if they fit each other."""
    listed = names_of(names)
    data = values if isinstance(values, Absent) else numbers(values, "observations", (None, len(listed)), allow_missing)
    if weights is not None and not isinstance(data, Absent):
        numbers(weights, "weights of rows", (len(data),))
    observations = _made("observations", Observations.from_data, data, weights, listed, labels, allow_missing)
    described = parsed(specification, "specification", dict)
    found = _made("specification", kind.from_json, json.dumps(described))
    if not isinstance(data, Absent):  # of which distinct rows cannot be counted
        _made("specification", found.check, observations)
    return found, observations


def told_of(observations: Observations) -> dict[str, str | int | float]:
    """What a file that does not hold the rows says of them, beside what is measured."""
    return {
        "from": observations.description,
        "n": observations.n_observations,
        "total_weight": observations.total_weight,
        "fingerprint": observations.fingerprint,
    }


def absent(names: Sequence[str], about: Mapping[Any, object], measured: Mapping[str, object]) -> Absent:
    """The source of rows that a file does not hold, from what :func:`told_of` said of them, and extents, mean and covariance."""
    described = (about.get(name) for name in ("from", "n", "total_weight", "fingerprint"))
    source, n, total, fingerprint = (each.item() if isinstance(each, np.generic) else each for each in described)
    if not isinstance(source, str) or not isinstance(fingerprint, str) or not is_count(n):
        raise UnreadableError(f"it tells no number of rows that were not in memory, or not where they were: {told(n)}")
    if not isinstance(total, float | int) or not 0 < total < math.inf:
        raise UnreadableError(f"it tells of rows that weigh {told(total)} together")
    d = len(names)
    bounds = numbers(measured["extents"], "extents", (2, d))
    mean, matrix = numbers(measured["mean"], "a mean", (d,)), numbers(measured["covariance"], "a covariance", (d, d))
    if (bounds[0] >= bounds[1]).any() or (matrix.diagonal() <= 0).any():
        raise UnreadableError("it holds extents or variances of rows that were not in memory which are none")
    return Absent(tuple(names), source, Survey(n, float(total), bounds, mean, matrix * float(total)), fingerprint)


def names_of(text: object) -> list[str]:
    """The features that a file names."""
    listed = parsed(text, "names of the features", list)
    if not listed or not all(isinstance(name, str) for name in listed):
        raise UnreadableError("it has names of features that are not all text")
    return listed


def _made(what: str, make: Callable[..., Any], *arguments: Any) -> Any:
    """What a constructor makes of saved values, or its complaint."""
    try:
        return make(*arguments)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise UnreadableError(f"its {what} cannot be used: {str(error).rstrip('.')}") from error
    except (KeyError, AttributeError, IndexError) as error:
        raise UnreadableError(f"it lacks something in its {what}: {error}") from error


def parsed[T](text: object, what: str, kind: type[T]) -> T:
    """The JSON value that a text holds, of the type wanted."""
    if not isinstance(text, str):
        raise UnreadableError(
            f"it has no {what}" if text is None else f"it holds no text as its {what} but {type(text).__name__}"
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UnreadableError(f"its {what} cannot be parsed as JSON: {reason}") from error
    if not isinstance(value, kind):
        raise UnreadableError(f"it holds a JSON {type(value).__name__} as its {what}, not a {kind.__name__}")
    return value


def numbers(values: object, what: str, shape: tuple[int | None, ...], allow_missing: bool = False) -> NDArray[np.float64]:
    """Finite float64 numbers of the shape wanted; None stands for any length of at least 1. NaN may be allowed."""
    array = np.asarray(values)
    if array.dtype != np.float64:
        raise UnreadableError(f"it holds {what} of dtype {array.dtype}, not float64")
    require_shape(array, what, shape)
    if not (np.isfinite(array) | (allow_missing & np.isnan(array))).all():
        raise UnreadableError(f"it holds {what} of which {np.count_nonzero(~np.isfinite(array))} are NaN or infinite")
    return array


def require_shape(array: NDArray[Any], what: str, shape: tuple[int | None, ...]) -> None:
    """Refuse an array of another shape; None stands for any length of at least 1."""
    fits = array.ndim == len(shape) and all(
        there > 0 if size is None else there == size for there, size in zip(array.shape, shape, strict=False)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise UnreadableError(f"it holds {what} of shape {array.shape}, not ({wanted})")


def require_parameters(
    specification: Specification,
    weights: NDArray[np.float64],
    means: NDArray[np.float64],
    covariances: NDArray[np.float64],
    noise_weights: NDArray[np.float64] | float = 0.0,
) -> None:
    """Refuse arrays, with any leading axes, that are not the parameters of mixtures of the specified structure."""
    k, d, structure = specification.n_components, means.shape[-1], specification.structure
    if (weights < 0).any() or (np.abs(weights.sum(axis=-1) + noise_weights - 1) > 1e-8).any() or np.any(noise_weights < 0):
        raise UnreadableError("it holds weights that are not shares: some are negative or do not sum to 1")
    matrices = covariances.reshape(-1, k, d, d)
    scales = np.sqrt(np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)))
    slack = 1e-8 * scales[..., :, None] * scales[..., None, :]
    if (np.abs(matrices - np.swapaxes(matrices, -1, -2)) > slack).any():
        raise UnreadableError("it holds covariances that are not symmetric")
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        raise UnreadableError("it holds covariances that are not positive definite") from None
    if not all(map(structure.holds, matrices)):
        raise UnreadableError(f"it holds covariances that do not have the structure {structure.code}")


def is_count(value: object, least: int = 1) -> TypeGuard[int]:
    """Whether a JSON value is an integer of at least so much."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: object) -> bool:
    """Whether a JSON value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
