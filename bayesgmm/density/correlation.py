"""Correlation matrices: the LKJ law, and precision factors of covariances."""

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import rv_size_is_none
from pymc.distributions.transforms import _default_transform
from pymc.pytensorf import normalize_rng_param
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.density.gram import Gram, inverse_transpose
from bayesgmm.density.transforms import CorrelationFactor, backwards
from bayesgmm.prior.lkj import log_constant


class LKJRV(SymbolicRandomVariable):
    """LKJ draws by the onion method: rows of the Cholesky factor are independent."""

    name = "lkj"
    extended_signature = "[rng],[size],(),(d)->[rng],(d,d)"
    _print_name = ("LKJ", "\\operatorname{LKJ}")

    @classmethod
    def rv_op(cls, eta, ones, *, size=None, rng=None):
        eta, ones = pt.as_tensor(eta), pt.as_tensor(ones)
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        d = ones.type.shape[0]
        batch = () if rv_size_is_none(size) else tuple(size)
        rows = np.arange(1, d)
        next_rng, squares = pt.random.beta(
            0.5 * rows, eta + 0.5 * (d - 1 - rows), size=(*batch, d - 1), rng=rng, return_next_rng=True
        )
        next_rng, normals = pt.random.normal(0.0, 1.0, size=(*batch, d - 1, d), rng=next_rng, return_next_rng=True)
        directions = normals * np.tri(d - 1, d)
        directions = directions / pt.sqrt((directions**2).sum(-1, keepdims=True))
        below = pt.sqrt(squares)[..., None] * directions + pt.sqrt(1 - squares)[..., None] * np.eye(d)[1:]
        first = pt.zeros_like(below[..., :1, :]) + np.eye(d)[0]
        factor = pt.concatenate([first, below], axis=-2)
        return cls(inputs=[rng, size, eta, ones], outputs=[next_rng, Gram()(factor)])(rng, size, eta, ones)


class LKJ(Continuous):
    r"""The LKJ law of correlation matrices of order d >= 2, as a density of the entries below the diagonal.

    .. math:: p(R) = c_d(\eta)\,|R|^{\eta - 1}

    PyMC's LKJCorr has Cholesky factors as its values, and no batches of them under the mixture.

    Parameters
    ----------
    eta : float
        Above 0; for 1 the law is uniform.
    d : int
        Order of the matrices.
    """

    rv_type = LKJRV
    rv_op = LKJRV.rv_op

    @classmethod
    def dist(cls, eta, d, **kwargs):
        return super().dist([pt.as_tensor(eta, dtype="float64"), np.ones(d)], **kwargs)

    def support_point(rv, size, eta, ones):
        return pt.broadcast_to(pt.eye(rv.shape[-1]), rv.shape)

    def logp(value, eta, ones):
        d = ones.type.shape[0]
        factor = pt.linalg.cholesky(backwards(value))
        log_determinant = 2 * pt.log(pt.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        return check_parameters(log_constant(d, eta, pt.gammaln) + (eta - 1) * log_determinant, eta > 0, msg="eta > 0")


@_default_transform.register(LKJRV)
def _lkj_default_transform(op, rv):
    return CorrelationFactor(rv.owner.inputs[-1].type.shape[0])


def precision_factors(scales, correlations):
    """Lower triangular L (..., d, d) with L L' the inverse of diag(s) R diag(s).

    The factor of R with rows and columns backwards gives R = U U' with U upper triangular, and L = diag(1/s) U^-T.
    """
    upper = backwards(pt.linalg.cholesky(backwards(correlations)))
    return inverse_transpose_of_upper(upper) / scales[..., :, None]


def inverse_transpose_of_upper(upper):
    """U^-T for upper triangular matrices: lower triangular."""
    return backwards(inverse_transpose(backwards(upper)))
