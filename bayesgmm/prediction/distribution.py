"""The distribution function of a mixture of one feature, and its inverse."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.mixture import Mixture
from bayesgmm.prediction.line import Line
from bayesgmm.validation import real_array


def cdf(mixture: Mixture, x: Any) -> NDArray[np.float64]:
    r"""Distribution function of a mixture of one feature.

    .. math:: F(x) = \sum_k w_k\,\Phi\{(x-\mu_k)/\sigma_k\}

    Parameters
    ----------
    mixture : Mixture
        Of one feature; of several take ``mixture.marginal([j])``.
    x : float or array-like of any shape
        Points, infinite ones among them.

    Returns
    -------
    ndarray of the shape of ``x``
        P(X <= x).

    Raises
    ------
    ValueError
        If the mixture has several features, or a point is NaN.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])
    >>> cdf(m, [0.0, 1.5]).round(4)
    array([0.2507, 0.5   ])
    """
    line, points = Line.of(mixture, "The distribution function"), real_array(x, "x")
    if np.isnan(points).any():
        raise ValueError(f"x must hold numbers, got {np.count_nonzero(np.isnan(points))} entries that are NaN: leave them out.")
    return line.below(points)[()]  # of one number a number


def quantile(mixture: Mixture, p: Any) -> NDArray[np.float64]:
    """Inverse of the distribution function of a mixture of one feature.

    Found to the last digits by Chandrupatla's method on the log of the smaller tail, between the least and the largest of the
    components' own quantiles. It never falls as p rises.

    Parameters
    ----------
    mixture : Mixture
        Of one feature; of several take ``mixture.marginal([j])``.
    p : float or array-like of any shape
        Probabilities above 0 and below 1.

    Returns
    -------
    ndarray of the shape of ``p``
        In the units used for fitting.

    Raises
    ------
    ValueError
        If the mixture has several features, or a probability is not strictly between 0 and 1.

    References
    ----------
    Chandrupatla (1997), doi:10.1016/s0965-9978(96)00051-8.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])
    >>> quantile(m, [0.05, 0.5]).round(4)
    array([-1.2816,  1.5   ])
    """
    line, probabilities = Line.of(mixture, "A quantile"), real_array(p, "p")
    impossible = ~((probabilities > 0) & (probabilities < 1))
    if impossible.any():
        raise ValueError(
            f"p must be above 0 and below 1, got {probabilities[impossible].flat[0]:g}"
            f" ({np.count_nonzero(impossible)} entries are not): the quantiles at 0 and 1 are -inf and inf."
        )
    distinct, places = np.unique(probabilities, return_inverse=True)
    return line.quantile(distinct)[places].reshape(probabilities.shape)[()]
