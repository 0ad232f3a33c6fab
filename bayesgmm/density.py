"""The mixture and its precision matrices as PyMC distributions.

This floor knows PyTensor graphs: the likelihood with the component indicator summed out, with value and gradient from one pass
of the Numba kernel; the Wishart law in the convention of the priors; and the maps to the unconstrained space in which NUTS
walks. Random variables stay in the data's units; only their transforms standardise. Which priors a model has is decided in
``model.py``.
"""

import hashlib
import inspect
import math
import sys
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters, multigammaln
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.distributions.transforms import Transform, _default_transform
from pymc.pytensorf import normalize_rng_param
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key
from pytensor.scalar import Second
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.random.utils import normalize_size_param
from pytensor.tensor.rewriting.basic import register_canonicalize
from pytensor.tensor.rewriting.blockwise import blockwise_of
from pytensor.tensor.shape import Reshape, SpecifyShape

from bayesgmm import kernels


# --- log densities with their gradients, in one pass --------------------------------------------------------------------------


class OnePass(Op):
    r"""Log densities and the gradient of their sum from one pass: abstract, its subclasses hold the formulas.

    Inputs: what is conditioned on; weights v, (n,) or one for all, (1,); then the parameters. Outputs: the terms
    :math:`v_i \log p_i` of a sum S, (n,), and the derivatives of S with respect to each parameter, which are there for the
    pullback and cannot be differentiated again. Where the cotangent is one scalar for all terms, as under ``.sum()``, the
    pullback is that scalar times derivatives that the forward pass has already found; any other cotangent takes the role of the
    weights in a second pass.
    """

    __props__ = ()
    ndims: tuple[int, ...]
    counted: int  # the input that has a row for each term
    compute: Any  # the Numba function from inputs to outputs

    def make_node(self, *inputs):
        inputs = [pt.as_tensor(x, dtype="float64") for x in inputs]
        if tuple(x.type.ndim for x in inputs) != self.ndims:
            raise TypeError(f"{self} takes inputs of {self.ndims} dimensions; got {[x.type for x in inputs]}.")
        terms = pt.vector(shape=inputs[self.counted].type.shape[:1], dtype="float64")
        return Apply(self, inputs, [terms, *(x.type() for x in inputs[2:])])

    def perform(self, node, inputs, output_storage):
        for storage, output in zip(output_storage, self.compute(*inputs), strict=True):
            storage[0] = output

    def infer_shape(self, node, input_shapes):
        return [input_shapes[self.counted][:1], *input_shapes[2:]]

    def pullback(self, inputs, outputs, cotangents):
        if any(not isinstance(cotangent.type, DisconnectedType) for cotangent in cotangents[1:]):
            raise NotImplementedError(f"The derivatives that {self} returns cannot be differentiated again.")
        condition, weights, *parameters = inputs
        scalar = _broadcast_scalar(cotangents[0])
        if scalar is not None:
            gradients = [scalar * derivative for derivative in outputs[1:]]
        else:
            gradients = self(condition, weights * cotangents[0], *parameters)[1:]
        return [grad_not_implemented(self, i, inputs[i], "only the parameters have one") for i in range(2)] + gradients


def _broadcast_scalar(cotangent):
    """The scalar that fills a cotangent such as that of ``.sum()``, or None where its entries may differ."""
    while cotangent.type.ndim > 0 and cotangent.owner is not None:
        match cotangent.owner.op:
            case Elemwise(scalar_op=Second()):
                cotangent = cotangent.owner.inputs[1]
            case DimShuffle() | Alloc() | Reshape() | SpecifyShape():
                cotangent = cotangent.owner.inputs[0]
            case _:
                break
    return cotangent if cotangent.type.ndim == 0 else None


# Edits must reach the compiled code. PyTensor's disk cache does not see the functions that an Op calls, so their source is part
# of its key; Numba's own (``cache=True``) would not see an edit of kernels.py, so the passes below go without.
_SOURCE = inspect.getsource(kernels) + inspect.getsource(sys.modules[__name__])
_VERSION = int(hashlib.sha256(_SOURCE.encode()).hexdigest()[:12], 16)


def _funcify(op, node=None, **kwargs):
    compute = op.compute

    @numba_njit
    def call(*inputs):
        return compute(*inputs)

    return call, _VERSION


register_funcify_default_op_cache_key(OnePass)(_funcify)


_jit: Any = numba.njit(nogil=True, error_model="numpy")


@_jit
def _mixture_pass(values, weights, log_weights, means, factors):
    # Contiguous arrays: one compiled kernel serves every memory layout.
    values, means, factors = np.ascontiguousarray(values), np.ascontiguousarray(means), np.ascontiguousarray(factors)
    weights = weights * np.ones(values.shape[0])
    n_components, n_features = means.shape
    log_constants = np.empty(n_components)
    for k in range(n_components):
        log_constants[k] = log_weights[k] - 0.5 * n_features * kernels.LOG_2PI
        for j in range(n_features):
            log_constants[k] += math.log(factors[k, j, j])
    terms, counts, sums, scatter = kernels.pointwise_statistics(values, weights, log_constants, means, factors)
    for i in range(terms.shape[0]):
        terms[i] *= weights[i]
    d_means, d_factors = np.zeros(means.shape), np.zeros(factors.shape)
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
    return terms, counts, d_means, d_factors


class MixtureLogDensity(OnePass):
    r"""Rows under a Gaussian mixture: values (n, d); v; log weights (K,), means (K, d), lower-triangular factors (K, d, d).

    By Fisher's identity the gradient of :math:`S = \sum_i v_i \log \sum_k w_k\,\mathcal N(x_i; \mu_k, (L_k L_k')^{-1})` is a
    function of the expected sufficient statistics about the means,

    .. math::
        \partial S/\partial \log w_k = n_k, \quad
        \partial S/\partial \mu_k = P_k s_k, \quad
        \partial S/\partial L_k = \mathrm{tril}(n_k\,\mathrm{diag}(1/L_{k,jj}) - T_k L_k).
    """

    ndims, counted = (2, 1, 1, 2, 3), 0
    compute = staticmethod(_mixture_pass)


@_jit
def _wishart_pass(concentration, weights, factors, rate_factors):
    n, d = factors.shape[:2]
    weights = weights * np.ones(n)
    terms, d_factors, d_rate_factors = np.zeros(n), np.zeros(factors.shape), np.zeros(rate_factors.shape)
    power, rate_power = 2.0 * concentration.item() - d - 1.0, 2.0 * concentration.item()
    for b in range(n):
        r = min(b, rate_factors.shape[0] - 1)
        for j in range(d):
            terms[b] += power * math.log(factors[b, j, j]) + rate_power * math.log(rate_factors[r, j, j])
            d_factors[b, j, j] += weights[b] * power / factors[b, j, j]
            d_rate_factors[r, j, j] += weights[b] * rate_power / rate_factors[r, j, j]
        for i in range(d):
            for j in range(d):
                product = 0.0  # entry i, j of the rate's factor, transposed, times the factor
                for m in range(max(i, j), d):
                    product += rate_factors[r, m, i] * factors[b, m, j]
                terms[b] -= product * product
                for m in range(max(i, j), d):
                    d_factors[b, m, j] -= 2.0 * weights[b] * product * rate_factors[r, m, i]
                    d_rate_factors[r, m, i] -= 2.0 * weights[b] * product * factors[b, m, j]
        terms[b] *= weights[b]
    return terms, d_factors, d_rate_factors


class WishartKernel(OnePass):
    r"""Wishart densities but for the gamma function: c (); v; factors L (n, d, d); rate factors M (n or 1, d, d).

    With P = L L' and C = M M' the terms are
    :math:`\log |C|^c\,|P|^{c-(d+1)/2} - \mathrm{tr}(C P)`, the trace being :math:`\lVert M' L \rVert^2`.
    """

    ndims, counted = (0, 1, 3, 3), 2
    compute = staticmethod(_wishart_pass)


# --- R R', and its factorisation undone ----------------------------------------------------------------------------------------


@_jit
def _gram(roots):
    n_rows, n_columns = roots.shape[-2:]
    products = np.zeros(roots.shape[:-1] + (n_rows,))
    flat_roots, flat_products = (
        np.ascontiguousarray(roots).reshape((-1, n_rows, n_columns)),
        products.reshape((-1, n_rows, n_rows)),
    )
    for b in range(flat_roots.shape[0]):
        for i in range(n_rows):
            for j in range(n_rows):
                for m in range(n_columns):
                    flat_products[b, i, j] += flat_roots[b, i, m] * flat_roots[b, j, m]
    return products


class Gram(Op):
    """R R' for square matrices R (..., d, d), which may be promised to be lower triangular with a positive diagonal.

    The Cholesky factorisation of the product is then rewritten to R. And PyTensor's own matrix products take Numba most of a
    minute to compile for the first time.
    """

    __props__ = ("lower",)
    compute = staticmethod(_gram)

    def __init__(self, lower=False):
        self.lower = lower

    def make_node(self, roots):
        roots = pt.as_tensor(roots, dtype="float64")
        return Apply(self, [roots], [roots.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = self.compute(*inputs)

    def infer_shape(self, node, input_shapes):
        return input_shapes

    def pullback(self, inputs, outputs, cotangents):
        return [(cotangents[0] + cotangents[0].mT) @ inputs[0]]


register_funcify_default_op_cache_key(Gram)(_funcify)


@register_canonicalize
@node_rewriter([blockwise_of(Cholesky)])
def _cholesky_of_gram(fgraph, node):
    product = node.inputs[0].owner
    return [product.inputs[0]] if product is not None and product.op == Gram(lower=True) else None


def inverse_of_factored(factors):
    """The inverses of L L' for lower-triangular factors L (..., d, d): covariances of precision factors."""
    return Gram()(_inverse_transpose(factors))


def _inverse_transpose(factors):
    return pt.linalg.solve_triangular(factors.mT, pt.eye(factors.shape[-1]), lower=False)


# --- the mixture ---------------------------------------------------------------------------------------------------------------


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
        draws = means[allocations] + (_inverse_transpose(factors)[allocations] * noise[..., None, :]).sum(-1)
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
        rows = value.reshape((-1, means.shape[-1]))
        terms = MixtureLogDensity()(rows, np.ones(1), pt.log(weights), means, factors)[0]
        return terms.reshape(value.shape[:-1])


# --- the Wishart law -----------------------------------------------------------------------------------------------------------


class WishartRV(SymbolicRandomVariable):
    """Wishart draws by Bartlett's decomposition."""

    name = "wishart"
    extended_signature = "[rng],[size],(),(d,d)->[rng],(d,d)"
    _print_name = ("Wishart", "\\operatorname{Wishart}")

    @classmethod
    def rv_op(cls, concentration, rate_factor, *, size=None, rng=None):
        concentration, rate_factor = pt.as_tensor(concentration), pt.as_tensor(rate_factor)
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        d = rate_factor.shape[-1]
        batch = implicit_size_from_params(concentration, rate_factor, ndims_params=[0, 2]) if rv_size_is_none(size) else size
        shapes = concentration[..., None] - 0.5 * pt.arange(d)
        next_rng, squares = pt.random.gamma(shapes, scale=1.0, size=(*batch, d), rng=rng, return_next_rng=True)
        next_rng, normals = pt.random.normal(0.0, math.sqrt(0.5), size=(*batch, d, d), rng=next_rng, return_next_rng=True)
        bartlett = pt.tril(normals, -1) + pt.eye(d) * pt.sqrt(squares)[..., None]
        root = pt.linalg.solve_triangular(rate_factor.mT, bartlett, lower=False)
        inputs = [rng, size, concentration, rate_factor]
        return cls(inputs=inputs, outputs=[next_rng, Gram()(root)])(*inputs)


class Wishart(Continuous):
    r"""The Wishart law of a precision matrix, by concentration and rate.

    .. math:: p(P) = \frac{|C|^c}{\Gamma_d(c)}\,|P|^{c - (d+1)/2} \exp(-\mathrm{tr}(C P)), \qquad c > (d-1)/2

    Its mean is :math:`c\,C^{-1}`; for d = 1 it is Gamma(c, rate C). The usual degrees of freedom are 2c, and need not be whole.

    Parameters
    ----------
    concentration : tensor_like
        c, a scalar.
    rate : tensor_like of shape (d, d), or (..., d, d) with a matrix for each draw
        C, positive definite; it may be a random variable.
    rate_factor : tensor_like of the same shape, optional
        The lower Cholesky factor of C, in the place of ``rate``.

    Notes
    -----
    The default transform is ``CholeskyFactor(d)``. Where the units of the data are not of order one, give
    ``default_transform=CholeskyFactor(d, scale)``, the scale being the spread of each feature.

    The density is written with the Cholesky factors of P and C. Under the transform those are close to the free variables, and
    PyTensor removes the factorisations from the graph. There is no gradient with respect to the concentration.
    """

    rv_type = WishartRV
    rv_op = WishartRV.rv_op

    @classmethod
    def dist(cls, concentration, rate=None, *, rate_factor=None, **kwargs):
        if (rate is None) == (rate_factor is None):
            raise ValueError("Give either the rate or its factor.")
        if rate_factor is None:
            rate_factor = pt.linalg.cholesky(pt.as_tensor(rate, dtype="float64"))
        concentration = pt.as_tensor(concentration, dtype="float64")
        if concentration.type.ndim != 0:
            raise ValueError(f"The concentration must be a scalar; got {concentration.type.ndim} dimensions.")
        return super().dist([concentration, pt.as_tensor(rate_factor, dtype="float64")], **kwargs)

    def support_point(rv, size, concentration, rate_factor):
        return pt.broadcast_to(concentration * inverse_of_factored(rate_factor), rv.shape)

    def logp(value, concentration, rate_factor):
        d = value.type.shape[-1] or rate_factor.type.shape[-1] or value.shape[-1]
        batch = value.shape[:-2]
        factors = pt.linalg.cholesky(value).reshape((-1, d, d))
        if rate_factor.type.ndim > 2:
            rate_factor = pt.broadcast_to(rate_factor, value.shape)
        terms = WishartKernel()(concentration, np.ones(1), factors, rate_factor.reshape((-1, d, d)))[0]
        log_density = terms.reshape(batch) - multigammaln(concentration, d)
        return check_parameters(log_density, concentration > 0.5 * (d - 1), msg="concentration > (d - 1) / 2")


# --- maps to the unconstrained space ------------------------------------------------------------------------------------------


class Affine(Transform):
    r"""Standardise: the free variable of x is :math:`(x - \mathrm{location}) / \mathrm{scale}`.

    Parameters
    ----------
    location, scale : array_like
        In the units of x; they broadcast against it. The scale is positive.
    """

    name = "affine"
    ndim_supp = 0

    def __init__(self, location, scale):
        self.location, self.scale = location, scale

    def forward(self, value, *inputs):
        return (value - self.location) / self.scale

    def backward(self, value, *inputs):
        return self.location + self.scale * value

    def log_jac_det(self, value, *inputs):
        return pt.broadcast_to(pt.log(self.scale), value.shape)


class CholeskyFactor(Transform):
    r"""Unconstrained vectors of positive-definite matrices, each feature in units of its own.

    A precision matrix P in the data's units is :math:`S P S = L L'` in units of the scales, S = diag(scale). The free vector
    holds :math:`\log L_{11} \dots \log L_{dd}`, then the entries below the diagonal row by row, d (d + 1) / 2 in all, with

    .. math:: \log |J| = d \log 2 + \sum_j (d - j + 2) \log L_{jj} - (d + 1) \sum_j \log \mathrm{scale}_j, \quad j = 1 \dots d.

    Parameters
    ----------
    n_features : int
    scale : array_like of shape (d,), optional
        The spread of each feature (for a matrix in units of variance rather than of precision, its reciprocal).
    """

    name = "cholesky-factor"  # no underscore: PyMC cuts value names at the last one
    ndim_supp = 2

    def __init__(self, n_features, scale=None):
        self.n_features = n_features
        self.scale = pt.as_tensor(np.ones(n_features) if scale is None else scale, dtype="float64")

    def forward(self, value, *inputs):
        factor = pt.linalg.cholesky(value) * self.scale[:, None]
        rows, columns = np.tril_indices(self.n_features, -1)
        return pt.concatenate([pt.log(pt.diagonal(factor, axis1=-2, axis2=-1)), factor[..., rows, columns]], axis=-1)

    def backward(self, value, *inputs):
        d = self.n_features
        position = np.zeros((d, d), dtype="int64")
        position[np.diag_indices(d)] = np.arange(d)
        position[np.tril_indices(d, -1)] = np.arange(d, d * (d + 1) // 2)
        entries = value[..., position]
        factor = np.eye(d) * pt.exp(np.eye(d) * entries) + np.tri(d, k=-1) * entries
        return Gram(lower=True)(factor / self.scale[:, None])

    def log_jac_det(self, value, *inputs):
        d = self.n_features
        powers = np.arange(d + 1.0, 1.0, -1.0)
        constant = d * math.log(2.0) - (d + 1) * pt.log(self.scale).sum()
        return constant + (powers * value[..., :d]).sum(-1)


@_default_transform.register(WishartRV)
def _wishart_default_transform(op, rv):
    n_features = rv.type.shape[-1] or rv.owner.inputs[-1].type.shape[-1]
    if n_features is None:
        raise ValueError("The number of features is not known here: give the Wishart distribution its `shape`, in numbers.")
    return CholeskyFactor(n_features)
