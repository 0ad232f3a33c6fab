"""The search for the partition of least expected loss, in Numba: greedy, from random orders of the rows.

Rows go one by one where the expected loss is least, an empty cluster among the choices: at first into clusters that come into
being on the way, then over and over until no row moves. Then whole clusters are dissolved and their rows put anew, which is kept
where it is better. (Dahl, Johnson and Mueller 2022, doi:10.1080/10618600.2022.2069779, section 3.)
"""

import numpy as np

from bayesgmm.kernels.compilation import inlined
from bayesgmm.partitions.clusters import NOWHERE, copied, expected_loss, jit, losses_of_row, put, started, take

ROUNDING = 1e-12  # a gain in the loss, for which no row moves
SAME = 1e-10  # difference of losses whose partitions are taken for the same
MOST_DISSOLVED = 10  # attempts


@jit
def search(problem, start, rng, max_clusters, stopped):
    """One run: labels, and whether it came to its end before ``stopped[0]`` was set.

    ``start`` holds labels, numbered in the order of their first rows, or NOWHERE for rows that are to be put.
    """
    clusters, order = started(problem, start), np.arange(len(start))
    clusters = _settled(problem, clusters, order, rng, max_clusters, stopped)
    least, queue, place = expected_loss(problem, clusters), _shuffled(rng, np.arange(clusters.number[0])), 0
    for _ in range(MOST_DISSOLVED):
        if place == len(queue) or stopped[0]:
            break
        before = copied(clusters)
        clusters = _dissolved(problem, clusters, queue[place], rng, max_clusters, stopped)
        loss = expected_loss(problem, clusters)
        if abs(loss - least) > SAME:
            clusters = _settled(problem, clusters, order, rng, max_clusters, stopped)
            loss = expected_loss(problem, clusters)
        if loss < least - SAME:
            least, queue, place = loss, _shuffled(rng, np.arange(clusters.number[0])), 0
        else:
            clusters, place = before, place + 1
    return clusters.labels, not stopped[0]


@inlined
def _settled(problem, clusters, order, rng, max_clusters, stopped):
    """Every row where the loss is least, as long as one moves."""
    moved = True
    while moved:
        clusters, moved = _pass(problem, clusters, _shuffled(rng, order), max_clusters, stopped)
    return clusters


@inlined
def _dissolved(problem, clusters, k, rng, max_clusters, stopped):
    """The rows of one cluster taken out and put anew."""
    rows = _shuffled(rng, np.flatnonzero(clusters.labels == k))
    for i in rows:
        take(problem, clusters, i)
    clusters, _ = _pass(problem, clusters, rows, max_clusters, stopped)
    return clusters


@jit
def _pass(problem, clusters, rows, max_clusters, stopped):
    """Each of these rows in turn where the loss is least; whether one moved."""
    moved = False
    for i in rows:
        if stopped[0]:
            return clusters, False
        own, number = clusters.labels[i], clusters.number[0]
        is_alone = own != NOWHERE and clusters.sizes[own] == 1
        width = number if is_alone or number == max_clusters else number + 1
        losses_of_row(problem, clusters, i, width)
        best = np.argmin(clusters.losses[:width])
        if own != NOWHERE:
            if clusters.losses[best] >= clusters.losses[own] - ROUNDING:
                continue
            if is_alone and best == number - 1:  # the last cluster takes the place of the one that is left empty
                best = own
            take(problem, clusters, i)
        clusters = put(problem, clusters, i, best)
        moved = True
    return clusters, moved


@jit
def _shuffled(rng, order):
    """In any order, each as likely (Fisher and Yates)."""
    out = order.copy()
    for k in range(len(out) - 1, 0, -1):
        other = int(rng.random() * (k + 1))
        out[k], out[other] = out[other], out[k]
    return out
