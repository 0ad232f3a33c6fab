"""Lloyd's steps of k-means: rows go to the nearest centre, centres to the mean of their rows."""

import numpy as np

from bayesgmm.kernels.compilation import jit


@jit
def nearest(values, centres, labels):
    """Put the nearest centre of each row into labels; whether some row has a new one."""
    changed = False
    for i in range(values.shape[0]):
        best, least = 0, np.inf
        for k in range(centres.shape[0]):
            distance = 0.0
            for j in range(values.shape[1]):
                distance += (values[i, j] - centres[k, j]) ** 2
            if distance < least:
                best, least = k, distance
        changed |= labels[i] != best
        labels[i] = best
    return changed


@jit
def lloyd(values, row_weights, centres, most_steps):
    """Labels (n,) of rows after so many steps from the centres (K, d), which move; fewer where no row changes."""
    labels = np.full(values.shape[0], -1)
    nearest(values, centres, labels)
    for _ in range(most_steps):
        weights, sums = np.zeros(centres.shape[0]), np.zeros(centres.shape)
        for i in range(values.shape[0]):
            weights[labels[i]] += row_weights[i]
            for j in range(values.shape[1]):
                sums[labels[i], j] += row_weights[i] * values[i, j]
        for k in range(centres.shape[0]):
            if weights[k] > 0.0:
                centres[k] = sums[k] / weights[k]
        if not nearest(values, centres, labels):
            break
    return labels
