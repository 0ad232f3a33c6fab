"""Densities, responsibilities and allocations of rows at many draws of the parameters, which have a leading axis of draws."""

import numpy as np

from bayesgmm.kernels.block import BLOCK, joint_log_densities, load_rows, sample, transposed, workspace
from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.densities import log_density, responsibilities

ROWS = 64 * BLOCK  # whose shares are held at a time


@jit
def draws_log_density(values, log_constants, means, factors):
    """log p(x_i | draw s), shape (S, n)."""
    out = np.empty((means.shape[0], values.shape[0]))
    for s in range(means.shape[0]):
        out[s] = log_density(values, log_constants[s], means[s], factors[s])
    return out


@jit
def draws_shares(values, log_constants, means, factors):
    """P(component k | x_i, draw s), shape (S, n, K)."""
    out = np.empty((means.shape[0], values.shape[0], means.shape[1]))
    for s in range(means.shape[0]):
        out[s] = responsibilities(values, log_constants[s], means[s], factors[s])
    return out


@jit
def draws_allocations(values, log_constants, means, factors, keys):
    """A component drawn for each row at each draw, by the stream of the draw's key and the row's number: shape (S, n)."""
    n_draws, n = means.shape[0], values.shape[0]
    out = np.empty((n_draws, n), np.int32)
    for s in range(n_draws):
        x, joint, v, norms, diff, _ = workspace(factors[s])
        transposes, drawn = transposed(factors[s]), np.empty_like(v)
        for start in range(0, n, BLOCK):
            size = min(BLOCK, n - start)
            load_rows(values, start, size, x)
            joint_log_densities(x, size, log_constants[s], means[s], transposes, diff, joint)
            sample(joint, size, np.uint64(keys[s]), start, norms, drawn)
            for b in range(size):
                out[s, start + b] = np.int32(drawn[0, b])
    return out


@jit
def draws_agreement(values, log_constants, means, factors, table):
    """sum over the rows of r_ik T_ig for a table (n, G), for each draw: shape (S, K, G)."""
    n_draws, n_components = log_constants.shape
    out = np.zeros((n_draws, n_components, table.shape[1]))
    for s in range(n_draws):
        for first in range(0, values.shape[0], ROWS):
            shares = responsibilities(values[first : first + ROWS], log_constants[s], means[s], factors[s])
            for i in range(shares.shape[0]):
                for k in range(n_components):
                    for g in range(table.shape[1]):
                        out[s, k, g] += shares[i, k] * table[first + i, g]
    return out


@jit
def draws_responsibilities(values, log_constants, means, factors):
    """Sums over draws of r_ik, of its square, and of the draws in which k is the likeliest, of shape (3, n, K)."""
    out = np.zeros((3, values.shape[0], means.shape[1]))
    for s in range(means.shape[0]):
        shares = responsibilities(values, log_constants[s], means[s], factors[s])
        out[0] += shares
        out[1] += shares * shares
        for i in range(values.shape[0]):
            out[2, i, np.argmax(shares[i])] += 1.0
    return out


@jit
def draws_filled(values, log_constants, means, factors):
    """Expected number of components that some row comes from, sum_k {1 - prod_i (1 - r_ik)}, shape (S,)."""
    n_draws, n_components = log_constants.shape
    out = np.zeros(n_draws)
    for s in range(n_draws):
        nobody, first = np.ones(n_components), 0
        while first < values.shape[0] and nobody.max() > 0.0:  # most rows of large data come too late to say anything
            shares = responsibilities(values[first : first + ROWS], log_constants[s], means[s], factors[s])
            for k in range(n_components):
                for i in range(shares.shape[0]):
                    nobody[k] *= 1.0 - shares[i, k]
            first += ROWS
        for k in range(n_components):
            out[s] += 1.0 - nobody[k]
    return out
