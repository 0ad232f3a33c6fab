"""Full conditional draws of a Gibbs sweep, in Numba: weights, means, precisions and the prior's nuisance variables.

Precisions are held as factors L with P = L L': lower triangular (K, d, d), or for diagonal structures the roots of the diagonal
(K, d), which the compiler tells apart by their rank. Shared precisions are repeated K times, spherical ones d times.
"""

import math
from pathlib import Path

import numpy as np

from bayesgmm.kernels.compilation import compiler

jit = compiler(Path(__file__).parent)


@jit
def draw_weights(rng, concentration, counts, weights):
    """Dirichlet(e + n)."""
    total = 0.0
    for k in range(len(weights)):
        weights[k] = rng.standard_gamma(concentration[k] + counts[k])
        total += weights[k]
    for k in range(len(weights)):
        weights[k] = max(weights[k] / total, 1e-300)


@jit
def draw_independent_means(rng, location, prior_precision, counts, differences, factors, means):
    """N(location + Q^-1 P s, Q^-1) with Q = n P + prior precision and s the sum of x - location."""
    n_components, d = means.shape
    if factors.ndim == 2:
        for k in range(n_components):
            for j in range(d):
                precision = factors[k, j] ** 2
                total = counts[k] * precision + prior_precision[j]
                shift = precision * differences[k, j] / total
                means[k, j] = location[j] + shift + rng.standard_normal() / math.sqrt(total)
        return
    total, pulled, whitened = np.empty((d, d)), np.empty(d), np.empty(d)
    for k in range(n_components):
        for j in range(d):
            whitened[j] = 0.0
            for m in range(j, d):
                whitened[j] += factors[k, m, j] * differences[k, m]
        for i in range(d):
            pulled[i] = 0.0
            for m in range(i + 1):
                pulled[i] += factors[k, i, m] * whitened[m]
            for j in range(i + 1):
                total[i, j] = 0.0
                for m in range(j + 1):
                    total[i, j] += counts[k] * factors[k, i, m] * factors[k, j, m]
            total[i, i] += prior_precision[i]
        cholesky(total)
        for i in range(d):  # total = R R': R y = pulled, then R' x = y + z
            for m in range(i):
                pulled[i] -= total[i, m] * pulled[m]
            pulled[i] /= total[i, i]
        for i in range(d):
            pulled[i] += rng.standard_normal()
        solve_transposed(total, pulled)
        for j in range(d):
            means[k, j] = location[j] + pulled[j]


@jit
def draw_conjugate_means(rng, location, kappa, counts, differences, factors, means):
    """N(location + s / (n + kappa), ((n + kappa) P)^-1)."""
    n_components, d = means.shape
    noise = np.empty(d)
    for k in range(n_components):
        total = counts[k] + kappa
        for j in range(d):
            noise[j] = rng.standard_normal()
        if factors.ndim == 2:
            for j in range(d):
                noise[j] /= factors[k, j]
        else:
            solve_transposed(factors[k], noise)
        for j in range(d):
            means[k, j] = location[j] + differences[k, j] / total + noise[j] / math.sqrt(total)


@jit
def draw_precisions(rng, concentration, rates, shared, spherical, counts, scatter, factors):
    """W(c + n / 2, C + S / 2) for each component, or for all together where precisions are shared.

    ``scatter`` is about the means; it is overwritten.
    """
    n_components, d = factors.shape[:2]
    for k in range(1, n_components if shared else 0):
        scatter[0] += scatter[k]
    total = counts.sum()
    for k in range(1 if shared else n_components):
        n = total if shared else counts[k]
        if factors.ndim == 3:
            scatter[k] = rates[k] + 0.5 * scatter[k]
            draw_wishart_factor(rng, concentration + 0.5 * n, scatter[k], factors[k])
        elif spherical:
            squares = 0.0
            for j in range(d):
                squares += scatter[k, j]
            entry = math.sqrt(rng.standard_gamma(concentration + 0.5 * n * d) / (rates[k, 0] + 0.5 * squares))
            for j in range(d):
                factors[k, j] = entry
        else:
            for j in range(d):
                gamma = rng.standard_gamma(concentration + 0.5 * n)
                factors[k, j] = math.sqrt(gamma / (rates[k, j] + 0.5 * scatter[k, j]))
    for k in range(1, n_components if shared else 0):
        factors[k] = factors[0]


@jit
def draw_wishart_factor(rng, concentration, rate, factor):
    """Lower triangular L with L L' ~ W(c, C); C is overwritten.

    With C = U U', U upper triangular, and A Bartlett's lower triangular factor of W(c, I), L = U^-T A is lower triangular.
    """
    d = len(rate)
    for j in range(d - 1, -1, -1):
        for m in range(j + 1, d):
            rate[j, j] -= rate[j, m] ** 2
        rate[j, j] = math.sqrt(rate[j, j])
        for i in range(j):
            for m in range(j + 1, d):
                rate[i, j] -= rate[i, m] * rate[j, m]
            rate[i, j] /= rate[j, j]
    for i in range(d):
        factor[i, i] = math.sqrt(rng.standard_gamma(concentration - 0.5 * i))
        for j in range(i):
            factor[i, j] = math.sqrt(0.5) * rng.standard_normal()
        for j in range(i + 1, d):
            factor[i, j] = 0.0
    for j in range(d):
        for i in range(j, d):
            for m in range(j, i):
                factor[i, j] -= rate[m, i] * factor[m, j]
            factor[i, j] /= rate[i, i]


@jit
def draw_common_rate(rng, concentration, rate_concentration, rate_rate, shared, spherical, factors, rates):
    """The rate C0 of the hierarchical prior, W(g0 + G c0, G0 + sum P), into each place of ``rates``."""
    n_components, d = factors.shape[:2]
    n_distinct = 1 if shared else n_components
    shape = rate_concentration + n_distinct * concentration
    total = rate_rate.copy()
    if factors.ndim == 3:
        for k in range(n_distinct):
            for i in range(d):
                for j in range(d):
                    for m in range(min(i, j) + 1):
                        total[i, j] += factors[k, i, m] * factors[k, j, m]
        root = np.empty((d, d))
        draw_wishart_factor(rng, shape, total, root)
        rates[0] = 0.0
        for i in range(d):
            for j in range(d):
                for m in range(min(i, j) + 1):
                    rates[0, i, j] += root[i, m] * root[j, m]
    else:
        for j in range(1 if spherical else d):
            for k in range(n_distinct):
                total[j] += factors[k, j] ** 2
            rates[0, j] = rng.standard_gamma(shape) / total[j]
        for j in range(1, d if spherical else 0):
            rates[0, j] = rates[0, 0]
    for k in range(1, n_components):
        rates[k] = rates[0]


@jit
def draw_mixing_rates(rng, concentration, nu, mixing_rate, shared, spherical, factors, mixing, rates):
    """The mixing rates b of the half-t prior, Gamma(1/2 + c, 1/A^2 + nu P_jj), and the rates nu diag(b) that they make."""
    n_components, d = factors.shape[:2]
    for k in range(1 if shared else n_components):
        for j in range(1 if spherical else d):
            precision = 0.0
            if factors.ndim == 3:
                for m in range(j + 1):
                    precision += factors[k, j, m] ** 2
            else:
                precision = factors[k, j] ** 2
            mixing[k, j] = rng.standard_gamma(0.5 + concentration) / (mixing_rate[j] + nu * precision)
        for j in range(1, d if spherical else 0):
            mixing[k, j] = mixing[k, 0]
    for k in range(n_components):
        if shared:
            mixing[k] = mixing[0]
        for j in range(d):
            if rates.ndim == 3:
                rates[k, j, j] = nu * mixing[k, j]
            else:
                rates[k, j] = nu * mixing[k, j]


@jit
def draw_free_mixing_rates(rng, nu, mixing_rate, spherical, mixing, rates):
    """The mixing rates of components without precisions, Gamma(1/2, 1/A^2), and the rates that they make."""
    d = mixing.shape[1]
    for k in range(len(mixing)):
        for j in range(d):
            mixing[k, j] = mixing[k, 0] if spherical and j > 0 else rng.standard_gamma(0.5) / mixing_rate[j]
            if rates.ndim == 3:
                rates[k, j, j] = nu * mixing[k, j]
            else:
                rates[k, j] = nu * mixing[k, j]


@jit
def cholesky(matrix):
    """The lower triangle of a positive definite matrix becomes its Cholesky factor."""
    for j in range(len(matrix)):
        for m in range(j):
            matrix[j, j] -= matrix[j, m] ** 2
        matrix[j, j] = math.sqrt(matrix[j, j])
        for i in range(j + 1, len(matrix)):
            for m in range(j):
                matrix[i, j] -= matrix[i, m] * matrix[j, m]
            matrix[i, j] /= matrix[j, j]


@jit
def solve_transposed(factor, vector):
    """``vector`` becomes R^-T vector for lower triangular R."""
    d = len(vector)
    for i in range(d - 1, -1, -1):
        for m in range(i + 1, d):
            vector[i] -= factor[m, i] * vector[m]
        vector[i] /= factor[i, i]
