"""Densities and responsibilities of rows."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.block import BLOCK, joint_log_densities, load_rows, log_densities, normalise, transposed, workspace
from bayesgmm.kernels.compilation import jit

LOG_2PI = math.log(2.0 * math.pi)


@jit
def log_density(values, log_constants, means, factors):
    """log p(x_i), shape (n,)."""
    x, joint, _, norms, diff, _ = workspace(factors)
    transposes, out = transposed(factors), np.empty(values.shape[0])
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        load_rows(values, start, size, x)
        joint_log_densities(x, size, log_constants, means, transposes, diff, joint)
        normalise(joint, size, norms)
        out[start : start + size] = log_densities(norms, size)
    return out


@jit
def responsibilities(values, log_constants, means, factors):
    """P(component k | x_i), shape (n, K)."""
    x, joint, _, norms, diff, _ = workspace(factors)
    transposes, out = transposed(factors), np.empty((values.shape[0], means.shape[0]))
    for start in range(0, values.shape[0], BLOCK):
        size = min(BLOCK, values.shape[0] - start)
        load_rows(values, start, size, x)
        joint_log_densities(x, size, log_constants, means, transposes, diff, joint)
        normalise(joint, size, norms)
        for b in range(size):
            for k in range(means.shape[0]):
                out[start + b, k] = joint[k, b]
    return out


@jit
def component_constants(weights, factors):
    """:func:`log_constants` of the components of one mixture from their weights (K,); minus infinity where one is 0."""
    out = np.empty(len(weights))
    for k in range(len(weights)):
        out[k] = math.log(weights[k]) - 0.5 * factors.shape[1] * LOG_2PI
        for j in range(factors.shape[1]):
            out[k] += math.log(factors[k, j] if factors.ndim == 2 else factors[k, j, j])
    return out


def log_constants(log_weights: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """log w_k + log |P_k|^(1/2) - (d/2) log 2 pi for log weights (..., K) and factors (..., K, d[, d])."""
    n_features = factors.shape[-1]
    diagonal = factors if factors.ndim == log_weights.ndim + 1 else np.diagonal(factors, axis1=-2, axis2=-1)
    constants: NDArray[Any] = log_weights + np.log(diagonal).sum(-1) - 0.5 * n_features * LOG_2PI
    return constants
