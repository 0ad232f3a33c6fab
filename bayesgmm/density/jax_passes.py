"""The computations of the Ops written for JAX; an Op imports this file, and JAX with it, when JAX compiles the Op.

Each pass takes an Op's inputs and returns its outputs, by the formulas of the Numba function. JAX's samplers do not use the
gradient that PyTensor derives but derive their own: a rule on each pass gives them Fisher's identity as well.
"""

import math

import jax
import jax.numpy as jnp

from bayesgmm import jax_kernels


def one_pass(function):
    """Outputs (terms, derivatives of their weighted sum) whose rule of differentiation are the derivatives themselves.

    The counterpart of ``OnePass.pullback``. JAX shows a rule no more than numbers, among which the cotangent of a sum cannot be
    told from any other: it always takes the role of the weights in a second pass. Of the first pass then only the terms are
    used, and XLA leaves out the rest.
    """

    @jax.custom_vjp
    def differentiable(*inputs):
        return function(*inputs)

    def forward(*inputs):
        if any(x.perturbed for x in inputs[:2]):
            raise NotImplementedError(f"Of {function.__name__} only the parameters have a gradient.")
        inputs = [x.value for x in inputs]
        return function(*inputs), inputs

    def backward(inputs, cotangents):
        if any(not isinstance(x, jax.custom_derivatives.SymbolicZero) for x in cotangents[1:]):
            raise NotImplementedError(f"The derivatives that {function.__name__} returns cannot be differentiated again.")
        condition, weights, *parameters = inputs
        gradients = function(condition, weights * cotangents[0], *parameters)[1:]
        return jnp.zeros_like(condition), jnp.zeros_like(weights), *gradients

    differentiable.defvjp(forward, backward, symbolic_zeros=True)

    def of_arrays(*inputs):
        return differentiable(*(jnp.asarray(x, "float64") for x in inputs))

    return of_arrays


@one_pass
def mixture_pass(values, weights, log_weights, means, factors):
    """See ``MixtureLogDensity``."""
    factors = jnp.tril(factors)
    diagonals = jnp.diagonal(factors, axis1=-2, axis2=-1)
    log_constants = log_weights - 0.5 * means.shape[1] * math.log(2 * math.pi) + jnp.log(diagonals).sum(-1)
    terms, (counts, sums, scatter) = jax_kernels.pointwise_statistics(values, weights, log_constants, means, factors)
    d_means = jnp.einsum("kim,kjm,kj->ki", factors, factors, sums)
    d_factors = _diagonal_matrices(counts[:, None] / diagonals) - jnp.tril(scatter @ factors)
    return terms, counts, d_means, d_factors


@one_pass
def wishart_pass(concentration, weights, factors, rate_factors):
    """See ``WishartKernel``."""
    n, d = factors.shape[:2]
    weights, factors, rate_factors = jnp.broadcast_to(weights, (n,)), jnp.tril(factors), jnp.tril(rate_factors)
    diagonals, rate_diagonals = (jnp.diagonal(x, axis1=-2, axis2=-1) for x in (factors, rate_factors))
    power, rate_power = 2.0 * concentration - d - 1.0, 2.0 * concentration
    products = rate_factors.mT @ factors
    log_determinants = power * jnp.log(diagonals).sum(-1) + rate_power * jnp.log(rate_diagonals).sum(-1)
    terms = weights * (log_determinants - (products**2).sum((-2, -1)))
    v = weights[:, None, None]
    d_factors = v * (_diagonal_matrices(power / diagonals) - 2.0 * jnp.tril(rate_factors @ products))
    d_rate_factors = v * (_diagonal_matrices(rate_power / rate_diagonals) - 2.0 * jnp.tril(factors @ products.mT))
    if rate_factors.shape[0] == 1:  # one for all
        d_rate_factors = d_rate_factors.sum(0, keepdims=True)
    return terms, d_factors, d_rate_factors


def _diagonal_matrices(entries):
    return entries[..., None] * jnp.eye(entries.shape[-1])
