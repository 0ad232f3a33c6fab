"""A posterior over mixtures with any number of components as a file: netCDF, what a draw does not have being NaN."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.files import UnreadableError
from bayesgmm.observations import Observations
from bayesgmm.saving import numbers, parsed, require_parameters, require_shape
from bayesgmm.saving.posterior import DIMS, pair_of, require_settings, restored, values
from bayesgmm.specification import MfmSpecification

KIND = "mfm"
BOTH = ("chain", "draw")


def unpack(tree: xr.DataTree) -> tuple[xr.DataTree, MfmSpecification, Observations]:
    """What was packed.

    Raises
    ------
    UnreadableError
        If it is not there, or cannot be what the sampler drew.
    """
    specification, observations = pair_of(tree, MfmSpecification)
    require_settings(parsed(tree.attrs.get("settings"), "settings", dict))
    chains, draws, k = (tree["posterior"].sizes.get(dim, 0) for dim in (*BOTH, "component"))
    if 0 in (chains, draws, k):
        raise UnreadableError("it holds no draws")
    numbers(values(tree, "sample_stats", "log_likelihood", BOTH), "log_likelihood", (chains, draws))
    counts = {name: values(tree, "posterior", name, BOTH) for name in ("n_components", "n_filled")}
    for name, count in counts.items():
        require_shape(count, name, (chains, draws))
        if count.dtype != np.int64 or (count < 1).any() or (count > k).any() or (count > counts["n_components"]).any():
            raise UnreadableError(f"it holds {name} that do not count components")
    used = np.arange(k) < counts["n_components"][..., None]
    parameters = (values(tree, "posterior", name, dims) for name, dims in DIMS.items())
    filled = [_filled(parameter, used) for parameter in parameters]
    filled[0] = np.where(used, filled[0], 0.0)
    require_parameters(specification.given(k), *filled)
    return restored(tree, observations), specification, observations


def _filled(parameter: Any, used: Any) -> Any:
    """Values in which places without a component repeat the first one; refused where others are not finite."""
    if parameter.shape[:3] != used.shape or parameter.dtype != np.float64 or not np.isfinite(parameter[used]).all():
        raise UnreadableError("it holds parameters that are missing, infinite or no numbers where there are components")
    return np.where(used.reshape(*used.shape, *[1] * (parameter.ndim - 3)), parameter, parameter[:, :, :1])
