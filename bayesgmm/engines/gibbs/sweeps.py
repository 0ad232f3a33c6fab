"""Gibbs sweeps of one chain, in Numba: allocations by the pass over the data, then each block of parameters in turn."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.engines.gibbs import conditionals
from bayesgmm.engines.gibbs.conditionals import jit
from bayesgmm.kernels.compilation import inlined

type Array = NDArray[np.float64]

FIXED, COMMON, MIXING = 0, 1, 2  # the rate of the precisions: given, one random one (hierarchical), or mixed (half-t)


class Laws(NamedTuple):
    """The prior in numbers; matrices are (d, d), or (d,) for diagonal structures.

    Attributes
    ----------
    weights : ndarray of shape (K,)
        Dirichlet concentrations.
    location : ndarray of shape (d,)
        Of the means.
    means_precision : ndarray of shape (d,)
        Of independent means.
    kappa : float
        Rows that conjugate means count for; 0 for independent ones.
    concentration : float
        c of the precisions.
    rate_kind : int
        FIXED, COMMON or MIXING.
    rate_concentration : float
        g0 of a common rate; nu of a mixed one.
    rate_rate : ndarray
        G0 of a common rate.
    mixing_rate : ndarray of shape (d,)
        1 / A^2 of a mixed one.
    shared : bool
        One precision for all components.
    spherical : bool
        One entry for all features.
    switch : bool
        Whether components change places at random after each sweep.
    """

    weights: Array
    location: Array
    means_precision: Array
    kappa: float
    concentration: float
    rate_kind: int
    rate_concentration: float
    rate_rate: Array
    mixing_rate: Array
    shared: bool
    spherical: bool
    switch: bool


class State(NamedTuple):
    """Where a chain is, or a stack of draws with a leading axis, which have no more factors, rates and mixing than differ.

    Attributes
    ----------
    weights : ndarray of shape (K,)
    means : ndarray of shape (K, d)
    factors : ndarray of shape (K, d, d) or (K, d)
        L with P = L L', lower triangular, or the roots of the diagonal.
    rates : ndarray of the shape of factors
        C of each precision.
    mixing : ndarray of shape (K, d)
        Mixing rates of the half-t prior.
    """

    weights: Array
    means: Array
    factors: Array
    rates: Array
    mixing: Array


def room_for(laws: Laws, state: State, *axes: int) -> State:
    """Room for draws like a state, with these axes in front."""
    k = len(state.weights)
    distinct = 1 if laws.shared else k
    lengths = (k, k, distinct, 1 if laws.rate_kind == COMMON else 0, distinct if laws.rate_kind == MIXING else 0)
    return State(*(np.empty((*axes, length, *part.shape[1:])) for part, length in zip(state, lengths, strict=True)))


def _begin(state, rng, log_constants):
    """What a sweep's pass over the rows needs beside the state: it fills the log constants and returns the key of its stream."""
    find_log_constants(state.weights, state.factors, log_constants)
    return rng.integers(0, 2**62)


def _finish(rng, laws, counts, sums, scatter, permutation, state):
    """All parameters given the statistics of sampled allocations, which are overwritten as the state is."""
    conditionals.draw_weights(rng, laws.weights, counts, state.weights)
    draw_components(rng, laws, counts, sums, scatter, state)
    if laws.switch:
        _switch(rng, permutation, state)


def _keep(draws, s, state):
    """The state becomes draw s."""
    draws.weights[s], draws.means[s] = state.weights, state.means
    draws.factors[s] = state.factors[: draws.factors.shape[1]]
    draws.rates[s], draws.mixing[s] = state.rates[: draws.rates.shape[1]], state.mixing[: draws.mixing.shape[1]]


begin, finish, keep = map(jit, (_begin, _finish, _keep))  # for Python
_begin_here, _finish_here, _keep_here = map(inlined, (_begin, _finish, _keep))  # parts of a run: compiled once, not at each level


@jit
def run(values, laws, state, rng, n_sweeps, draws, log_likelihoods, first, thin):
    """Make sweeps, the first of them number ``first``, from ``state``, which is overwritten; each ``thin``-th is a draw.

    ``log_likelihoods[s]`` is that of draw s, which the pass of the sweep after it meets; where it is empty nothing is kept.
    """
    n_components = len(state.weights)
    log_constants, permutation = np.empty(n_components), np.empty(n_components, dtype=np.int64)
    for sweep in range(first, first + n_sweeps):
        key = _begin_here(state, rng, log_constants)
        log_likelihood, counts, sums, scatter, _ = kernels.sampled_statistics(
            values, key, log_constants, state.means, state.factors
        )
        if len(log_likelihoods) and sweep > 0 and sweep % thin == 0:
            log_likelihoods[sweep // thin - 1] = log_likelihood
        _finish_here(rng, laws, counts, sums, scatter, permutation, state)
        if len(log_likelihoods) and (sweep + 1) % thin == 0:
            _keep_here(draws, sweep // thin, state)


@jit
def find_log_constants(weights, factors, log_constants):
    """log w_k + log |P_k|^(1/2) - (d/2) log 2 pi; the rank of factors tells diagonal from full."""
    d = factors.shape[1]
    for k in range(len(weights)):
        log_constants[k] = math.log(weights[k]) - 0.5 * d * kernels.LOG_2PI
        for j in range(d):
            if factors.ndim == 2:
                log_constants[k] += math.log(factors[k, j])
            else:
                log_constants[k] += math.log(factors[k, j, j])


@inlined
def draw_components(rng, laws, counts, sums, scatter, state):
    """Means, precisions and nuisance variables given statistics about the present means, which are overwritten."""
    n_components, d = state.means.shape
    before = state.means.copy()
    differences = np.empty((n_components, d))
    for k in range(n_components):
        for j in range(d):
            differences[k, j] = sums[k, j] + counts[k] * (before[k, j] - laws.location[j])
    if laws.kappa > 0:
        conditionals.draw_conjugate_means(rng, laws.location, laws.kappa, counts, differences, state.factors, state.means)
    else:
        conditionals.draw_independent_means(
            rng, laws.location, laws.means_precision, counts, differences, state.factors, state.means
        )
    _recentre(counts, sums, scatter, before, state.means)
    if laws.kappa > 0:
        _add_row(laws.kappa, laws.location, state.means, counts, scatter)
    conditionals.draw_precisions(
        rng, laws.concentration, state.rates, laws.shared, laws.spherical, counts, scatter, state.factors
    )
    if laws.rate_kind == COMMON:
        conditionals.draw_common_rate(
            rng,
            laws.concentration,
            laws.rate_concentration,
            laws.rate_rate,
            laws.shared,
            laws.spherical,
            state.factors,
            state.rates,
        )
    elif laws.rate_kind == MIXING:
        conditionals.draw_mixing_rates(
            rng,
            laws.concentration,
            laws.rate_concentration,
            laws.mixing_rate,
            laws.shared,
            laws.spherical,
            state.factors,
            state.mixing,
            state.rates,
        )


@jit
def _recentre(counts, sums, scatter, before, means):
    """Scatter about the means, from scatter about where they were before."""
    n_components, d = means.shape
    for k in range(n_components):
        for i in range(d):
            shift = before[k, i] - means[k, i]
            if scatter.ndim == 2:
                scatter[k, i] += shift * (2.0 * sums[k, i] + counts[k] * shift)
            else:
                for j in range(d):
                    other = before[k, j] - means[k, j]
                    scatter[k, i, j] += shift * sums[k, j] + sums[k, i] * other + counts[k] * shift * other


@jit
def _add_row(kappa, location, means, counts, scatter):
    """What conjugate means say about the precisions: one row each, kappa (mu - m0)(mu - m0)'."""
    n_components, d = means.shape
    for k in range(n_components):
        counts[k] += 1.0
        for i in range(d):
            if scatter.ndim == 2:
                scatter[k, i] += kappa * (means[k, i] - location[i]) ** 2
            else:
                for j in range(d):
                    scatter[k, i, j] += kappa * (means[k, i] - location[i]) * (means[k, j] - location[j])


@jit
def _switch(rng, permutation, state):
    """Components change places, every order being equally likely (Fisher and Yates)."""
    n_components = len(permutation)
    for k in range(n_components):
        permutation[k] = k
    for k in range(n_components - 1, 0, -1):
        other = int(rng.random() * (k + 1))
        permutation[k], permutation[other] = permutation[other], permutation[k]
    # In a loop, for indexing by an array takes longer to compile.
    weights, means, factors = state.weights.copy(), state.means.copy(), state.factors.copy()
    rates, mixing = state.rates.copy(), state.mixing.copy()
    for k in range(n_components):
        other = permutation[k]
        state.weights[k], state.means[k], state.factors[k] = weights[other], means[other], factors[other]
        state.rates[k], state.mixing[k] = rates[other], mixing[other]
