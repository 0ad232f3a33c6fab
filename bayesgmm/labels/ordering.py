"""Ordering: components sorted by their means along a feature. Right in one dimension when means are far apart."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Draws


def ordering(draws: Draws, values: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sort each draw by the feature along which the draws' means are farthest apart beside their spread in the data."""
    spread = np.ptp(draws.means, axis=2).mean(axis=(0, 1)) / values.std(axis=0)
    return np.asarray(draws.means[..., int(spread.argmax())].argsort(axis=2, kind="stable"))
