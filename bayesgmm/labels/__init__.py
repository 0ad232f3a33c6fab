"""Relabelling methods: from draws to a permutation of each; one registry. A new method is one file and one line here.

A method is a function ``(draws, values, scores) -> permutation`` with values (n, d) the data, scores (n_chains, n_draws) the log
posterior density of each draw, and ``permutation[c, s, k]`` the drawn component that belongs in place k.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Draws
from bayesgmm.labels.ecr import ecr
from bayesgmm.labels.ordering import ordering
from bayesgmm.labels.trust import TRUSTED_RATE, misplaced_rate

__all__ = ["METHODS", "TRUSTED_RATE", "inverse", "misplaced_rate"]

METHODS: dict[str, Callable[[Draws, NDArray[np.float64], NDArray[np.float64]], NDArray[np.int64]]] = {
    "ecr": ecr,
    "ordering": ordering,
}


def inverse(permutation: NDArray[np.int64]) -> NDArray[np.int64]:
    """The permutations that undo these, along the last axis."""
    return np.asarray(permutation.argsort(axis=-1))
