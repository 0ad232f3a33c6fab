"""What goes along with rows, one number each: how often they count, and the component that they are known to be of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.validation import integer_array, real_array

TOTALS = 1e-20, 1e20  # of row weights: products of two features, times their number, stay within double precision
LEAST_WEIGHT = 1e-100  # of the largest row weight; less is nothing beside it


def known_labels(labels: Any, n_observations: int) -> NDArray[np.int64] | None:
    """The component of each row, shape (n_observations,), -1 where it is not known; None where nobody knows any."""
    if labels is None:
        return None
    what = "labels (one a row, -1 or missing where it is not known)"
    given = real_array(labels, what)
    known = integer_array(np.where(np.isnan(given), -1.0, given), what, (n_observations,))
    if known.min() < -1:
        raise ValueError(f"labels must be components 0, 1, ... or -1 where it is not known, got {known.min()}.")
    return None if (known == -1).all() else known


def row_weights(sample_weight: Any, n_observations: int) -> NDArray[np.float64]:
    """How often each row counts, shape (n_observations,); a view of a single 1.0 where none are given."""
    if sample_weight is None:
        return np.broadcast_to(1.0, (n_observations,))
    weights = real_array(sample_weight, "sample_weight")
    if weights.shape != (n_observations,):
        raise ValueError(f"sample_weight must have one entry a row, shape ({n_observations},), got {weights.shape}.")
    impossible = ~((weights >= 0) & (weights < np.inf))
    if impossible.any():
        row = int(impossible.argmax())
        raise ValueError(
            f"sample_weight must be finite and at least 0, got {np.count_nonzero(impossible)} entries that are not "
            f"(first in row {row}: {weights[row]:g})."
        )
    _require_usual_sizes(weights)
    return np.ascontiguousarray(weights)


def _require_usual_sizes(weights: NDArray[np.float64]) -> None:
    """Raise ValueError where sums of weights, or one weight beside another, are beyond double precision."""
    largest = weights.max()
    total = largest * (weights / largest).sum() if 0 < largest <= TOTALS[1] else largest
    if total == 0:
        raise ValueError("sample_weight is 0 for every row: at least two rows must count.")
    if not TOTALS[0] <= total <= TOTALS[1]:
        raise ValueError(f"sample_weight sums to {total:.3g}: rescale it, for example so that it sums to the number of rows.")
    negligible = (weights > 0) & (weights < LEAST_WEIGHT * largest)
    if negligible.any():
        raise ValueError(
            f"sample_weight has {np.count_nonzero(negligible)} entries below {LEAST_WEIGHT:g} of the largest, which cannot count "
            "beside it: set them to 0."
        )
