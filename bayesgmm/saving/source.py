"""What is kept of rows that are not in memory: some of them, what was measured of all, and where they are."""

import numpy as np
import xarray as xr

from bayesgmm.files import UnreadableError
from bayesgmm.observations import Observations
from bayesgmm.saving import absent, numbers, told_of
from bayesgmm.sources import Absent
from bayesgmm.streams import Use, stream

SAMPLE, SOURCE = "observed_sample", "source"


def source_groups(observations: Observations, n_rows: int) -> dict[str, xr.Dataset]:
    """The two groups of a posterior's tree, with so many of the rows in the first, the same ones each time."""
    n, names = observations.n_observations, list(observations.names)
    rng = stream(np.random.SeedSequence(0), Use.KEPT_ROWS, n)
    chosen = np.sort(rng.choice(n, size=min(n, n_rows), replace=False))
    coords = {"observation": chosen, "feature": names}
    sample = xr.Dataset({"x": (("observation", "feature"), observations.values[chosen])}, coords=coords)
    known = observations.survey
    measured = {
        "extents": (("bound", "feature"), known.extents),
        "mean": ("feature", known.mean),
        "covariance": (("feature", "feature2"), known.covariance),
    }
    return {
        SAMPLE: sample,
        SOURCE: xr.Dataset(measured, coords={"feature": names, "feature2": names}, attrs=told_of(observations)),
    }


def absent_of(tree: xr.DataTree, names: list[str]) -> Absent:
    """The source of a posterior that is read from a file, without its rows.

    Raises
    ------
    UnreadableError
        If what is kept of it cannot be.
    """
    group, missing = tree[SOURCE], [name for name in ("extents", "mean", "covariance") if name not in tree[SOURCE].data_vars]
    if missing or SAMPLE not in tree.children or "x" not in tree[SAMPLE].data_vars:
        raise UnreadableError(f"it holds no {', '.join(missing) or SAMPLE} of rows that were not in memory")
    numbers(tree[SAMPLE]["x"].to_numpy(), "some of the observations", (None, len(names)))
    return absent(names, group.attrs, {name: group[name].to_numpy() for name in ("extents", "mean", "covariance")})
