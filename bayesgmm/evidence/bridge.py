"""Bridge sampling: the normalising constant of a density from draws of it and of another density that is known whole."""

from typing import NamedTuple

import arviz as az
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

type Array = NDArray[np.float64]

MOST_ITERATIONS, TOLERANCE = 1000, 1e-10


class Bridge(NamedTuple):
    """Log of the normalising constant, and the standard error of that log."""

    value: float
    standard_error: float


def bridge(log_ratios: Array, log_ratios_proposed: Array) -> Bridge:
    r"""The optimal bridge estimate of the constant :math:`Z` of an unnormalised density :math:`p^*`.

    With :math:`l = p^* / q` at draws from p (``log_ratios``) and from q (``log_ratios_proposed``), the fixed point of

    .. math:: Z = \frac{\mathrm{mean}_q\, l / (s_1 l + s_2 Z)}{\mathrm{mean}_p\, 1 / (s_1 l + s_2 Z)},

    the shares s being those of the effective numbers of draws. Its relative variance follows from the variances of both means,
    that over the chain by its effective sample size.

    Parameters
    ----------
    log_ratios : ndarray of shape (n_chains, n_draws)
    log_ratios_proposed : ndarray of shape (n,)
        Minus infinity where the density is zero.

    References
    ----------
    Meng & Wong (1996), Statistica Sinica 6:831-860. Fruehwirth-Schnatter (2004), doi:10.1111/j.1368-423X.2004.00125.x.
    """
    n_proposed = len(log_ratios_proposed)
    n_effective = (
        min(float(az.ess(log_ratios, method="mean")), float(log_ratios.size)) if np.ptp(log_ratios) > 0 else log_ratios.size
    )
    share = n_effective / (n_effective + n_proposed)
    log_share, log_other = np.log(share), np.log1p(-share)
    value = float(np.median(log_ratios))
    for _ in range(MOST_ITERATIONS):
        above = log_ratios_proposed - np.logaddexp(log_share + log_ratios_proposed, log_other + value)
        below = -np.logaddexp(log_share + log_ratios, log_other + value)
        before, value = value, float(logsumexp(above) - np.log(n_proposed) - logsumexp(below) + np.log(log_ratios.size))
        if abs(value - before) < TOLERANCE:
            break
    normalised, normalised_proposed = log_ratios - value, log_ratios_proposed - value
    of_proposed = np.exp(normalised_proposed - np.logaddexp(log_share + normalised_proposed, log_other))
    of_draws = np.exp(-np.logaddexp(log_share + normalised, log_other))
    relative = of_proposed.var(ddof=1) / of_proposed.mean() ** 2 / n_proposed
    if np.ptp(of_draws) > 0:
        relative += (float(az.mcse(of_draws)) / of_draws.mean()) ** 2
    return Bridge(value, float(np.sqrt(relative)))
