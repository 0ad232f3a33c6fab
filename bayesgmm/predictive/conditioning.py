"""Some features of the next row given its others, with what is not known of the parameters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import elementwise
from scipy.special import ndtr, ndtri

from bayesgmm.covariance import find_structure
from bayesgmm.draws import Draws, blocks, equal_tailed
from bayesgmm.mfm import MfmPosterior
from bayesgmm.mixture import Mixture
from bayesgmm.posterior import Posterior, place_of, require_any_posterior
from bayesgmm.prediction.conditioning import Conditioning
from bayesgmm.table import Table
from bayesgmm.validation import positive_integer, probability

type Array = NDArray[np.float64]

CHOSEN = str | int
FOUND = 1e-9  # of a feature's predictive standard deviation: quantiles are found to it
COLUMNS = ("mean", "mean_lower", "mean_upper", "sd", "lower", "median", "upper")


def conditional(
    posterior: Posterior | MfmPosterior, given: CHOSEN | Sequence[CHOSEN], values: Any, prob: float = 0.9, *, n_draws: int = 1000
) -> pd.DataFrame:
    r"""What is to be expected of some features where the others are known: regression with the uncertainty of its parameters.

    At each draw the other features have a mixture given the known ones (see :func:`bayesgmm.prediction.conditional`), with the
    mean :math:`m(x_g; \theta)`. Told are the posterior of that mean, which is the uncertainty of the regression function, and the
    quantiles of the average of these mixtures over draws, between which the features themselves may be expected.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
        No relabelling changes the answer.
    given : str, int or sequence of these
        Features that are known, by name or number; at least one must remain.
    values : array-like or DataFrame of shape (n_rows, len(given))
        Their values, a DataFrame's columns by name; one number or one row of them will do, and for one feature a row of numbers.
    prob : float
        Of the equal-tailed intervals.
    n_draws : int
        At most so many draws are used, evenly spaced over every chain.

    Returns
    -------
    pandas.DataFrame
        Index (``row``, ``feature``), the features that were not given in their order; ``.xs(name, level="feature")`` takes one.
        ``mean`` of the feature, with limits ``mean_lower`` and ``mean_upper`` of the regression function; ``sd``, ``lower``,
        ``median`` and ``upper`` of the feature itself. In the data's units.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior.
    ValueError
        If ``given`` are unknown, none or all of the features, values are not finite or not as many, or ``prob`` is no
        probability.

    Notes
    -----
    Draws count alike: the values are points at which to ask, not data. As data they would weigh each draw by its density there,
    which matters only where a single row tells of the parameters.

    References
    ----------
    Mueller, Erkanli & West (1996), Bayesian curve fitting using multivariate normal mixtures, doi:10.1093/biomet/83.1.67.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> post = bg.fit_bayes(bg.load_dataset("faithful"), 2, engine="gibbs", draws=500, progress=False)
    >>> conditional(post, "eruptions", [2.0, 4.5])[["mean", "lower", "upper"]].round(0).reset_index()
       row  feature  mean  lower  upper
    0    0  waiting  54.0   45.0   64.0
    1    1  waiting  81.0   72.0   90.0
    """
    require_any_posterior(posterior)
    posterior.tell_doubt()
    prob, names = probability(prob), posterior.observations.names
    several = [given] if isinstance(given, str | int | np.integer) else list(given)
    index = [place_of(feature, names) for feature in several]
    draws = posterior.draws.at_most(positive_integer(n_draws, "n_draws"))
    law = Conditioning.on(_together(draws), index)
    points = _points(values, [names[j] for j in index])
    known, rest = draws.marginal(index), [name for j, name in enumerate(names) if j not in index]
    quantiles = np.array([(1 - prob) / 2, 0.5, (1 + prob) / 2])
    parts = []
    for rows in blocks(len(points), draws.weights.size * len(rest) * len(quantiles)):
        shares = np.moveaxis(known.shares(points[rows]).reshape(-1, len(points[rows]), draws.n_components), 0, 1)
        parts.append(_told(shares, law.means(points[rows]), law.rest.covariances, prob, quantiles))
    found = np.concatenate(parts, axis=1).reshape(len(COLUMNS), -1)
    where = pd.MultiIndex.from_product([range(len(points)), rest], names=["row", "feature"])
    return pd.DataFrame(dict(zip(COLUMNS, found, strict=True)), index=where)


def _together(draws: Draws) -> Mixture:
    """The components of all draws as those of one mixture."""
    n_draws, d = draws.shape[0] * draws.shape[1], draws.means.shape[3]
    structure = find_structure("diag" if draws.structure.is_diagonal else "full")  # what is tied is so within a draw only
    weights, means, covariances = draws.weights.reshape(-1), draws.means.reshape(-1, d), draws.covariances.reshape(-1, d, d)
    return Mixture(weights / n_draws, means.copy(), covariances.copy(), structure)


def _points(values: Any, names: Sequence[str]) -> Array:
    """Values of the given features, shape (n_rows, len(names))."""
    if isinstance(values, pd.Series) and len(names) > 1:
        values = values.to_frame().T
    elif np.ndim(values) == 0 or (np.ndim(values) == 1 and len(names) > 1):
        values = np.reshape(values, (1, -1))
    return Table.of(values).arranged(names)


def _told(shares: Array, means: Array, covariances: Array, prob: float, quantiles: Array) -> Array:
    """The columns of the table for some rows, shape (len(COLUMNS), n_rows, n_rest).

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_draws, n_components)
        Of the conditional mixtures of the draws.
    means : ndarray of shape (n_rows, n_draws * n_components, n_rest)
    covariances : ndarray of shape (n_draws * n_components, n_rest, n_rest)
    """
    n, n_draws, k = shares.shape
    at_draws = np.einsum("nsk,nskr->snr", shares, means.reshape(n, n_draws, k, -1))
    mean, weights = at_draws.mean(axis=0), shares.reshape(n, -1) / n_draws
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    sd = np.sqrt(np.einsum("nc,ncr->nr", weights, (means - mean[:, None]) ** 2) + weights @ variances)
    found = [_quantiles(weights, means[..., r], np.sqrt(variances[:, r]), sd[:, r], quantiles) for r in range(means.shape[2])]
    return np.stack([mean, *equal_tailed(at_draws, prob), sd, *np.stack(found, axis=-1)])


def _quantiles(weights: Array, means: Array, scales: Array, sd: Array, p: Array) -> Array:
    """Quantiles at p (m,) of a mixture on a line for each row, weights and means (n, M), scales (M,): shape (m, n)."""
    of_components = means + scales * ndtri(p[:, None, None])  # the mixture's lies between the least and the largest
    low = np.where(weights > 0, of_components, np.inf).min(axis=2) - FOUND * sd
    high = np.where(weights > 0, of_components, -np.inf).max(axis=2) + FOUND * sd
    rows, levels = np.broadcast_to(np.arange(len(means)), low.shape), np.broadcast_to(p[:, None], low.shape)

    def excess(x: Array, row: NDArray[np.int64], level: Array) -> Array:
        return np.asarray(np.einsum("...c,...c->...", weights[row], ndtr((x[..., None] - means[row]) / scales)) - level)

    root = elementwise.find_root(
        excess,
        (low, high),
        args=(rows, levels),
        tolerances={"xatol": FOUND * float(sd.min()), "xrtol": 4 * float(np.finfo(np.float64).eps)},
    )
    return np.asarray(root.x)
