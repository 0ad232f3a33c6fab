"""How the rows lie within what the others foretell: the leave-one-out probability integral transform of each feature."""

import numpy as np
import pandas as pd

from bayesgmm.criteria import smoothed
from bayesgmm.draws import blocks
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.predictive.bands import below


def loo_pit(posterior: Posterior) -> pd.DataFrame:
    r"""Predictive distribution function of each feature at each row, given all other rows.

    .. math:: u_{ij} = P(X_j \le x_{ij} \mid x_{-i}) \approx \sum_s w_{is} F_j(x_{ij} \mid \theta_s)

    with the Pareto-smoothed weights w of :func:`bayesgmm.loo` and the exact distribution functions of the mixtures' margins:
    nothing is simulated. Where the model is right the values of a feature are close to uniform: a hump in the middle says that
    the model is too wide, ends that stand up that it is too narrow, a slope that it is off to one side.

    Parameters
    ----------
    posterior : Posterior
        No relabelling changes the answer.

    Returns
    -------
    pandas.DataFrame
        Of shape (n_observations, n_features), columns named as the features. ``attrs["n_unreliable"]`` is the number of rows with
        a Pareto k too large for their weights to be believed.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior of a known number of components.

    Notes
    -----
    Rows share a fit, and with their own left out the others still tell much of it: together the values lie nearer to uniform than
    independent ones would. Tests and bands that take them for independent are too kind to the model, never too strict.

    References
    ----------
    Gelfand, Dey & Chang (1992), Model determination using predictive distributions, Bayesian Statistics 4. Vehtari, Gelman &
    Gabry (2017), doi:10.1007/s11222-016-9696-4. Saeilynoja, Buerkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6, for what
    is uniform enough.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=5.0, seed=0)
    >>> pit = loo_pit(bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False))
    >>> pit.shape, pit["x1"].quantile([0.25, 0.5, 0.75]).round(1).to_list()
    ((100, 1), [0.2, 0.5, 0.8])
    """
    require_posterior(posterior)
    posterior.tell_doubt()
    draws, (values, names) = posterior.draws, (np.asarray(posterior.observations.values), posterior.observations.names)
    found, unreliable = np.empty(values.shape), 0
    first = 0
    for part in smoothed(posterior):
        weights = np.exp(part.log_weights.transpose("chain", "draw", ...).to_numpy())
        unreliable += int((part.pareto_k > part.good_k).sum())
        for rows in blocks(weights.shape[-1], draws.shape[0] * draws.shape[1] * len(names)):
            there = slice(first + rows.start, first + rows.stop)
            found[there] = np.einsum("csn,csnj->nj", weights[..., rows], below(draws, values[there]))
        first += weights.shape[-1]
    table = pd.DataFrame(found, columns=list(names), index=pd.RangeIndex(len(values), name="observation"))
    table.attrs["n_unreliable"] = unreliable
    return table
