"""EM's result as a file: a NumPy archive of arrays, and one JSON text for what is no array."""

import io
import json
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.climb import Run, Status
from bayesgmm.files import UnreadableError
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.saving import (
    absent,
    is_count,
    model,
    names_of,
    numbers,
    parsed,
    require_parameters,
    require_schema,
    schema,
    told_of,
)
from bayesgmm.sources import Survey
from bayesgmm.specification import Specification
from bayesgmm.validation import told

KIND, VERSION = "em", 3  # 2: labels, missing cells, noise; 3: rows that are elsewhere
BEGINS = b"PK\x03\x04"
NUISANCE = "nuisance "  # before the names of such arrays


def pack(
    specification: Specification,
    observations: Observations,
    best: Run,
    runs: Sequence[Run],
    n_starts: int,
    n_pilot_rows: int = 0,
    with_rows: bool = True,
) -> memoryview:
    """The bytes of a file, with the rows where these are in memory and wanted."""
    is_whole = with_rows and not observations.is_stored
    about = {
        "schema": schema(KIND, VERSION),
        "version": version("bayesgmm"),
        "specification": specification.to_json(),
        "names": json.dumps(observations.names),
        **({} if is_whole else {"rows": told_of(observations)}),
        "runs": [
            {"origin": run.origin, "n_passes": run.n_passes, "status": run.status.name, "detail": run.detail} for run in runs
        ],
        "best": next(i for i, run in enumerate(runs) if run is best),
        "n_starts": n_starts,
        "n_pilot_rows": n_pilot_rows,
    }
    arrays = {
        **(_data_arrays(observations) if is_whole else _survey_arrays(observations.survey)),
        **({} if specification.noise is None else {"noise_weights": np.array([run.mixture.noise_weight for run in runs])}),
        **{name: np.stack([getattr(run.mixture, name) for run in runs]) for name in ("weights", "means", "covariances")},
        "log_likelihoods": np.array([run.log_likelihood for run in runs]),
        "histories": np.concatenate([run.history for run in runs]),
        "lengths": np.array([len(run.history) for run in runs]),
        **{f"{NUISANCE}{name}": np.stack([run.nuisance[name] for run in runs]) for name in runs[0].nuisance},
    }
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array(json.dumps(about)), **arrays)  # type: ignore[arg-type]
    return buffer.getbuffer()


def unpack(content: bytes) -> tuple[Specification, Observations, Run, tuple[Run, ...], int, int]:
    """What :func:`pack` was given.

    Raises
    ------
    UnreadableError
        If it is not there, or cannot be what EM returned.
    """
    arrays = _arrays(content)
    about = parsed(_taken(arrays, "about").tolist(), "description", dict)
    require_schema(about.get("schema"), KIND, VERSION)
    if "rows" in about:
        measured = {name: _taken(arrays, name) for name in ("extents", "mean", "covariance")}
        rows = about["rows"] if isinstance(about["rows"], dict) else {}
        values: object = absent(names_of(about.get("names")), rows, measured)
    else:
        values = _taken(arrays, "values")
    weights, labels = arrays.get("row_weights"), arrays.get("labels")
    found = model(Specification, about.get("specification"), values, weights, about.get("names"), labels, allow_missing=True)
    runs, best, n_starts = _runs(arrays, about.get("runs"), *found), about.get("best"), about.get("n_starts")
    n_pilot_rows = about.get("n_pilot_rows", 0)
    if not is_count(best, 0) or not best < len(runs) or not is_count(n_starts, len(runs)):
        raise UnreadableError(f"it names run {told(best)} of {len(runs)} as the best, and {told(n_starts)} starts")
    if not is_count(n_pilot_rows, 0):
        raise UnreadableError(f"it tells of {told(n_pilot_rows)} rows read before EM")
    return *found, runs[best], runs, n_starts, n_pilot_rows


def _data_arrays(observations: Observations) -> dict[str, NDArray[Any]]:
    weights = {"row_weights": observations.weights} if observations.is_weighted else {}
    labels = {} if observations.labels is None else {"labels": observations.labels}
    return {"values": observations.values, **weights, **labels}


def _survey_arrays(survey: Survey) -> dict[str, NDArray[np.float64]]:
    return {"extents": survey.extents, "mean": survey.mean, "covariance": survey.covariance}


def _runs(
    arrays: dict[str, NDArray[Any]], listed: object, specification: Specification, observations: Observations
) -> tuple[Run, ...]:
    if not isinstance(listed, list) or not listed or not all(isinstance(run, dict) for run in listed):
        raise UnreadableError("it has no list of runs")
    r, k, d = len(listed), specification.n_components, observations.n_features
    weights = numbers(_taken(arrays, "weights"), "weights", (r, k))
    means = numbers(_taken(arrays, "means"), "means", (r, k, d))
    covariances = numbers(_taken(arrays, "covariances"), "covariances", (r, k, d, d))
    noise_weights = np.zeros(r)
    if specification.noise is not None:
        noise_weights = numbers(_taken(arrays, "noise_weights"), "weights of noise", (r,))
    require_parameters(specification, weights, means, covariances, noise_weights)
    log_likelihoods = numbers(_taken(arrays, "log_likelihoods"), "log-likelihoods", (r,)).tolist()
    history, lengths = numbers(_taken(arrays, "histories"), "histories", (None,)).tolist(), _taken(arrays, "lengths").tolist()
    if not isinstance(lengths, list) or len(lengths) != r or not all(map(is_count, lengths)) or sum(lengths) != len(history):
        raise UnreadableError(f"it holds lengths of histories that do not fit: {str(lengths)[:60]} of {len(history)}")
    ends = np.cumsum(lengths)
    nuisance = {
        name.removeprefix(NUISANCE): numbers(array, name, (r, *array.shape[1:]))
        for name, array in arrays.items()
        if name.startswith(NUISANCE)
    }
    return tuple(
        Run(
            origin=_text(run, "origin"),
            mixture=Mixture(
                weights[i].copy(),
                means[i].copy(),
                covariances[i].copy(),
                specification.structure,
                specification.noise,
                float(noise_weights[i]),
            ),
            nuisance={name: array[i].copy() for name, array in nuisance.items()},
            log_likelihood=log_likelihoods[i],
            history=tuple(history[ends[i] - lengths[i] : ends[i]]),
            n_passes=_passes(run, lengths[i]),
            status=_status(run),
            detail=_text(run, "detail"),
        )
        for i, run in enumerate(listed)
    )


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        packed = [member.filename for member in archive.infolist() if member.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise UnreadableError(f"it was not saved by bayesgmm: {packed[0][:60]!r} is compressed in it")
        found = {}
        for name in archive.namelist():
            with archive.open(name) as member:
                found[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
    return found


def _taken(arrays: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in arrays:
        raise UnreadableError(f"it holds no {name}")
    return arrays[name]


def _text(run: dict[str, Any], name: str) -> str:
    if not isinstance(run.get(name), str):
        raise UnreadableError(f"it has a run whose {name} is {told(run.get(name))}, not text")
    return str(run[name])


def _passes(run: dict[str, Any], n_iterates: int) -> int:
    passes = run.get("n_passes", n_iterates)  # which early files do not tell
    if not is_count(passes, n_iterates):
        raise UnreadableError(f"it has a run of {n_iterates} iterates from {told(passes)} passes")
    return passes


def _status(run: dict[str, Any]) -> Status:
    name = _text(run, "status")
    if name not in Status.__members__:
        raise UnreadableError(f"it has a run that ended as {name[:60]!r}, which is not known")
    return Status[name]
