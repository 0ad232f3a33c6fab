"""Intervals from estimates and standard errors, on a scale on which they stay where the parameter may be."""

import numpy as np
from scipy.special import expit, logit, ndtri

from bayesgmm.information.chart import Array
from bayesgmm.validation import probability


def normal_interval(estimates: Array, errors: Array, prob: float, where: str) -> tuple[Array, Array]:
    """Lower and upper ends of intervals of probability ``prob`` from estimates and standard errors of one shape.

    Parameters
    ----------
    where : {"line", "positive", "unit"}
        Where the parameter may be: the law is normal for itself, its logarithm, or its log odds.

    Examples
    --------
    >>> lower, upper = normal_interval(np.array([0.5]), np.array([0.2]), 0.95, "unit")
    >>> lower.round(3), upper.round(3)
    (array([0.173]), array([0.827]))
    """
    wide = float(ndtri((1 + probability(prob)) / 2)) * errors
    with np.errstate(divide="ignore", invalid="ignore"):  # of a single component's weight, which is known
        match where:
            case "line":
                ends = estimates - wide, estimates + wide
            case "positive":
                factors = np.exp(wide / estimates)
                ends = estimates / factors, estimates * factors
            case _:
                odds, step = logit(estimates), wide / (estimates * (1 - estimates))
                ends = expit(odds - step), expit(odds + step)
    lower, upper = (np.where(errors == 0, estimates, end) for end in ends)
    return lower, upper
