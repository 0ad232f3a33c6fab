"""Ordering: components sorted by their means along a feature. Right in one dimension when means are far apart."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Draws


def ordering(
    draws: Draws, values: NDArray[np.float64], scores: NDArray[np.float64], feature: int | None = None
) -> NDArray[np.int64]:
    """Sort each draw by a feature; None: that along which the draws' means are farthest apart beside their spread in the data."""
    if feature is None:
        feature = int((np.ptp(draws.means, axis=2).mean(axis=(0, 1)) / values.std(axis=0)).argmax())
    return np.asarray(draws.means[..., feature].argsort(axis=2, kind="stable"))
