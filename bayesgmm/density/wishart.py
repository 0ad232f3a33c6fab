"""The Wishart law of precision matrices, in the convention of the priors."""

import math

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters, multigammaln
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.distributions.transforms import _default_transform
from pymc.pytensorf import normalize_rng_param
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.density.gram import Gram, inverse_of_factored
from bayesgmm.density.one_pass import OnePass, jit
from bayesgmm.density.transforms import CholeskyFactor


@jit
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

    def perform_jax(self, *inputs):
        from bayesgmm.density.jax_passes import wishart_pass

        return wishart_pass(*inputs)


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


@_default_transform.register(WishartRV)
def _wishart_default_transform(op, rv):
    n_features = rv.type.shape[-1] or rv.owner.inputs[-1].type.shape[-1]
    if n_features is None:
        raise ValueError("The number of features is not known here: give the Wishart distribution its `shape`, in numbers.")
    return CholeskyFactor(n_features)
