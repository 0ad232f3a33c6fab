"""Telescoping sweeps of one chain, in Numba: a Gibbs sweep of the filled components, then how many components there are.

The state has places for as many components as there may be. Those in use stand in front, the filled ones of them first.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.engines.gibbs import conditionals
from bayesgmm.engines.gibbs.sweeps import COMMON, MIXING, State, draw_components, find_log_constants
from bayesgmm.kernels.compilation import compiler, inlined

type Array = NDArray[np.float64]

HERE = Path(__file__).parent
jit = compiler(HERE, HERE.parent / "gibbs")

STEP = 1.5  # of the slice sampler, in logarithms of the concentration
MOST_STEPS = 20


class Number(NamedTuple):
    """The priors on the number of components and on the concentration, in numbers.

    Attributes
    ----------
    log_probabilities : ndarray of shape (largest,)
        Of K = 1, 2, ...
    log_factorials : ndarray of shape (largest + 1,)
    powers : ndarray of shape (4,)
        (p, s, q, r) of the density of the concentration, proportional to x^p e^(-s x) (1 + r x)^(-q).
    is_random : bool
        Whether the concentration is drawn.
    is_dynamic : bool
        Whether it is shared out among the components.
    """

    log_probabilities: Array
    log_factorials: Array
    powers: Array
    is_random: bool
    is_dynamic: bool


class Counters(NamedTuple):
    """What else a chain carries on, or a stack of what draws had.

    Attributes
    ----------
    n_components, n_filled : ndarray of int64, shape (1,) or (n_draws,)
        K and K+.
    concentration : ndarray of shape (1,) or (n_draws,)
        gamma, or alpha.
    """

    n_components: NDArray[np.int64]
    n_filled: NDArray[np.int64]
    concentration: Array


@jit
def run(values, laws, number, state, counters, rng, draws, drawn, log_likelihoods, thin):
    """Make ``thin`` sweeps for each draw, from ``state`` and ``counters``, which are overwritten; then fill in the draws."""
    log_constants = np.empty(len(state.weights))
    masses, order = np.empty(len(state.weights)), np.empty(len(state.weights), dtype=np.int64)
    for s in range(len(drawn.n_components)):
        for _ in range(thin):
            _sweep(values, laws, number, state, counters, rng, log_constants, masses, order)
        k = counters.n_components[0]
        used = _first(state, k)
        find_log_constants(used.weights, used.factors, log_constants)
        log_likelihoods[s] = kernels.log_density(values, log_constants[:k], used.means, used.factors).sum()
        drawn.n_components[s], drawn.n_filled[s] = k, counters.n_filled[0]
        drawn.concentration[s] = counters.concentration[0]
        draws.weights[s, :k], draws.means[s, :k], draws.factors[s, :k] = state.weights[:k], state.means[:k], state.factors[:k]
        draws.rates[s] = state.rates[: draws.rates.shape[1]]
        if draws.mixing.shape[1]:
            draws.mixing[s, :k] = state.mixing[:k]


@inlined
def _sweep(values, laws, number, state, counters, rng, log_constants, masses, order):
    """Steps 1 to 4 of algorithm 1 of Fruehwirth-Schnatter, Malsiner-Walli and Gruen (2021)."""
    used = _first(state, counters.n_components[0])
    find_log_constants(used.weights, used.factors, log_constants)
    key = rng.integers(0, 2**62)
    _, counts, sums, scatter, _ = kernels.sampled_statistics(
        values, key, log_constants[: len(used.weights)], used.means, used.factors
    )
    f = _filled_first(order, counts, sums, scatter, used)
    draw_components(rng, laws, counts[:f].copy(), sums[:f], scatter[:f], _first(state, f))
    k = draw_number(rng, number, counters.concentration[0], counts[:f], masses)
    if number.is_random:
        counters.concentration[0] = draw_concentration(rng, number, counters.concentration[0], counts[:f], k)
    counters.n_components[0], counters.n_filled[0] = k, f
    _draw_empty(rng, laws, state, f, k)
    each = _each(number, counters.concentration[0], k)
    all_counts = np.zeros(k)
    all_counts[:f] = counts[:f]
    conditionals.draw_weights(rng, np.full(k, each), all_counts, state.weights[:k])


@jit
def _first(state, k):
    """The first k components."""
    return State(state.weights[:k], state.means[:k], state.factors[:k], state.rates[:k], state.mixing[:k])


@jit
def _each(number, concentration, k):
    """The Dirichlet parameter of each of k weights."""
    return concentration / k if number.is_dynamic else concentration


@jit
def _filled_first(order, counts, sums, scatter, state):
    """Move components without rows behind the others, and their statistics with them; how many the others are."""
    n_components, f = len(counts), 0
    for k in range(n_components):
        if counts[k] > 0:
            order[f] = k
            f += 1
    for place in range(f):  # each comes from further back, so that nothing is overwritten before it has moved
        k = order[place]
        if k > place:
            counts[place], sums[place], scatter[place] = counts[k], sums[k], scatter[k]
            state.means[place], state.factors[place] = state.means[k], state.factors[k]
            state.rates[place], state.mixing[place] = state.rates[k], state.mixing[k]
    return f


@jit
def draw_number(rng, number, concentration, counts, masses):
    """K given the partition: p(K) K! / (K - K+)! Gamma(K e) / Gamma(n + K e) prod Gamma(n_k + e) / Gamma(e), e = e(K)."""
    f, n = len(counts), counts.sum()
    largest, most = len(number.log_probabilities), -math.inf
    for k in range(f, largest + 1):
        mass = number.log_probabilities[k - 1] + number.log_factorials[k] - number.log_factorials[k - f]
        if mass > -math.inf:
            mass += _log_partition(number, concentration, counts, n, k)
        masses[k - 1] = mass
        most = max(most, mass)
    total = 0.0
    for k in range(f, largest + 1):
        masses[k - 1] = math.exp(masses[k - 1] - most)
        total += masses[k - 1]
    threshold = rng.random() * total
    for k in range(f, largest):
        threshold -= masses[k - 1]
        if threshold < 0:
            return k
    return largest


@jit
def _log_partition(number, concentration, counts, n, k):
    """Log probability of an allocation of n rows to K components with these counts, given K; constants in K where static."""
    each = _each(number, concentration, k)
    log_probability = math.lgamma(k * each) - math.lgamma(n + k * each)
    if number.is_dynamic or number.is_random:
        for count in counts:
            log_probability += math.lgamma(count + each)
        log_probability -= len(counts) * math.lgamma(each)
    return log_probability


@jit
def draw_concentration(rng, number, concentration, counts, k):
    """A slice sampling step of the logarithm of the concentration given the partition and K (Neal 2003)."""
    n, here = counts.sum(), math.log(concentration)
    height = _log_target(number, here, counts, n, k) - rng.standard_exponential()
    low = here - STEP * rng.random()
    high = low + STEP
    for _ in range(MOST_STEPS):
        if _log_target(number, low, counts, n, k) < height:
            break
        low -= STEP
    for _ in range(MOST_STEPS):
        if _log_target(number, high, counts, n, k) < height:
            break
        high += STEP
    while True:
        there = low + (high - low) * rng.random()
        if _log_target(number, there, counts, n, k) >= height:
            return math.exp(there)
        if there < here:
            low = there
        else:
            high = there


@jit
def _log_target(number, log_concentration, counts, n, k):
    """Log density of the logarithm of the concentration, up to a constant."""
    x = math.exp(log_concentration)
    p, s, q, r = number.powers
    return (p + 1) * log_concentration - s * x - q * math.log1p(r * x) + _log_partition(number, x, counts, n, k)


@jit
def _draw_empty(rng, laws, state, f, k):
    """Components f up to k from their prior, given what they share with the filled ones."""
    if f == k:
        return
    d = state.means.shape[1]
    empty = State(state.weights[f:k], state.means[f:k], state.factors[f:k], state.rates[f:k], state.mixing[f:k])
    if laws.rate_kind == COMMON:
        for m in range(k - f):
            empty.rates[m] = state.rates[0]
    if laws.shared:
        for m in range(k - f):
            empty.factors[m], empty.rates[m], empty.mixing[m] = state.factors[0], state.rates[0], state.mixing[0]
    else:
        if laws.rate_kind == MIXING:
            conditionals.draw_free_mixing_rates(
                rng, laws.rate_concentration, laws.mixing_rate, laws.spherical, empty.mixing, empty.rates
            )
        nobody = np.zeros(k - f)
        conditionals.draw_precisions(
            rng, laws.concentration, empty.rates, False, laws.spherical, nobody, np.zeros(empty.factors.shape), empty.factors
        )
    nobody, nothing = np.zeros(k - f), np.zeros((k - f, d))
    if laws.kappa > 0:
        conditionals.draw_conjugate_means(rng, laws.location, laws.kappa, nobody, nothing, empty.factors, empty.means)
    else:
        conditionals.draw_independent_means(rng, laws.location, laws.means_precision, nobody, nothing, empty.factors, empty.means)
