"""Whether numbers have two modes, by a smoothed density."""

import numpy as np
from scipy.stats import gaussian_kde

from bayesgmm.draws import Array

LEAST_SHARE = 0.05  # of the numbers on the lesser side of a dip
DEPTH = 0.75  # the dip between two modes, beside the lesser of them
GRID = 200


def is_multimodal(numbers: Array) -> bool:
    """Whether a kernel density with Silverman's bandwidth has two modes that both count, with a dip between them."""
    spread = numbers.std()
    if not np.isfinite(spread) or spread <= 1e-8 * abs(numbers.mean()):
        return False
    standard = (numbers - numbers.mean()) / spread
    grid = np.linspace(standard.min(), standard.max(), GRID)
    density = gaussian_kde(standard, "silverman")(grid)
    highest_before, highest_after = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
    below = np.searchsorted(np.sort(standard), grid) / len(standard)
    counts = np.minimum(below, 1 - below) >= LEAST_SHARE
    return bool((counts & (density < DEPTH * np.minimum(highest_before, highest_after))).any())
