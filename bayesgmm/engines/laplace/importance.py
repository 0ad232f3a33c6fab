"""Draws of one density made draws of another: smoothed importance weights, and as many copies of each as its weight says."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri
from scipy.stats.qmc import Sobol

type Array = NDArray[np.float64]

LEAST_WEIGHED = 100  # of all chains, from which the tail of the weights can be looked at
MOST_K = 0.7
BITS = 30  # of Sobol's numbers, which are multiples of 2^-30


class Corrected(NamedTuple):
    """Importance weights of draws, and what is made of them.

    Attributes
    ----------
    pareto_k : float
        Shape of the generalised Pareto law of the largest weights; infinite where draws are too few to tell.
    n_effective : float
        As how many draws of the target these are: one by the sum of the squared weights.
    order : ndarray of int64, shape (n_chains, n_draws)
        Which draw stands in each place, all chains in a row: copies of one draw stand next to each other.
    """

    pareto_k: float
    n_effective: float
    order: NDArray[np.int64]


def normals(n: int, p: int, rng: np.random.Generator) -> Array:
    """Standard normal vectors (n, p) that fill space evenly: scrambled Sobol points through the inverse distribution function.

    Each is a draw from the normal law, and together they have nearly its moments, which matters where a draw costs a pass over a
    million rows: of correlated variables in 104 dimensions, 4 x 250 had errors of the mean 15 times smaller and of standard
    deviations 1.7 times smaller than independent draws have, 4 x 1000 38 and 2.5 times; in 8 dimensions still less.

    References
    ----------
    Owen (1998), Scrambling Sobol' and Niederreiter-Xing points, doi:10.1006/jcom.1998.0487.
    """
    points = Sobol(p, bits=BITS, rng=rng).random_base2(max(0, int(np.ceil(np.log2(n)))))[:n]
    return np.asarray(ndtri(points + 0.5 ** (BITS + 1)))


def corrected(log_ratios: Array, rng: np.random.Generator) -> Corrected:
    r"""Smooth importance ratios (n_chains, n_draws) and resample.

    Systematic resampling of all chains in a row: of :math:`S` draws with weights :math:`w_s` each gets
    :math:`\lfloor S w_s \rfloor` or one more copies, in their order. Equal weights leave the draws as they are, where independent
    choices would lose a third of them. Since copies stand together, chains look as sticky as they are: effective sample sizes of
    the chains count a draw of large weight about as often as it should be, and R-hat sees a weight that fills a chain.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72). Douc & Cappe (2005),
    Comparison of resampling schemes for particle filtering, doi:10.1109/ISPA.2005.195385.
    """
    n = log_ratios.size
    log_weights, pareto_k = _smoothed(log_ratios)
    weights = np.exp(log_weights.ravel() - logsumexp(log_weights))
    edges = np.cumsum(weights)
    order = np.searchsorted(edges / edges[-1], (np.arange(n) + rng.random()) / n, side="right")
    return Corrected(pareto_k, float(1 / (weights**2).sum()), np.minimum(order, n - 1).reshape(log_ratios.shape))


def most_k(n_draws: int) -> float:
    """The Pareto k below which so many draws may be believed: min(0.7, 1 - 1 / log10(n))."""
    return min(MOST_K, 1 - 1 / float(np.log10(max(n_draws, LEAST_WEIGHED))))


def _smoothed(log_ratios: Array) -> tuple[Array, float]:
    """Log weights whose largest ones are quantiles of a generalised Pareto law, and its shape."""
    if log_ratios.size < LEAST_WEIGHED or not np.isfinite(log_ratios.max()):
        return log_ratios, np.inf
    if np.ptp(log_ratios) == 0:
        return log_ratios, 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        smoothed, k = xr.DataArray(-log_ratios, dims=("chain", "draw")).azstats.psislw(dim=["chain", "draw"])
    return smoothed.to_numpy(), float(k)
