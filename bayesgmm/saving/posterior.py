"""A posterior as a file: netCDF, which ArviZ and other programs read too."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.files import UnreadableError
from bayesgmm.observations import Observations
from bayesgmm.saving import is_count, is_number, model, numbers, parsed, require_parameters, require_schema, require_shape, schema
from bayesgmm.saving.source import SOURCE, absent_of
from bayesgmm.specification import MfmSpecification, Specification

KIND, VERSION = "posterior", 1
BEGINS = b"\x89HDF\r\n\x1a\n"
GROUPS = ("posterior", "sample_stats", "constant_data")
NUMBERS = "fiub"  # kinds of dtypes
DIMS = {
    "weights": ("chain", "draw", "component"),
    "means": ("chain", "draw", "component", "feature"),
    "covariances": ("chain", "draw", "component", "feature", "feature2"),
}


def pack(
    tree: xr.DataTree, specification: Specification | MfmSpecification, observations: Observations, kind: str = KIND
) -> memoryview:
    """The bytes of a file."""
    names = [_storable(name) for name in observations.names]

    def written(dataset: xr.Dataset) -> xr.Dataset:
        return named(dataset, names).drop_encoding()  # as they came from another file, perhaps compressed

    whole = mapped(tree, written)
    if observations.is_weighted:
        whole["observed_data/row_weights"] = xr.DataArray(observations.weights, dims="observation")
    whole.attrs = {
        **tree.attrs,
        "schema": schema(kind, VERSION),
        "specification": specification.to_json(),
        "names": json.dumps(observations.names),
    }
    packed: memoryview = whole.to_netcdf(engine="h5netcdf")
    return packed


def opened(content: bytes, kinds: Sequence[str]) -> tuple[str, xr.DataTree]:
    """Which of these kinds of posterior a file holds, and all of its groups."""
    with xr.open_datatree(io.BytesIO(content), engine="h5netcdf", decode_times=False) as lazy:
        found = lazy.attrs.get("schema")
        kind = next((kind for kind in kinds if str(found).startswith(schema(kind, VERSION)[:-1])), kinds[0])
        require_schema(found, kind, VERSION)
        declared = [variable for node in lazy.subtree for variable in node.data_vars.values() if variable.dtype.kind in NUMBERS]
        if sum(variable.nbytes for variable in declared) > len(content):
            raise UnreadableError("it was not saved by bayesgmm: it declares more data than it holds")
        tree = lazy.load()
    data = () if SOURCE in tree.children else ("observed_data",)
    missing = [name for name in (*GROUPS, *data) if name not in tree.children]
    if missing:
        raise UnreadableError(f"it holds no group {', '.join(missing)}")
    return kind, tree


def pair_of[T: (Specification, MfmSpecification)](tree: xr.DataTree, kind: type[T]) -> tuple[T, Observations]:
    """The model and the data of a file, which may be some of the rows and where they came from."""
    if SOURCE in tree.children:
        source = absent_of(tree, parsed(tree.attrs.get("names"), "names of the features", list))
        return model(kind, tree.attrs.get("specification"), source, None, tree.attrs.get("names"))
    observed = values(tree, "observed_data", "x", ("observation", "feature"))
    weights = tree["observed_data"].data_vars.get("row_weights")
    row_weights = None if weights is None else weights.to_numpy()
    return model(kind, tree.attrs.get("specification"), observed, row_weights, tree.attrs.get("names"))


def restored(tree: xr.DataTree, observations: Observations) -> xr.DataTree:
    """The tree as it was before it was packed."""
    whole = mapped(tree, lambda dataset: named(dataset, list(observations.names)).drop_vars("row_weights", errors="ignore"))
    whole.attrs = {name: value for name, value in tree.attrs.items() if name not in ("schema", "names")}
    return whole


def unpack(tree: xr.DataTree) -> tuple[xr.DataTree, Specification, Observations]:
    """What :func:`pack` was given.

    Raises
    ------
    UnreadableError
        If it is not there, or cannot be what an engine drew.
    """
    specification, observations = pair_of(tree, Specification)
    if specification.prior is None:
        raise UnreadableError("it holds a specification without a prior, which no posterior has")
    require_settings(parsed(tree.attrs.get("settings"), "settings", dict))
    _require_draws(tree, specification, observations)
    return restored(tree, observations), specification, observations


def _require_draws(tree: xr.DataTree, specification: Specification, observations: Observations) -> None:
    n, d, k = observations.n_observations, observations.n_features, specification.n_components
    chains, draws = (tree["posterior"].sizes.get(dim, 0) for dim in ("chain", "draw"))
    sizes = {"chain": chains, "draw": draws, "component": k, "feature": d, "feature2": d, "observation": n}
    if 0 in sizes.values():
        raise UnreadableError("it holds no draws")

    def found(group: str, name: str, dims: tuple[str, ...]) -> Any:
        return numbers(values(tree, group, name, dims), name, tuple(sizes[dim] for dim in dims))

    require_parameters(specification, *(found("posterior", name, dims) for name, dims in DIMS.items()))
    for name, variable in tree["posterior"].data_vars.items():
        if variable.dtype.kind not in NUMBERS or not np.isfinite(variable.to_numpy()).all():
            raise UnreadableError(f"it holds {name} with values that are missing, infinite or no numbers")
    found("sample_stats", "lp", ("chain", "draw"))
    if "total_log_likelihood" in tree["sample_stats"]:
        found("sample_stats", "total_log_likelihood", ("chain", "draw"))
    if "diverging" in tree["sample_stats"]:
        diverging = values(tree, "sample_stats", "diverging", ("chain", "draw"))
        require_shape(diverging, "diverging", (chains, draws))
        if diverging.dtype != bool:
            raise UnreadableError(f"it holds diverging of dtype {diverging.dtype}, not bool")
    if "log_likelihood" in tree.children:
        kept = list(tree["log_likelihood"].data_vars)
        if len(kept) != 1:
            raise UnreadableError(f"it holds {len(kept)} variables in log_likelihood, not one")
        found("log_likelihood", str(kept[0]), ("chain", "draw", "observation"))
    if "proposal" in tree.children:
        shape = (chains, draws, specification.n_parameters(d))
        numbers(values(tree, "proposal", "coordinates", ("chain", "draw", "coordinate")), "coordinates", shape)
        found("proposal", "log_g", ("chain", "draw"))
        log_p = values(tree, "proposal", "log_p", ("chain", "draw"))
        require_shape(log_p, "log_p", (chains, draws))
        if log_p.dtype != np.float64 or not (log_p < np.inf).all():  # it is minus infinity where no mixture is
            raise UnreadableError("it holds log_p that are no log densities")
    if "relabelling" in tree.children:
        permutation = values(tree, "relabelling", "permutation", DIMS["weights"])
        require_shape(permutation, "permutations", (chains, draws, k))
        if permutation.dtype != np.int64 or (np.sort(permutation, axis=-1) != np.arange(k)).any():
            raise UnreadableError("it holds permutations that are not orders of the components")
        if not isinstance(tree["relabelling"].attrs.get("method"), str):
            raise UnreadableError("it does not tell the method of its relabelling")


def require_settings(settings: dict[str, Any]) -> None:
    """Those that are shown again."""
    seed, versions, seconds, drawn = (settings.get(name) for name in ("seed", "versions", "seconds", "drawn"))
    good = {
        "engine": isinstance(settings.get("engine"), str),
        **{name: is_count(settings.get(name)) for name in ("draws", "tune", "chains")},
        "target_accept": is_number(settings.get("target_accept", 0)),
        "seed": isinstance(seed, dict) and _is_seed(seed.get("entropy")) and isinstance(seed.get("spawn_key"), list),
        "versions": isinstance(versions, dict) and all(isinstance(number, str) for number in versions.values()),
        "seconds": isinstance(seconds, dict) and all(map(is_number, seconds.values())),
        "partial": isinstance(settings.get("partial", False), bool),
        **{name: isinstance(settings.get(name, ""), str) for name in ("remark", "doubt")},
        "drawn": (drawn is None and not settings.get("partial"))
        or (isinstance(drawn, dict) and all(is_count(drawn.get(name)) for name in ("draws", "chains"))),
    }
    bad = [name for name, is_good in good.items() if not is_good]
    if bad:
        raise UnreadableError(f"it has settings in which these are missing or make no sense: {', '.join(bad)}")


def _is_seed(entropy: object) -> bool:
    return all(is_count(number, 0) for number in (entropy if isinstance(entropy, list) else [entropy]))


def values(tree: xr.DataTree, group: str, name: str, dims: tuple[str, ...]) -> Any:
    """A variable with the dims wanted, as an array."""
    if name not in tree[group].data_vars:
        raise UnreadableError(f"it holds no {name} in the group {group}")
    variable = tree[group][name]
    if variable.dims != dims:
        raise UnreadableError(f"it holds {name} with the dims {', '.join(map(str, variable.dims))}, not {', '.join(dims)}")
    return variable.to_numpy()


def mapped(tree: xr.DataTree, change: Any) -> xr.DataTree:
    """The tree with each group changed."""
    return xr.DataTree.from_dict({path: change(node.to_dataset(inherit=False)) for path, node in tree.subtree_with_keys})


def named(dataset: xr.Dataset, names: list[str]) -> xr.Dataset:
    """The dataset with these names of features where it has any."""
    return dataset.assign_coords({dim: names for dim in ("feature", "feature2") if dim in dataset.coords})


def _storable(name: str) -> str:
    """A name that HDF5 can hold; the true ones stand in an attribute too."""
    return name.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()
