"""Agglomeration: clusters of rows joined two by two, each time those whose likelihood as two normals falls least."""

import math

import numpy as np

from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.triangles import factored


@jit
def term(weight, scatter, ridge, root):
    """n log |S / n + ridge I| of a cluster, its scatter about its mean."""
    d = scatter.shape[0]
    for i in range(d):
        for j in range(i + 1):
            root[i, j] = scatter[i, j] / weight
        root[i, i] += ridge
    if not factored(root):
        return np.inf
    size, logs = 1.0, 0.0  # a product, whose logarithm is taken before it could overflow
    for i in range(d):
        size *= root[i, i]
        if not 1e-100 < size < 1e100:
            logs += math.log(size)
            size = 1.0
    return 2.0 * weight * (logs + math.log(size))


@jit
def joined(a, b, weights, means, scatters, out):
    """The scatter of the union of two clusters about its mean."""
    d, share = means.shape[1], weights[a] * weights[b] / (weights[a] + weights[b])
    for i in range(d):
        for j in range(i + 1):
            out[i, j] = scatters[a, i, j] + scatters[b, i, j] + share * (means[a, i] - means[b, i]) * (means[a, j] - means[b, j])


@jit
def agglomerate(values, row_weights, ridge):
    """Join rows until one cluster is left.

    Parameters
    ----------
    values : ndarray of shape (n, d)
        In units in which ``ridge`` is small beside a cluster's variances, and much for a single row's.
    row_weights : ndarray of shape (n,)
    ridge : float

    Returns
    -------
    ndarray of int64, shape (n - 1, 2)
        The clusters joined at each step, each named by its first row; the union keeps the smaller name.
    """
    n, d = values.shape
    weights, means, scatters = row_weights.copy(), values.copy(), np.zeros((n, d, d))
    terms, root, union = np.empty(n), np.empty((d, d)), np.empty((d, d))
    alive = np.arange(n)  # names of clusters, in order
    for a in range(n):
        terms[a] = term(weights[a], scatters[a], ridge, root)
    cost, partner = np.full(n, np.inf), np.zeros(n, np.int64)  # of the best cluster of a larger name
    stale = np.ones(n, np.bool_)
    steps = np.empty((n - 1, 2), np.int64)
    for step in range(n - 1):
        m, best = n - step, 0
        for at in range(m):
            a = alive[at]
            if stale[a]:
                cost[a], stale[a] = np.inf, False
                for other in range(at + 1, m):
                    b = alive[other]
                    joined(a, b, weights, means, scatters, union)
                    loss = term(weights[a] + weights[b], union, ridge, root) - terms[a] - terms[b]
                    if loss < cost[a]:
                        cost[a], partner[a] = loss, b
            if cost[a] < cost[alive[best]]:
                best = at
        a = alive[best]
        b = partner[a] if cost[a] < np.inf else alive[best + 1]  # the last is never best, as it has no partner: best is 0 then
        steps[step, 0], steps[step, 1] = a, b
        joined(a, b, weights, means, scatters, union)
        total = weights[a] + weights[b]
        for i in range(d):
            means[a, i] += weights[b] / total * (means[b, i] - means[a, i])
            for j in range(i + 1):
                scatters[a, i, j] = union[i, j]
        weights[a] = total
        terms[a] = term(total, union, ridge, root)
        place = 0
        for at in range(m):  # close the gap of b
            if alive[at] != b:
                alive[place] = alive[at]
                place += 1
        stale[a] = True
        for at in range(m - 1):
            c = alive[at]
            if c != a and (partner[c] == a or partner[c] == b):
                stale[c] = True
            elif c < a and not stale[c]:
                joined(c, a, weights, means, scatters, union)
                loss = term(weights[c] + weights[a], union, ridge, root) - terms[c] - terms[a]
                if loss < cost[c]:
                    cost[c], partner[c] = loss, a
    return steps
