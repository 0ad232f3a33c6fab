"""Mixtures as vectors and back, and the shortest of steps: the algebra of Anderson's acceleration, in machine code."""

import math

import numpy as np

from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.triangles import factored

ROOT_TWO = math.sqrt(2.0)


@jit
def coordinates(weights, means, covariances, centres, inverses, importance):
    """What :class:`bayesgmm.acceleration.Chart` says of a mixture, row by row a component, (K, 1 + d + d (d + 1) / 2)."""
    k, d = means.shape
    out, root = np.empty((k, 1 + d + d * (d + 1) // 2)), np.empty((d, d))
    for a in range(k):
        out[a, 0] = math.log(weights[a])
        root[:] = covariances[a]
        factored(root)
        at = 1 + 2 * d
        for i in range(d):
            shift = 0.0
            for m in range(i + 1):
                shift += inverses[a, i, m] * (means[a, m] - centres[a, m])
            out[a, 1 + i] = shift
            out[a, 1 + d + i] = ROOT_TWO * math.log(inverses[a, i, i] * root[i, i])
            for j in range(i):
                entry = 0.0
                for m in range(j, i + 1):
                    entry += inverses[a, i, m] * root[m, j]
                out[a, at] = entry
                at += 1
        out[a] *= importance[a]
    return out


@jit
def charted(rows, importance, centres, roots, log_noise, farthest_log, farthest):
    """The mixture of coordinates, after whether they are within bounds: weights, means (K, d), weighted covariances (K, d, d).

    The weights (K + 1,) sum to one, the noise's is the last; without noise its log is minus infinity.
    """
    k, d = centres.shape
    rows = rows / importance.reshape(-1, 1)
    weights, means, scatter = np.empty(k + 1), np.empty((k, d)), np.empty((k, d, d))
    factor, root = np.zeros((d, d)), np.zeros((d, d))
    for a in range(k):
        at = 1 + 2 * d
        for i in range(rows.shape[1]):
            most = np.inf if i <= d else farthest_log * ROOT_TWO if i < at else farthest
            if not abs(rows[a, i]) < most:
                return False, weights, means, scatter
        for i in range(d):
            factor[i, i] = math.exp(rows[a, 1 + d + i] / ROOT_TWO)
            for j in range(i):
                factor[i, j] = rows[a, at]
                at += 1
        for i in range(d):
            means[a, i] = centres[a, i]
            for m in range(i + 1):
                means[a, i] += roots[a, i, m] * rows[a, 1 + m]
            for j in range(i + 1):
                root[i, j] = 0.0
                for m in range(j, i + 1):
                    root[i, j] += roots[a, i, m] * factor[m, j]
        for i in range(d):
            for j in range(i + 1):
                entry = 0.0
                for m in range(j + 1):
                    entry += root[i, m] * root[j, m]
                scatter[a, i, j] = scatter[a, j, i] = entry
    weights[:k] = rows[:, 0]
    weights[k] = log_noise
    weights[:] = np.exp(weights - weights.max())
    weights /= weights.sum()
    for a in range(k):
        scatter[a] *= weights[a]
    return True, weights, means, scatter


@jit
def shortest_step(points, images, worst):
    """The combination of images (S, p), weights summing to one, whose combined step from the points is shortest.

    Directions in which the steps differ less than the most by the factor ``worst`` are left out.
    """
    n, p = points.shape
    steps, differences = images - points, np.empty((p, n - 1))
    for s in range(n - 1):
        differences[:, s] = steps[s + 1] - steps[s]
    left, sizes, right = np.linalg.svd(differences, False)
    out = images[n - 1].copy()
    for e in range(len(sizes)):
        if sizes[e] > sizes[0] / worst:
            share = (left[:, e] * steps[n - 1]).sum() / sizes[e]
            for s in range(n - 1):
                out -= share * right[e, s] * (images[s + 1] - images[s])
    return out
