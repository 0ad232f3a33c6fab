"""The same at many draws of the parameters, which have a leading axis of draws."""

import numpy as np

from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.densities import log_density, responsibilities


@jit
def draws_log_density(values, log_constants, means, factors):
    """log p(x_i | draw s), shape (S, n)."""
    out = np.empty((means.shape[0], values.shape[0]))
    for s in range(means.shape[0]):
        out[s] = log_density(values, log_constants[s], means[s], factors[s])
    return out


@jit
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


@jit
def draws_responsibilities(values, log_constants, means, factors):
    """Mean over draws of r_ik and of its square, two arrays of shape (n, K)."""
    first = np.zeros((values.shape[0], means.shape[1]))
    second = np.zeros((values.shape[0], means.shape[1]))
    for s in range(means.shape[0]):
        shares = responsibilities(values, log_constants[s], means[s], factors[s])
        first += shares
        second += shares * shares
    return first / means.shape[0], second / means.shape[0]


@jit
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
