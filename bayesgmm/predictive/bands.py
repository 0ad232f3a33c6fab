"""The density and the distribution function of the next row, with pointwise bands for what is not known of the parameters."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr

from bayesgmm.draws import Draws, blocks, equal_tailed
from bayesgmm.mfm import MfmPosterior
from bayesgmm.posterior import Posterior, place_of, require_any_posterior
from bayesgmm.table import Table
from bayesgmm.validation import probability, real_array

type Array = NDArray[np.float64]

COLUMNS = ("mean", "lower", "upper")


def density(posterior: Posterior | MfmPosterior, X: Any, prob: float = 0.9, *, log: bool = False) -> pd.DataFrame:
    r"""Posterior mean of the density at some points, which is the predictive density, and its pointwise band.

    .. math:: p(x \mid \text{data}) = \mathrm E\,\{p(x \mid \theta) \mid \text{data}\}

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
        No relabelling changes the answer.
    X : array-like or DataFrame of shape (n_points, n_features)
        Points, in the units used for fitting, a DataFrame's columns by name; for one feature a row of numbers will do.
    prob : float
        Of the equal-tailed interval at each point.
    log : bool
        Return the logs of the three: far out the density itself is below the least double.

    Returns
    -------
    pandas.DataFrame
        One row a point: ``mean``, ``lower``, ``upper``, per unit of each feature. In the tails the mean may lie above ``upper``,
        for a few draws with a heavy tail make it.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior.
    ValueError
        If points are not finite or have other features, or ``prob`` is no probability.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=5.0, seed=0)
    >>> post = bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False)
    >>> density(post, [0.0, 1e6])["mean"].round(2).to_list(), density(post, [1e6], log=True).loc[0, "mean"].round(-15)
    ([0.03, 0.0], np.float64(-0.0))
    """
    require_any_posterior(posterior)
    posterior.tell_doubt()
    prob, draws = probability(prob), posterior.draws
    values = Table.of(X).arranged(posterior.observations.names)
    n_draws = draws.shape[0] * draws.shape[1]
    parts = []
    for rows in blocks(len(values), n_draws):
        logs = draws.log_density(values[rows]).reshape(n_draws, -1)
        parts.append(np.stack([logsumexp(logs, axis=0) - np.log(n_draws), *equal_tailed(logs, prob)]))
    found = np.concatenate(parts, axis=1)
    return _table(found if log else np.exp(found), pd.RangeIndex(len(values), name="point"))


def cdf(posterior: Posterior | MfmPosterior, x: Any, feature: str | int | None = None, prob: float = 0.9) -> pd.DataFrame:
    r"""Posterior mean of the distribution function of one feature, which is the predictive one, and its pointwise band.

    .. math:: F_j(x) = \sum_k w_k\,\Phi\{(x - \mu_{kj}) / \sigma_{kj}\}

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
        No relabelling changes the answer.
    x : float or array-like of shape (n_points,)
        Points, infinite ones among them.
    feature : str or int, optional
        Its name or number; may be left out where there is only one.
    prob : float
        Of the equal-tailed interval at each point.

    Returns
    -------
    pandas.DataFrame
        Indexed by the points: ``mean``, ``lower``, ``upper``.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior.
    ValueError
        If no feature is named of several or it is unknown, a point is NaN, or ``prob`` is no probability.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=5.0, seed=0)
    >>> post = bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False)
    >>> cdf(post, [-1e6, 1e6])["mean"].round(3).to_list()
    [0.0, 1.0]
    """
    require_any_posterior(posterior)
    posterior.tell_doubt()
    prob, names = probability(prob), posterior.observations.names
    if feature is None and len(names) > 1:
        raise ValueError(f"The distribution function is of one feature: name one of {', '.join(map(repr, names))}.")
    j = 0 if feature is None else place_of(feature, names)
    points = np.atleast_1d(real_array(x, "x"))
    if points.ndim > 1 or np.isnan(points).any():
        raise ValueError(f"x must be a number or a row of numbers, none of them NaN; got shape {points.shape}.")
    margin = posterior.draws.marginal([j])
    parts = [np.empty((3, 0))]
    for rows in blocks(len(points), margin.weights.size):
        at_draws = below(margin, points[rows, None])[..., 0].reshape(-1, len(points[rows]))
        parts.append(np.stack([at_draws.mean(axis=0), *equal_tailed(at_draws, prob)]))
    return _table(np.concatenate(parts, axis=1), pd.Index(points, name=names[j]))


def below(draws: Draws, values: Array) -> Array:
    """P(X_j <= x_ij) at each draw, of each feature by itself, shape (n_chains, n_draws, n_observations, n_features)."""
    total = np.zeros((*draws.shape, *values.shape))
    scales = np.sqrt(np.diagonal(draws.covariances, axis1=-2, axis2=-1))
    for k in range(draws.n_components):
        standardised = (values - draws.means[:, :, None, k]) / scales[:, :, None, k]
        total += draws.weights[:, :, k, None, None] * ndtr(standardised)
    return total


def _table(found: Array, index: "pd.Index[Any]") -> pd.DataFrame:
    return pd.DataFrame(dict(zip(COLUMNS, found, strict=True)), index=index)
