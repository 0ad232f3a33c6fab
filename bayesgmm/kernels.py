"""The pass over the data: every engine's one expensive step, in Numba.

This floor knows arrays only. A component is its ``log_constants[k]`` (log weight plus the log of the normalising constant), its
mean and its precision factor ``L`` (lower triangular, ``P = L L'``; for diagonal covariances the vector ``sqrt(diag P)``).
Rows are taken in blocks that stay in cache, transposed so that the inner loops run over rows and vectorise; nothing of
size (n, K) is allocated unless responsibilities are what was asked for.
"""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

BLOCK = 256
LOG_2PI = math.log(2.0 * math.pi)

# No fastmath: a kernel that is inlined into other code when fresh and linked when cached would round differently.
_jit: Any = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def _workspace(means):
    """Buffers for one block: rows, residuals, one row of either, joint log densities."""
    n_components, n_features = means.shape
    return np.empty((n_features, BLOCK)), np.empty((n_features, BLOCK)), np.empty(BLOCK), np.empty((n_components, BLOCK))


@_jit
def _load(values, start, size, x):
    for b in range(size):
        for j in range(values.shape[1]):
            x[j, b] = values[start + b, j]


@_jit
def _whiten(diff, size, factor, j, y):
    """Entry j of L' (x - mu) for a block of rows; the factor's rank (a constant to the compiler) tells diagonal from full."""
    if factor.ndim == 1:
        for b in range(size):
            y[b] = factor[j] * diff[j, b]
    else:
        for b in range(size):
            y[b] = 0.0
        for i in range(j, factor.shape[0]):
            entry = factor[i, j]
            for b in range(size):
                y[b] += entry * diff[i, b]


@_jit
def _residuals(x, size, mean, diff):
    for j in range(mean.shape[0]):
        for b in range(size):
            diff[j, b] = x[j, b] - mean[j]


@_jit
def _joint_log_densities(x, size, log_constants, means, factors, diff, y, joint):
    """log w_k + log N(x; mu_k, Sigma_k) into joint (K, block)."""
    for k in range(means.shape[0]):
        _residuals(x, size, means[k], diff)
        for b in range(size):
            joint[k, b] = 0.0
        for j in range(means.shape[1]):
            _whiten(diff, size, factors[k], j, y)
            for b in range(size):
                joint[k, b] += y[b] * y[b]
        for b in range(size):
            joint[k, b] = log_constants[k] - 0.5 * joint[k, b]


@_jit
def _normalise(joint, size, log_density):
    """Turn joint log densities into responsibilities in place; the log of their sum goes to log_density."""
    n_components = joint.shape[0]
    for b in range(size):
        largest = joint[0, b]
        for k in range(1, n_components):
            largest = max(largest, joint[k, b])
        if largest == -np.inf:  # beyond the range of floats under every component: no preference can be told
            log_density[b] = -np.inf
            for k in range(n_components):
                joint[k, b] = 1.0 / n_components
            continue
        total = 0.0
        for k in range(n_components):
            joint[k, b] = math.exp(joint[k, b] - largest)
            total += joint[k, b]
        for k in range(n_components):
            joint[k, b] /= total
        log_density[b] = largest + math.log(total)


@_jit
def _accumulate(x, size, shares, means, diff, y, counts, sums, scatter):
    """Add a block's shares (K, block) to the statistics about the means."""
    n_components, n_features = means.shape
    for k in range(n_components):
        _residuals(x, size, means[k], diff)
        for b in range(size):
            counts[k] += shares[k, b]
        for j in range(n_features):
            for b in range(size):
                y[b] = shares[k, b] * diff[j, b]
                sums[k, j] += y[b]
            if scatter.ndim == 2:
                for b in range(size):
                    scatter[k, j] += y[b] * diff[j, b]
            else:
                for i in range(j + 1):
                    total = 0.0
                    for b in range(size):
                        total += y[b] * diff[i, b]
                    scatter[k, j, i] += total


@_jit
def _mirror(scatter):
    if scatter.ndim == 3:
        for k in range(scatter.shape[0]):
            for j in range(scatter.shape[1]):
                for i in range(j):
                    scatter[k, i, j] = scatter[k, j, i]


@_jit
def _expected_block(values, start, row_weights, log_constants, means, factors, work, log_density, counts, sums, scatter):
    """Add the expected statistics of up to BLOCK rows from start on; log_density receives their log densities."""
    x, diff, y, joint = work
    size = min(BLOCK, values.shape[0] - start)
    _load(values, start, size, x)
    _joint_log_densities(x, size, log_constants, means, factors, diff, y, joint)
    _normalise(joint, size, log_density)
    for k in range(means.shape[0]):
        for b in range(size):
            joint[k, b] *= row_weights[start + b]
    _accumulate(x, size, joint, means, diff, y, counts, sums, scatter)


@_jit
def expected_statistics(values, row_weights, log_constants, means, factors):
    """Weighted log-likelihood, counts (K,), sums (K, d) and scatter about the means, in the memory of one block."""
    work, log_density = _workspace(means), np.empty(BLOCK)
    counts, sums, scatter = np.zeros(means.shape[0]), np.zeros(means.shape), np.zeros(factors.shape)
    log_likelihood = 0.0
    for start in range(0, values.shape[0], BLOCK):
        _expected_block(values, start, row_weights, log_constants, means, factors, work, log_density, counts, sums, scatter)
        for b in range(min(BLOCK, values.shape[0] - start)):
            log_likelihood += row_weights[start + b] * log_density[b]
    _mirror(scatter)
    return log_likelihood, counts, sums, scatter


@_jit
def pointwise_statistics(values, row_weights, log_constants, means, factors):
    """The log density of each row (n,) and, from the same pass, counts, sums and scatter about the means.

    Row weights may be negative: the gradient of a weighted sum of log densities uses them.
    """
    work, log_density = _workspace(means), np.empty(values.shape[0])
    counts, sums, scatter = np.zeros(means.shape[0]), np.zeros(means.shape), np.zeros(factors.shape)
    for start in range(0, values.shape[0], BLOCK):
        _expected_block(
            values, start, row_weights, log_constants, means, factors, work, log_density[start:], counts, sums, scatter
        )
    _mirror(scatter)
    return log_density, counts, sums, scatter


@_jit
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
    _mirror(scatter)
    return counts, sums, scatter


@_jit
def log_density(values, log_constants, means, factors):
    """log p(x_i), shape (n,)."""
    x, diff, y, joint = _workspace(means)
    out = np.empty(values.shape[0])
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        _load(values, start, size, x)
        _joint_log_densities(x, size, log_constants, means, factors, diff, y, joint)
        _normalise(joint, size, out[start:])
    return out


@_jit
def responsibilities(values, log_constants, means, factors):
    """P(component k | x_i), shape (n, K)."""
    x, diff, y, joint = _workspace(means)
    log_density, out = np.empty(BLOCK), np.empty((values.shape[0], means.shape[0]))
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        _load(values, start, size, x)
        _joint_log_densities(x, size, log_constants, means, factors, diff, y, joint)
        _normalise(joint, size, log_density)
        for b in range(size):
            for k in range(means.shape[0]):
                out[start + b, k] = joint[k, b]
    return out


@_jit
def draws_log_density(values, log_constants, means, factors):
    """log p(x_i | draw s), shape (S, n); the parameters have a leading axis of draws here and below."""
    out = np.empty((means.shape[0], values.shape[0]))
    for s in range(means.shape[0]):
        out[s] = log_density(values, log_constants[s], means[s], factors[s])
    return out


@_jit
def draws_agreement(values, log_constants, means, factors, labels):
    """sum of r_ik over the rows i with label g, for each draw: shape (S, K, K)."""
    n_draws, n_components = log_constants.shape
    out = np.zeros((n_draws, n_components, n_components))
    for s in range(n_draws):
        shares = responsibilities(values, log_constants[s], means[s], factors[s])
        for i in range(values.shape[0]):
            for k in range(n_components):
                out[s, k, labels[i]] += shares[i, k]
    return out


@_jit
def draws_responsibilities(values, log_constants, means, factors):
    """Mean over draws of r_ik and of its square, two arrays of shape (n, K)."""
    first = np.zeros((values.shape[0], means.shape[1]))
    second = np.zeros((values.shape[0], means.shape[1]))
    for s in range(means.shape[0]):
        shares = responsibilities(values, log_constants[s], means[s], factors[s])
        first += shares
        second += shares * shares
    return first / means.shape[0], second / means.shape[0]


@_jit
def draws_filled(values, log_constants, means, factors):
    """Expected number of components that some row comes from, sum_k {1 - prod_i (1 - r_ik)}, shape (S,)."""
    n_draws, n_components = log_constants.shape
    out = np.zeros(n_draws)
    for s in range(n_draws):
        shares = responsibilities(values, log_constants[s], means[s], factors[s])
        for k in range(n_components):
            nobody = 1.0
            for i in range(values.shape[0]):
                nobody *= 1.0 - shares[i, k]
            out[s] += 1.0 - nobody
    return out


def log_constants(log_weights: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """log w_k + log |P_k|^(1/2) - (d/2) log 2 pi for log weights (..., K) and factors (..., K, d[, d])."""
    n_features = factors.shape[-1]
    diagonal = factors if factors.ndim == log_weights.ndim + 1 else np.diagonal(factors, axis1=-2, axis2=-1)
    constants: NDArray[Any] = log_weights + np.log(diagonal).sum(-1) - 0.5 * n_features * LOG_2PI
    return constants
