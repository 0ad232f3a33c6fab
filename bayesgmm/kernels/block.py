"""What is done with one block of rows: load, whiten, share out, add up.

A block is held feature-major, rows side by side as lanes; where its rows do not fill the last lanes, the last row is repeated and
its copies weigh nothing. Factors come transposed, so that the numbers that multiply lanes lie in order.
"""

import numpy as np

from bayesgmm.kernels.compilation import inlined, jit
from bayesgmm.kernels.exponential import exp, log
from bayesgmm.kernels.lanes import (
    PARTS,
    ROWS,
    add_parts,
    add_products,
    add_rows,
    all_equal,
    fma,
    larger,
    load,
    load_column,
    multiplied,
    spread,
    store,
    uniforms,
    where_less,
)

BLOCK = 512  # rows; a multiple of ROWS
STRIDE = BLOCK + 8  # between features: were it a power of two, all of them would fall into the same few lines of the cache


@jit
def aligned(n_rows, n_columns):
    """An array without values whose first entry begins a line of the cache, as lanes are read a line at a time."""
    raw = np.empty(n_rows * n_columns + 8)
    start = (-raw.ctypes.data // 8) % 8
    return raw[start : start + n_rows * n_columns].reshape(n_rows, n_columns)


@jit
def workspace(factors):
    """Buffers of a block: rows, joint log densities, weights, norms (2 a row); residuals of ROWS rows; sums of one component."""
    n_components, d = factors.shape[0], factors.shape[1]
    n_sums = 1 + 2 * d if factors.ndim == 2 else (d + 1) * (d + 2) // 2
    heights = (d, n_components, 1, 2)
    flat, at = aligned(1, sum(heights) * STRIDE + d * ROWS + n_sums * PARTS)[0], 0  # one array, as small data have many passes
    rows, at = flat[at : at + d * STRIDE].reshape(d, STRIDE), at + d * STRIDE
    joint, at = flat[at : at + n_components * STRIDE].reshape(n_components, STRIDE), at + n_components * STRIDE
    weights, at = flat[at : at + STRIDE].reshape(1, STRIDE), at + STRIDE
    norms, at = flat[at : at + 2 * STRIDE].reshape(2, STRIDE), at + 2 * STRIDE
    residuals, at = flat[at : at + d * ROWS].reshape(d, ROWS), at + d * ROWS
    return rows, joint, weights, norms, residuals, flat[at:].reshape(n_sums, PARTS)


@jit
def transposed(factors):
    """The triangular factors' transposes; diagonals as they are."""
    if factors.ndim == 2:
        return factors.copy()
    out = np.empty(factors.shape)
    for k in range(factors.shape[0]):
        for j in range(factors.shape[1]):
            for i in range(j, factors.shape[1]):
                out[k, j, i] = factors[k, i, j]
    return out


@jit
def load_rows(values, start, size, x):
    """Rows from ``start`` on, feature-major; the last is repeated up to whole lanes."""
    whole, filled = size // PARTS * PARTS, (size + ROWS - 1) // ROWS * ROWS
    for j in range(values.shape[1]):
        for b in range(0, whole, PARTS):
            load_column(values, start + b, j, x, j * STRIDE + b)
        for b in range(whole, filled):
            x[j, b] = values[start + min(b, size - 1), j]


@jit
def load_weights(row_weights, start, size, v):
    """Weights of the rows; nothing for the repeated ones."""
    for b in range(size):
        v[0, b] = row_weights[start + b]
    for b in range(size, (size + ROWS - 1) // ROWS * ROWS):
        v[0, b] = 0.0


@jit
def joint_log_densities(x, size, log_constants, means, transposes, diff, joint):
    """log w_k + log N(x; mu_k, Sigma_k) = c_k - |L' (x - mu)|^2 / 2 into joint (K, block)."""
    for k in range(means.shape[0]):
        if transposes.ndim == 2:
            diagonal_log_density(x, size, k, log_constants, means, transposes, joint)
        else:
            triangular_log_density(x, size, k, log_constants, means, transposes, diff, joint)


@jit
def diagonal_log_density(x, size, k, log_constants, means, scales, joint):
    """The same for one component with independent features."""
    for b in range(0, size, ROWS):
        square = spread(0.0)
        for j in range(means.shape[1]):
            y = (load(x, j * STRIDE + b) - means[k, j]) * scales[k, j]
            square = fma(y, y, square)
        store(joint, k * STRIDE + b, fma(square, -0.5, spread(log_constants[k])))


@jit
def triangular_log_density(x, size, k, log_constants, means, transposes, diff, joint):
    """The same for one component; two entries of L' (x - mu) at a time, so that each residual is loaded half as often."""
    d = means.shape[1]
    for b in range(0, size, ROWS):
        for j in range(d):
            store(diff, j * ROWS, load(x, j * STRIDE + b) - means[k, j])
        square = spread(0.0)
        for j in range(0, d - 1, 2):
            y, z = load(diff, j * ROWS) * transposes[k, j, j], spread(0.0)
            for i in range(j + 1, d):
                residual = load(diff, i * ROWS)
                y = fma(residual, transposes[k, j, i], y)
                z = fma(residual, transposes[k, j + 1, i], z)
            square = fma(z, z, fma(y, y, square))
        if d % 2:
            y = load(diff, (d - 1) * ROWS) * transposes[k, d - 1, d - 1]
            square = fma(y, y, square)
        store(joint, k * STRIDE + b, fma(square, -0.5, spread(log_constants[k])))


@inlined
def exponentials(joint, b):
    """Exponentials of joint log densities less the row's largest, in place; the largest and the exponentials' sum."""
    n_components = joint.shape[0]
    largest = load(joint, b)
    for k in range(1, n_components):
        largest = larger(largest, load(joint, k * STRIDE + b))
    total = spread(0.0)
    for k in range(n_components):
        # Where all are minus infinity, beyond the range of floats, no preference can be told: equal shares.
        share = exp(where_less(-np.inf, largest, load(joint, k * STRIDE + b) - largest, 0.0))
        store(joint, k * STRIDE + b, share)
        total = total + share
    return largest, total


@jit
def normalise(joint, size, norms):
    """Turn joint log densities into responsibilities in place; a row's norms are the m and s with log p(x) = m + log s."""
    for b in range(0, size, ROWS):
        largest, total = exponentials(joint, b)
        store(norms, b, largest)
        store(norms, STRIDE + b, total)
        inverse = 1.0 / total
        for k in range(joint.shape[0]):
            store(joint, k * STRIDE + b, load(joint, k * STRIDE + b) * inverse)


@jit
def sample(joint, size, key, first, norms, allocations):
    """Turn joint log densities into ones and zeros in place, one component drawn a row by inversion; norms as above."""
    n_components = joint.shape[0]
    for b in range(0, size, ROWS):
        largest, total = exponentials(joint, b)
        store(norms, b, largest)
        store(norms, STRIDE + b, total)
        threshold = uniforms(key, first + b) * total
        cumulated, passed, drawn = spread(0.0), spread(0.0), spread(0.0)
        for k in range(n_components):
            cumulated = cumulated + load(joint, k * STRIDE + b)
            above = where_less(threshold, cumulated, 1.0, 0.0 if k < n_components - 1 else 1.0)
            store(joint, k * STRIDE + b, above - passed)
            passed = above
            drawn = drawn + (1.0 - above)
        store(allocations, b, drawn)


@jit
def accumulate(x, size, shares, v, means, diff, sums_of, counts, sums, scatter):
    """Add a block's weighted shares to the statistics about the means; of a scatter matrix the lower triangle."""
    for k in range(means.shape[0]):
        sums_of[:] = 0.0
        if scatter.ndim == 2:
            sum_squares(x, size, k, shares, v, means, sums_of)
        else:
            sum_triangle(x, size, k, shares, v, means, diff, sums_of)
        counts[k] += add_parts(sums_of, 0)
        at = PARTS
        for j in range(means.shape[1]):
            sums[k, j] += add_parts(sums_of, at)
            at += PARTS
            if scatter.ndim == 2:
                scatter[k, j] += add_parts(sums_of, at)
                at += PARTS
            else:
                for i in range(j + 1):
                    scatter[k, j, i] += add_parts(sums_of, at)
                    at += PARTS


@jit
def sum_squares(x, size, k, shares, v, means, sums_of):
    """Add component k's weights w, then for each feature's residual r_j its w r_j and w r_j^2."""
    for b in range(0, size, ROWS):
        weight, at = load(shares, k * STRIDE + b) * load(v, b), PARTS
        add_rows(sums_of, 0, weight)
        for j in range(means.shape[1]):
            residual = load(x, j * STRIDE + b) - means[k, j]
            weighted = weight * residual
            add_rows(sums_of, at, weighted)
            add_products(sums_of, at + PARTS, weighted, residual)
            at += 2 * PARTS


@jit
def sum_triangle(x, size, k, shares, v, means, diff, sums_of):
    """Add component k's weights w, then for each residual r_j its w r_j and all w r_j r_i with i <= j.

    Two j at a time, so that each r_i is loaded half as often.
    """
    d = means.shape[1]
    for b in range(0, size, ROWS):
        weight, at = load(shares, k * STRIDE + b) * load(v, b), PARTS
        add_rows(sums_of, 0, weight)
        for j in range(0, d - 1, 2):
            one, two = load(x, j * STRIDE + b) - means[k, j], load(x, (j + 1) * STRIDE + b) - means[k, j + 1]
            store(diff, j * ROWS, one)
            store(diff, (j + 1) * ROWS, two)
            first, second, below = weight * one, weight * two, at + (j + 2) * PARTS
            add_rows(sums_of, at, first)
            add_rows(sums_of, below, second)
            for i in range(j):
                at, below, residual = at + PARTS, below + PARTS, load(diff, i * ROWS)
                add_products(sums_of, at, first, residual)
                add_products(sums_of, below, second, residual)
            add_products(sums_of, at + PARTS, first, one)
            add_products(sums_of, below + PARTS, second, one)
            add_products(sums_of, below + 2 * PARTS, second, two)
            at = below + 3 * PARTS
        if d % 2:
            residual = load(x, (d - 1) * STRIDE + b) - means[k, d - 1]
            weighted = weight * residual
            add_rows(sums_of, at, weighted)
            for i in range(d - 1):
                at += PARTS
                add_products(sums_of, at, weighted, load(diff, i * ROWS))
            add_products(sums_of, at + PARTS, weighted, residual)


@jit
def log_densities(norms, size):
    """The rows' log densities, in the place of their first norms."""
    for b in range(0, size, ROWS):
        store(norms, b, load(norms, b) + log(load(norms, STRIDE + b)))
    return norms[0, :size]


@jit
def summed_log_density(norms, v, size, sums_of):
    """The weighted sum of a block's log densities; rows of equal weight share a logarithm, that of the product of their sums.

    A sum lies between 1 and K, as its largest term is 1: the product of four is no number that a double cannot hold.
    """
    sums_of[0] = 0.0
    for b in range(0, size, ROWS):
        weight, total = load(v, b), load(norms, STRIDE + b)
        add_products(sums_of, 0, weight, load(norms, b))
        if all_equal(weight):
            add_rows(sums_of, 0, log(multiplied(total)) * v[0, b])
        else:
            add_products(sums_of, 0, weight, log(total))
    return add_parts(sums_of, 0)
