"""What engines draw under priors of precisions, as a dataset in the data's units."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesgmm.observations import Observations
from bayesgmm.prior.half_t import RATES
from bayesgmm.prior.hierarchical_wishart import RATE
from bayesgmm.specification import Specification


def dataset_of(values: Mapping[str, NDArray[np.float64]], specification: Specification, observations: Observations) -> xr.Dataset:
    """Weights, means, covariances, distinct precisions and nuisance variables (chain, draw, ...) with their dims and names."""
    structure = specification.structure
    batch, block = () if structure.is_shared else ("component",), structure.block
    dims = {
        "weights": ("component",),
        "means": ("component", "feature"),
        "covariances": ("component", "feature", "feature2"),
        "precisions": (*batch, *block.dims),
        RATE: block.dims,
        RATES: (*batch, *block.dims[:1]),
    }
    names = list(observations.names)
    sizes = {"chain": values["weights"].shape[0], "draw": values["weights"].shape[1], "component": specification.n_components}
    coords = {name: np.arange(size) for name, size in sizes.items()} | {"feature": names, "feature2": names}
    return xr.Dataset({name: (("chain", "draw", *dims[name]), value) for name, value in values.items()}, coords=coords)
