"""Normal vectors whose precision comes as a factor."""

import math

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.pytensorf import normalize_rng_param
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.density.gram import inverse_transpose


class FactoredNormalRV(SymbolicRandomVariable):
    """Normal draws: location + L^-T z."""

    name = "factored_normal"
    extended_signature = "[rng],[size],(d),(d,d)->[rng],(d)"
    _print_name = ("FactoredNormal", "\\operatorname{FactoredNormal}")

    @classmethod
    def rv_op(cls, location, factor, *, size=None, rng=None):
        location, factor = pt.as_tensor(location), pt.as_tensor(factor)
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        batch = implicit_size_from_params(location, factor, ndims_params=[1, 2]) if rv_size_is_none(size) else size
        shape = (*batch, location.shape[-1])
        next_rng, noise = pt.random.normal(0.0, 1.0, size=shape, rng=rng, return_next_rng=True)
        draws = location + (inverse_transpose(factor) * noise[..., None, :]).sum(-1)
        return cls(inputs=[rng, size, location, factor], outputs=[next_rng, draws])(rng, size, location, factor)


class FactoredNormal(Continuous):
    r"""The normal law with precision :math:`L L'`, for a stack of vectors that have precisions of their own.

    Parameters
    ----------
    location : tensor_like of shape (d,) or (..., d)
    factor : tensor_like of shape (..., d, d)
        L, lower triangular with a positive diagonal.
    """

    rv_type = FactoredNormalRV
    rv_op = FactoredNormalRV.rv_op

    @classmethod
    def dist(cls, location, factor, **kwargs):
        return super().dist([pt.as_tensor(location, dtype="float64"), pt.as_tensor(factor, dtype="float64")], **kwargs)

    def support_point(rv, size, location, factor):
        return pt.broadcast_to(location, rv.shape)

    def logp(value, location, factor):
        whitened = (factor * (value - location)[..., :, None]).sum(-2)
        log_determinants = pt.log(pt.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        return log_determinants - 0.5 * (whitened**2).sum(-1) - 0.5 * np.float64(math.log(2 * math.pi)) * value.shape[-1]
