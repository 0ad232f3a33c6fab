"""Triangular factors of small matrices, in loops: where matrices are small, calls of a library take longer than the work."""

import math

import numpy as np

from bayesgmm.kernels.compilation import jit


@jit
def factored(matrix):
    """Cholesky's factor in place, its upper triangle left alone; whether there is one."""
    d = matrix.shape[0]
    for j in range(d):
        for m in range(j):
            matrix[j, j] -= matrix[j, m] ** 2
        if not matrix[j, j] > 0.0:
            return False
        matrix[j, j] = math.sqrt(matrix[j, j])
        for i in range(j + 1, d):
            for m in range(j):
                matrix[i, j] -= matrix[i, m] * matrix[j, m]
            matrix[i, j] /= matrix[j, j]
    return True


@jit
def divided(root, columns):
    """Solve ``root y = column`` in place, for each column."""
    for c in range(columns.shape[1]):
        for i in range(columns.shape[0]):
            for m in range(i):
                columns[i, c] -= root[i, m] * columns[m, c]
            columns[i, c] /= root[i, i]


@jit
def precision_factors(matrices):
    """Lower triangular L with inverse L L' of each matrix (K, d, d), after whether all are positive definite; else NaN.

    From the upper triangular U with U U' the matrix, built from its last column on, and L the transposed inverse of U.
    """
    n_parts, d = matrices.shape[0], matrices.shape[1]
    out, upper, whole = np.zeros(matrices.shape), np.empty((d, d)), True
    for k in range(n_parts):
        for j in range(d - 1, -1, -1):
            square = matrices[k, j, j]
            for m in range(j + 1, d):
                square -= upper[j, m] ** 2
            if not square > 0.0:
                out[k], whole = np.nan, False
                break
            upper[j, j] = math.sqrt(square)
            for i in range(j):
                entry = matrices[k, i, j]
                for m in range(j + 1, d):
                    entry -= upper[i, m] * upper[j, m]
                upper[i, j] = entry / upper[j, j]
        else:
            for j in range(d):
                out[k, j, j] = 1.0 / upper[j, j]
                for i in range(j - 1, -1, -1):
                    entry = 0.0
                    for m in range(i + 1, j + 1):
                        entry += upper[i, m] * out[k, j, m]
                    out[k, j, i] = -entry / upper[i, i]
    return whole, out
