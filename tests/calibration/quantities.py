"""Label-free quantities of mixtures: functions that no order of components changes, finite under every prior."""

import numpy as np

CENTRE, RANGE = np.array([0.0, 10.0]), np.array([2.0, 20.0])  # of the priors: features are measured in units of their own


def label_free(draws, nuisance, X):
    """Name -> values (chain, draw) of quantities that do not depend on labels.

    Parameters
    ----------
    draws : Draws
    nuisance : mapping of str to ndarray of shape (n_chains, n_draws, ...)
        The prior's nuisance variables.
    X : ndarray of shape (n_observations, n_features)
    """
    d = draws.means.shape[-1]
    standardised = (draws.means - CENTRE[:d]) / RANGE[:d]
    variances = np.diagonal(draws.covariances, axis1=-2, axis2=-1)
    log_determinants = -np.linalg.slogdet(draws.covariances)[1]
    found = {
        "largest weight": draws.weights.max(axis=-1),
        "log-likelihood": draws.log_density(X).sum(axis=-1),
        "log density near the centre": draws.log_density((CENTRE + 0.2 * RANGE)[None, :d])[..., 0],
        "mean of arctan(means)": np.arctan(2 * standardised).mean(axis=(-2, -1)),
        "arctan(mean of all)": np.arctan(2 * (draws.weights[..., None] * standardised).sum(axis=-2)).mean(axis=-1),
        "mean log |precision|": log_determinants.mean(axis=-1),
    }
    if not draws.structure.is_shared:
        found["range of log |precision|"] = np.ptp(log_determinants, axis=-1)
    if not draws.structure.is_diagonal and d > 1:
        correlations = draws.covariances[..., 0, 1] / np.sqrt(variances[..., 0] * variances[..., 1])
        found["mean correlation"] = correlations.mean(axis=-1)
    if "precisions_rate" in nuisance:
        rate = nuisance["precisions_rate"]
        is_matrix = not draws.structure.is_diagonal
        logs = np.linalg.slogdet(rate)[1] if is_matrix else np.log(rate)
        found["log rate"] = logs.reshape(*draws.shape, -1).sum(axis=-1)
    if "half_t_rates" in nuisance:
        found["log rate"] = np.log(nuisance["half_t_rates"]).reshape(*draws.shape, -1).mean(axis=-1)
    return found
