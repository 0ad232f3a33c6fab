"""Posteriors that nobody sampled: draws around an EM estimate, in everything else as fit_bayes makes them."""

import numpy as np
import xarray as xr

import bayesgmm as bg

SETTINGS = {
    "engine": "nuts",
    "draws": 20,
    "tune": 10,
    "chains": 3,
    "drawn": {"chains": 3, "draws": 20},
    "partial": False,
    "target_accept": 0.9,
    "seed": {"entropy": 0, "spawn_key": []},
    "warm_start": "map",
    "versions": {"numpy": np.__version__},
    "seconds": {"sample": 1.0},
}


def drawn_around(em, prior=None, n_chains=3, n_draws=20, **settings):
    """A posterior of n_chains x n_draws, with settings changed as named."""
    rng, m, shape = np.random.default_rng(0), em.mixture, (n_chains, n_draws)
    prior = bg.Prior.weakly_informative(em.observations, em.specification.covariance) if prior is None else prior
    scales = np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2))
    means = m.means + 0.02 * scales * rng.standard_normal((*shape, *m.means.shape))
    covariances = m.covariances * np.exp(0.02 * rng.standard_normal(shape))[..., None, None, None]
    features = list(em.observations.names)
    drawn = xr.Dataset(
        {
            "weights": (("chain", "draw", "component"), rng.dirichlet(500 * m.weights, shape)),
            "means": (("chain", "draw", "component", "feature"), means),
            "covariances": (("chain", "draw", "component", "feature", "feature2"), covariances),
            "precisions": (("chain", "draw", "component", "feature", "feature2"), np.linalg.inv(covariances)),
            "precisions_rate": (("chain", "draw", "feature", "feature2"), covariances.mean(axis=2)),
        },
        coords={"chain": range(n_chains), "draw": range(n_draws), "feature": features, "feature2": features},
    )
    lp = rng.standard_normal(shape)
    stats = xr.Dataset({"lp": (("chain", "draw"), lp), "diverging": (("chain", "draw"), lp > 2)}, coords=drawn.coords)
    specification = bg.Specification(m.n_components, em.specification.covariance, prior)
    stats = stats.drop_vars(["feature", "feature2"])
    return bg.Posterior.assembled(drawn, stats, specification, em.observations, SETTINGS | settings)
