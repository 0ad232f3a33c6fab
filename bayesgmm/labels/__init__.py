"""Relabelling methods: from draws to a permutation of each; one registry. A new method is one function and one line here.

A method is a function ``(draws, values, scores) -> permutation`` with values (n, d) the data, scores (n_chains, n_draws) the log
posterior density of each draw, and ``permutation[c, s, k]`` the drawn component that belongs in place k.
"""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.labels.assignment import Places, best_orders
from bayesgmm.labels.data import data
from bayesgmm.labels.ecr import ecr, ecr_iterative_1, ecr_iterative_2
from bayesgmm.labels.ordering import ordering
from bayesgmm.labels.points import kmeans, pivot
from bayesgmm.labels.stephens import stephens
from bayesgmm.labels.trust import Method, Trust, trust

__all__ = ["COMPARED", "METHODS", "Method", "Places", "Trust", "best_orders", "inverse", "ordering", "trust"]

METHODS: dict[str, Method] = {
    "ecr": ecr,
    "ecr_iterative_1": ecr_iterative_1,
    "ecr_iterative_2": ecr_iterative_2,
    "stephens": stephens,
    "data": data,
    "pivot": pivot,
    "kmeans": kmeans,
    "ordering": ordering,
}
COMPARED: dict[str, Method] = {name: METHODS[name] for name in ("ecr", "stephens", "pivot")}
"""One of each kind, by rows, by shares and by points: what a relabelling is held against."""


def inverse(permutation: NDArray[np.int64]) -> NDArray[np.int64]:
    """The permutations that undo these, along the last axis."""
    return np.asarray(permutation.argsort(axis=-1))
