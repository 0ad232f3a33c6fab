"""A Gaussian mixture whose component indicator is summed out."""

import math

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor.math import Sum
from pytensor.tensor.random.utils import normalize_size_param
from pytensor.tensor.rewriting.basic import register_canonicalize

from bayesgmm import kernels
from bayesgmm.density.gram import inverse_transpose
from bayesgmm.density.one_pass import OnePass, jit


@jit
def _arguments(values, weights, log_weights, means, factors):
    # Contiguous arrays: one compiled kernel serves every memory layout.
    values, means, factors = np.ascontiguousarray(values), np.ascontiguousarray(means), np.ascontiguousarray(factors)
    n_components, n_features = means.shape
    log_constants = np.empty(n_components)
    for k in range(n_components):
        log_constants[k] = log_weights[k] - 0.5 * n_features * kernels.LOG_2PI
        for j in range(n_features):
            log_constants[k] += math.log(factors[k, j, j])
    return values, weights * np.ones(values.shape[0]), log_constants, means, factors


@jit
def _derivatives(counts, sums, scatter, factors):
    n_components, n_features = sums.shape
    d_means, d_factors = np.zeros(sums.shape), np.zeros(factors.shape)
    for k in range(n_components):
        for m in range(n_features):
            whitened = 0.0
            for j in range(m, n_features):
                whitened += factors[k, j, m] * sums[k, j]
            for j in range(m, n_features):
                d_means[k, j] += factors[k, j, m] * whitened
        for i in range(n_features):
            for j in range(i + 1):
                for m in range(j, n_features):
                    d_factors[k, i, j] -= scatter[k, i, m] * factors[k, m, j]
            d_factors[k, i, i] += counts[k] / factors[k, i, i]
    return d_means, d_factors


@jit
def _mixture_pass(values, weights, log_weights, means, factors):
    values, weights, log_constants, means, factors = _arguments(values, weights, log_weights, means, factors)
    terms, counts, sums, scatter = kernels.pointwise_statistics(values, weights, log_constants, means, factors)
    for i in range(terms.shape[0]):
        terms[i] *= weights[i]
    d_means, d_factors = _derivatives(counts, sums, scatter, factors)
    return terms, counts, d_means, d_factors


@jit
def _summed_pass(values, weights, log_weights, means, factors):
    values, weights, log_constants, means, factors = _arguments(values, weights, log_weights, means, factors)
    total, counts, sums, scatter = kernels.expected_statistics(values, weights, log_constants, means, factors)
    d_means, d_factors = _derivatives(counts, sums, scatter, factors)
    return np.asarray(total), counts, d_means, d_factors


class MixturePass(OnePass):
    r"""Rows under a mixture, abstract: values (n, d); v; log weights (K,), means (K, d), lower-triangular factors (K, d, d).

    By Fisher's identity the gradient of :math:`S = \sum_i v_i \log \sum_k w_k\,\mathcal N(x_i; \mu_k, (L_k L_k')^{-1})` is a
    function of the expected sufficient statistics about the means,

    .. math::
        \partial S/\partial \log w_k = n_k, \quad
        \partial S/\partial \mu_k = P_k s_k, \quad
        \partial S/\partial L_k = \mathrm{tril}(n_k\,\mathrm{diag}(1/L_{k,jj}) - T_k L_k).
    """

    ndims, counted = (2, 1, 1, 2, 3), 0


class MixtureLogDensity(MixturePass):
    """The terms, one for each row."""

    compute = staticmethod(_mixture_pass)

    def perform_jax(self, *inputs):
        from bayesgmm.density.jax_passes import mixture_pass

        return mixture_pass(*inputs)


class MixtureLogLikelihood(MixturePass):
    """Their sum, where nothing else is asked of them: no term is stored, and rows share logarithms."""

    is_summed = True
    compute = staticmethod(_summed_pass)

    def perform_jax(self, *inputs):
        from bayesgmm.density.jax_passes import mixture_pass

        terms, *derivatives = mixture_pass(*inputs)
        return terms.sum(), *derivatives


@register_canonicalize
@node_rewriter([Sum])
def _sum_of_terms(fgraph, node):
    """The sum of all terms from the Op that is summed; derivatives, which the same Op returns, may be summed as they are."""
    terms = node.inputs[0]
    pass_ = terms.owner
    if pass_ is None or type(pass_.op) is not MixtureLogDensity or terms is not pass_.outputs[0]:
        return None
    if node.outputs[0].type != pt.dscalar or len(fgraph.clients[terms]) > 1:
        return None
    summed = MixtureLogLikelihood().make_node(*pass_.inputs).outputs
    return dict(zip([node.outputs[0], *pass_.outputs[1:]], summed, strict=True))


class GaussianMixtureRV(SymbolicRandomVariable):
    """Rows of a Gaussian mixture: an allocation, then a normal draw of that component."""

    name = "gaussian_mixture"
    extended_signature = "[rng],[size],(k),(k,d),(k,d,d)->[rng],(d)"
    _print_name = ("GaussianMixture", "\\operatorname{GaussianMixture}")

    @classmethod
    def rv_op(cls, weights, means, factors, *, size=None, rng=None):
        weights, means, factors = (pt.as_tensor(x) for x in (weights, means, factors))
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        next_rng, allocations = pt.random.categorical(weights, size=size, rng=rng, return_next_rng=True)
        noise_shape = (*allocations.shape, means.shape[-1])
        next_rng, noise = pt.random.normal(0.0, 1.0, size=noise_shape, rng=next_rng, return_next_rng=True)
        draws = means[allocations] + (inverse_transpose(factors)[allocations] * noise[..., None, :]).sum(-1)
        inputs = [rng, size, weights, means, factors]
        return cls(inputs=inputs, outputs=[next_rng, draws])(*inputs)


class GaussianMixture(Continuous):
    r"""A Gaussian mixture whose component indicator is summed out.

    .. math:: \log p(x_i \mid w, \mu, L) = \log \sum_k w_k\,\mathcal N(x_i; \mu_k, (L_k L_k')^{-1})

    The log density has one value a row; it and its gradient come from a single pass over the data.

    Parameters
    ----------
    weights : tensor_like of shape (K,)
        On the simplex.
    means : tensor_like of shape (K, d)
    factors : tensor_like of shape (K, d, d)
        Lower-triangular Cholesky factors of the precision matrices.

    Notes
    -----
    There is no gradient with respect to the observations: asking for it raises. The parameters take no batch dimensions.
    """

    rv_type = GaussianMixtureRV
    rv_op = GaussianMixtureRV.rv_op

    @classmethod
    def dist(cls, weights, means, factors, **kwargs):
        parameters = [pt.as_tensor(x, dtype="float64") for x in (weights, means, factors)]
        shapes = [x.type.shape for x in parameters]
        if [len(shape) for shape in shapes] != [1, 2, 3]:
            raise ValueError(f"Weights, means and factors must have shapes (K,), (K, d) and (K, d, d); got {shapes}.")
        return super().dist(parameters, **kwargs)

    def support_point(rv, size, weights, means, factors):
        return pt.broadcast_to(weights @ means, rv.shape)

    def logp(value, weights, means, factors):
        is_matrix = value.type.ndim == 2  # then nothing is reshaped: JAX compiles no sizes that are computed
        rows = value if is_matrix else value.reshape((-1, means.shape[-1]))
        terms = MixtureLogDensity()(rows, np.ones(1), pt.log(weights), means, factors)[0]
        return terms if is_matrix else terms.reshape(value.shape[:-1])
