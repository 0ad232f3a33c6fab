"""Maps to the unconstrained space, each feature in units of its own."""

import math

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.transforms import Transform

from bayesgmm.density.gram import Gram
from bayesgmm.density.maps import Factors, LogSimplex


class Affine(Transform):
    r"""Standardise: the free variable of x is :math:`(x - \mathrm{location}) / \mathrm{scale}`.

    Parameters
    ----------
    location, scale : array_like
        In the units of x; they broadcast against it. The scale is positive.
    ndim_supp : {0, 1}
        Whether the random variable is one of numbers or of vectors.
    """

    name = "affine"

    def __init__(self, location, scale, ndim_supp=0):
        self.location, self.scale, self.ndim_supp = location, scale, ndim_supp

    def forward(self, value, *inputs):
        return (value - self.location) / self.scale

    def backward(self, value, *inputs):
        return self.location + self.scale * value

    def log_jac_det(self, value, *inputs):
        logs = pt.broadcast_to(pt.log(self.scale), value.shape)
        return logs.sum(-1) if self.ndim_supp else logs


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
        self.scale = np.ones(n_features) if scale is None else scale

    def forward(self, value, *inputs):
        factor = pt.linalg.cholesky(value) * self.scale[:, None]
        rows, columns = np.tril_indices(self.n_features, -1)
        return pt.concatenate([pt.log(pt.diagonal(factor, axis1=-2, axis2=-1)), factor[..., rows, columns]], axis=-1)

    def backward(self, value, *inputs):
        return Gram(lower=True)(Factors(self.n_features)(value, self.scale))

    def log_jac_det(self, value, *inputs):
        d = self.n_features
        powers = np.concatenate([np.arange(d + 1.0, 1.0, -1.0), np.zeros(d * (d - 1) // 2)])  # a slice has a costly gradient
        constant = d * math.log(2.0) - (d + 1) * pt.log(self.scale).sum()
        return constant + (powers * value).sum(-1)


class Simplex(Transform):
    r"""Weights that sum to one: the free vector holds the logs of all but the last, less the mean of all.

    .. math:: \log |J| = \log K + \sum_k \log w_k
    """

    name = "simplex"
    ndim_supp = 1

    def forward(self, value, *inputs):
        logs = pt.log(value)
        return (logs - logs.mean(-1, keepdims=True))[..., :-1]

    def backward(self, value, *inputs):
        return pt.exp(LogSimplex()(value))

    def log_jac_det(self, value, *inputs):
        return LogSimplex()(value).sum(-1) + pt.log(value.shape[-1] + 1.0)


class CorrelationFactor(Transform):
    r"""Unconstrained vectors of correlation matrices.

    With rows and columns backwards the matrix is :math:`R = F F'`, the rows of F being those of a unit lower triangular matrix
    :math:`I + Y` divided by their lengths. The free vector holds the entries of Y row by row, d (d - 1) / 2 in all, with

    .. math:: \log |J| = -\tfrac{d + 1}{2} \sum_i \log\Bigl(1 + \sum_{j<i} y_{ij}^2\Bigr).

    Backwards, since then the inverse of R has a lower triangular factor without another factorisation.

    Parameters
    ----------
    n_features : int
        d, at least 2.
    """

    name = "correlation-factor"
    ndim_supp = 2

    def __init__(self, n_features):
        self.n_features = n_features

    def forward(self, value, *inputs):
        factor = pt.linalg.cholesky(backwards(value))
        rows, columns = np.tril_indices(self.n_features, -1)
        return (factor / pt.diagonal(factor, axis1=-2, axis2=-1)[..., None])[..., rows, columns]

    def backward(self, value, *inputs):
        unit = self._unit_triangular(value)
        return backwards(Gram(lower=True)(unit / pt.sqrt((unit**2).sum(-1, keepdims=True))))

    def log_jac_det(self, value, *inputs):
        return -0.5 * (self.n_features + 1) * pt.log((self._unit_triangular(value) ** 2).sum(-1)).sum(-1)

    def _unit_triangular(self, value):
        d = self.n_features
        position = np.zeros((d, d), dtype="int64")
        position[np.tril_indices(d, -1)] = np.arange(d * (d - 1) // 2)
        return np.eye(d) + np.tri(d, k=-1) * value[..., position]


def backwards(matrices):
    """Matrices (..., d, d) with rows and columns in reversed order."""
    return matrices[..., ::-1, ::-1]
