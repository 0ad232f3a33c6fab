"""A partition beside many drawn ones, in Numba: what they share with it, and what a row adds wherever it is put."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.compilation import compiler

jit = compiler(Path(__file__).parent)

ADDITIVE, RATIO = 0, 1  # kinds of losses
FIRST_CAPACITY = 8  # clusters: more are made room for when they come
NOWHERE = -1  # the cluster of a row that is in none


class Problem(NamedTuple):
    """Drawn partitions, and the loss from them. A cluster of a draw is called a cell; cells are numbered through all draws.

    Attributes
    ----------
    labels : ndarray of int16, shape (n_rows, n_draws)
        The cell of each row in each draw, counted within the draw.
    offsets : ndarray of int32, shape (n_draws,)
        The first cell of each draw.
    n_cells : int
    f : ndarray of shape (n_rows + 2,)
        The loss's table.
    steps : ndarray of shape (n_rows + 1,)
        By how much one row more raises it.
    kind : int
    scale : float
    """

    labels: NDArray[np.int16]
    offsets: NDArray[np.int32]
    n_cells: int
    f: NDArray[np.float64]
    steps: NDArray[np.float64]
    kind: int
    scale: float


class Clusters(NamedTuple):
    """A partition of some of the rows. Clusters that have rows stand in front of the empty ones, of which there is one at least.

    Attributes
    ----------
    labels : ndarray of int64, shape (n_rows,)
        NOWHERE for a row that is in none.
    sizes : ndarray of int64, shape (capacity,)
    counts : ndarray of uint16, shape (n_cells, capacity)
        Rows that a cell shares with a cluster.
    joint : ndarray of shape (n_draws,)
        Sum of f over the counts of each draw.
    cells : ndarray of int32, shape (n_cells,)
        Rows of each cell that are in clusters; kept for a RATIO, like what follows.
    within : ndarray of shape (n_draws,)
        Sum of f over the cells of each draw.
    losses : ndarray of shape (capacity,)
        Room for what a row adds to each cluster.
    number : ndarray of int64, shape (2,)
        Clusters that have rows, and rows that are in them.
    """

    labels: NDArray[np.int64]
    sizes: NDArray[np.int64]
    counts: NDArray[np.uint16]
    joint: NDArray[np.float64]
    cells: NDArray[np.int32]
    within: NDArray[np.float64]
    losses: NDArray[np.float64]
    number: NDArray[np.int64]


@jit
def empty(problem):
    """No row in any cluster."""
    n, n_draws = problem.labels.shape
    return Clusters(
        np.full(n, NOWHERE),
        np.zeros(FIRST_CAPACITY, np.int64),
        np.zeros((problem.n_cells, FIRST_CAPACITY), np.uint16),
        np.zeros(n_draws),
        np.zeros(problem.n_cells, np.int32),
        np.zeros(n_draws),
        np.empty(FIRST_CAPACITY),
        np.zeros(2, np.int64),
    )


@jit
def started(problem, labels):
    """Clusters with these labels, numbered in the order of their first rows; a row may be NOWHERE."""
    clusters = empty(problem)
    for i in range(len(labels)):
        if labels[i] != NOWHERE:
            clusters = put(problem, clusters, i, labels[i])
    return clusters


@jit
def copied(clusters):
    """The same, in memory of its own."""
    return Clusters(
        clusters.labels.copy(),
        clusters.sizes.copy(),
        clusters.counts.copy(),
        clusters.joint.copy(),
        clusters.cells.copy(),
        clusters.within.copy(),
        clusters.losses.copy(),
        clusters.number.copy(),
    )


@jit
def grown(clusters):
    """The same with room for twice as many clusters."""
    n_cells, capacity = clusters.counts.shape
    sizes, counts = np.zeros(2 * capacity, np.int64), np.zeros((n_cells, 2 * capacity), np.uint16)
    for k in range(capacity):  # an assignment of slices takes Numba seconds to compile
        sizes[k] = clusters.sizes[k]
    for cell in range(n_cells):
        for k in range(capacity):
            counts[cell, k] = clusters.counts[cell, k]
    return Clusters(
        clusters.labels,
        sizes,
        counts,
        clusters.joint,
        clusters.cells,
        clusters.within,
        np.empty(2 * capacity),
        clusters.number,
    )


@jit
def put(problem, clusters, i, k):
    """Put a row that is in no cluster into cluster k."""
    for s in range(len(problem.offsets)):
        cell = problem.offsets[s] + problem.labels[i, s]
        clusters.joint[s] += problem.steps[clusters.counts[cell, k]]
        clusters.counts[cell, k] += 1
        if problem.kind == RATIO:
            clusters.within[s] += problem.steps[clusters.cells[cell]]
            clusters.cells[cell] += 1
    clusters.labels[i] = k
    clusters.sizes[k] += 1
    clusters.number[1] += 1
    clusters.number[0] = max(clusters.number[0], k + 1)
    return grown(clusters) if clusters.number[0] == len(clusters.sizes) else clusters


@jit
def take(problem, clusters, i):
    """Take a row out of its cluster; where that leaves the cluster empty, the last one takes its place."""
    k = clusters.labels[i]
    for s in range(len(problem.offsets)):
        cell = problem.offsets[s] + problem.labels[i, s]
        clusters.counts[cell, k] -= 1
        clusters.joint[s] -= problem.steps[clusters.counts[cell, k]]
        if problem.kind == RATIO:
            clusters.cells[cell] -= 1
            clusters.within[s] -= problem.steps[clusters.cells[cell]]
    clusters.labels[i] = NOWHERE
    clusters.sizes[k] -= 1
    clusters.number[1] -= 1
    if clusters.sizes[k] == 0:
        clusters.number[0] -= 1
        _rename(clusters, clusters.number[0], k)


@jit
def _rename(clusters, k, other):
    """Cluster k in the place of another one, which is empty."""
    if k == other:
        return
    for cell in range(len(clusters.counts)):
        clusters.counts[cell, other] = clusters.counts[cell, k]
        clusters.counts[cell, k] = 0
    for i in range(len(clusters.labels)):
        if clusters.labels[i] == k:
            clusters.labels[i] = other
    clusters.sizes[other], clusters.sizes[k] = clusters.sizes[k], 0


@jit
def of_sizes(problem, clusters):
    """Sum of f over the sizes of the clusters."""
    total = 0.0
    for k in range(clusters.number[0]):
        total += problem.f[clusters.sizes[k]]
    return total


@jit
def expected_loss(problem, clusters):
    """The mean loss from the drawn partitions, up to a constant."""
    a, n_draws = of_sizes(problem, clusters), len(problem.offsets)
    if problem.kind == ADDITIVE:
        return (a - 2.0 * clusters.joint.mean()) / problem.scale
    total, pairs = 0.0, 0.5 * clusters.number[1] * (clusters.number[1] - 1)
    for s in range(n_draws):
        total -= _adjusted(a, clusters.within[s], clusters.joint[s], pairs)
    return total / n_draws


@jit
def losses_of_row(problem, clusters, i, width):
    """What :func:`expected_loss` would be, up to a constant, with row i in each of the first clusters: into ``losses``."""
    if problem.kind == ADDITIVE:
        _additive_losses(problem, clusters, i, width)
    else:
        _ratio_losses(problem, clusters, i, width)


@jit
def _additive_losses(problem, clusters, i, width):
    own, n_draws = clusters.labels[i], len(problem.offsets)
    losses, counts, steps = clusters.losses, clusters.counts, problem.steps
    for k in range(width):
        losses[k] = 0.0
    without = 0.0
    for s in range(n_draws):
        cell = problem.offsets[s] + problem.labels[i, s]
        for k in range(width):
            losses[k] += steps[counts[cell, k]]
        if own != NOWHERE:
            without += steps[counts[cell, own] - 1]
    if own != NOWHERE:
        losses[own] = without
    for k in range(width):
        others = clusters.sizes[k] - (1 if k == own else 0)
        losses[k] = (steps[others] - 2.0 * losses[k] / n_draws) / problem.scale


@jit
def _ratio_losses(problem, clusters, i, width):
    own, n_draws = clusters.labels[i], len(problem.offsets)
    losses, counts, steps = clusters.losses, clusters.counts, problem.steps
    a, n = of_sizes(problem, clusters), clusters.number[1]
    if own == NOWHERE:
        n += 1
    else:
        a -= steps[clusters.sizes[own] - 1]
    pairs, a_with = 0.5 * n * (n - 1), np.empty(width)
    for k in range(width):
        losses[k], a_with[k] = 0.0, a + steps[clusters.sizes[k] - (1 if k == own else 0)]
    without = 0.0
    for s in range(n_draws):
        cell = problem.offsets[s] + problem.labels[i, s]
        within, joint = clusters.within[s], clusters.joint[s]
        if own == NOWHERE:
            within += steps[clusters.cells[cell]]
        else:
            without -= _adjusted(a_with[own], within, joint, pairs)
            joint -= steps[counts[cell, own] - 1]
        for k in range(width):
            losses[k] -= _adjusted(a_with[k], within, joint + steps[counts[cell, k]], pairs)
    if own != NOWHERE:
        losses[own] = without
    for k in range(width):
        losses[k] /= n_draws


@jit
def _adjusted(a, b, joint, pairs):
    """The adjusted Rand index from the pairs within clusters, within cells and within both (Hubert and Arabie 1985)."""
    below = a * (pairs - 2.0 * b) + b * pairs
    beyond_chance = joint * pairs - a * b
    # Both in one piece, or both in single rows: the same. No branch, so that clusters are taken side by side.
    is_known = below > 0.0
    return 2.0 * (beyond_chance if is_known else 0.5) / (below if is_known else 1.0)
