"""Two sets of chains of one posterior, held against each other."""

import arviz as az
import numpy as np


def label_free(post):
    """Chains (chain, draw, quantity): log-likelihood, sorted weights, log density at five rows, mean of log |precision|."""
    rows = np.linspace(0, len(post.observations.values) - 1, 5).astype(int)
    parts = (
        post.total_log_likelihood[..., None],
        np.sort(post.draws.weights, axis=2),
        post.draws.log_density(post.observations.values[rows]),
        -np.linalg.slogdet(post.draws.covariances)[1].mean(axis=2, keepdims=True),
    )
    return np.concatenate(parts, axis=2)


def differences(one, other):
    """Of posterior means of chains (chain, draw, quantity), in Monte Carlo standard errors."""
    return np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))) / np.hypot(az.mcse(one), az.mcse(other))


def fewest_draws(*chains):
    """The smallest effective number of draws: with few of them any means agree."""
    return min(float(az.ess(each).min()) for each in chains)
