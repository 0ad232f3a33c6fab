"""Sufficient statistics about the components' means: expected, of sampled allocations, of known labels."""

import numpy as np

from bayesgmm.kernels.block import (
    BLOCK,
    accumulate,
    joint_log_densities,
    load_rows,
    load_weights,
    log_densities,
    normalise,
    sample,
    summed_log_density,
    transposed,
    workspace,
)
from bayesgmm.kernels.compilation import jit


@jit
def mirror(scatter):
    """Copy lower triangles to upper ones; diagonals have neither."""
    if scatter.ndim == 3:
        for k in range(scatter.shape[0]):
            for j in range(scatter.shape[1]):
                for i in range(j):
                    scatter[k, i, j] = scatter[k, j, i]


@jit
def nothing(means, factors):
    """Counts (K,), sums (K, d) and scatter of no rows."""
    return np.zeros(means.shape[0]), np.zeros(means.shape), np.zeros(factors.shape)


@jit
def centred(counts, sums, scatter, reference):
    """Means (K, d), and the scatter about them, from statistics about a reference; every count must be positive."""
    means, out = np.empty(reference.shape), np.empty(scatter.shape)
    for k in range(means.shape[0]):
        for j in range(means.shape[1]):
            shift = sums[k, j] / counts[k]
            means[k, j] = reference[k, j] + shift
            if scatter.ndim == 2:
                out[k, j] = scatter[k, j] - sums[k, j] * shift
            else:
                for i in range(j + 1):
                    out[k, j, i] = scatter[k, j, i] - sums[k, i] * shift
    mirror(out)
    return means, out


@jit
def expected_statistics(values, row_weights, log_constants, means, factors):
    """Weighted log-likelihood, counts (K,), sums (K, d) and scatter about the means, in the memory of one block."""
    x, joint, v, norms, diff, sums_of = workspace(factors)
    counts, sums, scatter = nothing(means, factors)
    transposes, log_likelihood = transposed(factors), 0.0
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        load_rows(values, start, size, x)
        load_weights(row_weights, start, size, v)
        joint_log_densities(x, size, log_constants, means, transposes, diff, joint)
        normalise(joint, size, norms)
        accumulate(x, size, joint, v, means, diff, sums_of, counts, sums, scatter)
        log_likelihood += summed_log_density(norms, v, size, sums_of)
    mirror(scatter)
    return log_likelihood, counts, sums, scatter


@jit
def pointwise_statistics(values, row_weights, log_constants, means, factors):
    """The log density of each row (n,) and, from the same pass, counts, sums and scatter about the means.

    Row weights may be negative: the gradient of a weighted sum of log densities uses them.
    """
    x, joint, v, norms, diff, sums_of = workspace(factors)
    counts, sums, scatter = nothing(means, factors)
    transposes, log_density = transposed(factors), np.empty(values.shape[0])
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        load_rows(values, start, size, x)
        load_weights(row_weights, start, size, v)
        joint_log_densities(x, size, log_constants, means, transposes, diff, joint)
        normalise(joint, size, norms)
        accumulate(x, size, joint, v, means, diff, sums_of, counts, sums, scatter)
        log_density[start : start + size] = log_densities(norms, size)
    mirror(scatter)
    return log_density, counts, sums, scatter


@jit
def sampled_statistics(values, key, log_constants, means, factors, first=0):
    """One draw of each row's component, and the counts, sums and scatter about the means that follow from the draws.

    Parameters
    ----------
    key : int
        Names the stream of random numbers, below 2^62. A row's draw is a function of the key, the row's number and
        its responsibilities: blocks and threads change nothing.
    first : int
        Number of the first row.

    Returns
    -------
    log_likelihood, counts, sums, scatter
        The log-likelihood is the mixture's, with the allocations summed out.
    allocations : ndarray of int32, shape (n,)
    """
    x, joint, v, norms, diff, sums_of = workspace(factors)
    counts, sums, scatter = nothing(means, factors)
    transposes, log_likelihood = transposed(factors), 0.0
    allocations, drawn = np.empty(values.shape[0], np.int32), np.empty_like(v)
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        load_rows(values, start, size, x)
        v[0, :size] = 1.0
        v[0, size:] = 0.0
        joint_log_densities(x, size, log_constants, means, transposes, diff, joint)
        sample(joint, size, np.uint64(key), first + start, norms, drawn)
        accumulate(x, size, joint, v, means, diff, sums_of, counts, sums, scatter)
        for b in range(size):
            allocations[start + b] = np.int32(drawn[0, b])
        log_likelihood += summed_log_density(norms, v, size, sums_of)
    mirror(scatter)
    return log_likelihood, counts, sums, scatter, allocations


@jit
def labelled_statistics(values, row_weights, labels, reference):
    """Counts, sums and scatter about the reference when each row's component is known; a label of -1 leaves the row out."""
    n_components, n_features = reference.shape
    counts, sums = np.zeros(n_components), np.zeros((n_components, n_features))
    scatter = np.zeros((n_components, n_features, n_features))
    for i in range(values.shape[0]):
        k = labels[i]
        if k < 0:
            continue
        counts[k] += row_weights[i]
        for j in range(n_features):
            weighted = row_weights[i] * (values[i, j] - reference[k, j])
            sums[k, j] += weighted
            for m in range(j + 1):
                scatter[k, j, m] += weighted * (values[i, m] - reference[k, m])
    mirror(scatter)
    return counts, sums, scatter
