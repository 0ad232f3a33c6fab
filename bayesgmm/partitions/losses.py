"""How far two partitions of the same rows are from each other.

With n_k the sizes of the clusters of one partition, n_l those of the other and n_kl what they share, each loss here is a function
of three sums over one table f: a = sum_k f(n_k), b = sum_l f(n_l) and the joint sum_kl f(n_kl).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesgmm.partitions.clusters import ADDITIVE, RATIO

type Array = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """A loss between partitions; lower is nearer, 0 is the same.

    Attributes
    ----------
    name : str
        As it is asked for.
    title : str
        As sentences call it.
    unit : str
        What is written behind its numbers.
    is_metric : bool
        Whether it is a distance, with a triangle inequality.
    kind : int
        ADDITIVE: (a + b - 2 joint) / scale. RATIO: one minus the ratio that is adjusted for chance.
    f : callable
        Of the sizes 0, 1, 2, ...
    scale : callable
        Of n.
    """

    name: str
    title: str
    unit: str
    is_metric: bool
    kind: int
    f: Callable[[Array], Array]
    scale: Callable[[int], float]

    def table(self, n: int) -> Array:
        """f(0), ..., f(n + 1)."""
        return self.f(np.arange(n + 2, dtype=np.float64))

    def between(self, a: Array | float, b: Array, joint: Array, n: int) -> Array:
        """The loss from its three sums, of n rows."""
        if self.kind == ADDITIVE:
            return np.maximum((a + b - 2 * joint) / self.scale(n), 0.0)
        pairs = self.scale(n)
        below = a * (pairs - b) + b * (pairs - a)
        with np.errstate(invalid="ignore", divide="ignore"):  # both in one piece, or both in single rows: the same
            return np.where(below > 0, 1 - 2 * (joint * pairs - a * b) / below, 0.0)


def entropies(m: Array) -> Array:
    """M log2 m, and nothing of nothing."""
    return np.asarray(m * np.log2(np.maximum(m, 1.0)))


def pairs(m: Array) -> Array:
    """Pairs among m rows."""
    return np.asarray(m * (m - 1) / 2)


def n_pairs(n: int) -> float:
    """Pairs among n rows, and one where there is none, by which nothing is divided."""
    return max(n * (n - 1) / 2, 1.0)


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("vi", "variation of information", " bits", True, ADDITIVE, entropies, float),
        Loss("binder", "Binder's: joined by one partition, parted by the other", " of all pairs", True, ADDITIVE, pairs, n_pairs),
        Loss("omari", "one minus the adjusted Rand index", "", False, RATIO, pairs, n_pairs),
    )
}
