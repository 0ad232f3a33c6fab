"""Analyses to report on. None is sampled here: one is drawn by hand around EM's estimate, one is the suite's own K = 3 fit."""

import json

import numpy as np
import pytest
import xarray as xr

import bayesgmm as bg
from bayesgmm.observations import Observations
from bayesgmm.posterior import Posterior
from bayesgmm.reporting import Analysis
from bayesgmm.selection import Candidate, Selection

HOSTILE = ("$x$", "<script>alert(1)</script>", "a/b & 'c' \"d\"", "emoji 😀 漢", "n" * 200, "line\nfeed\x07 $")
SETTINGS = {
    "engine": "nuts",
    "draws": 600,
    "tune": 100,
    "chains": 4,
    "target_accept": 0.9,
    "seed": {"entropy": 0, "spawn_key": []},
    "versions": {"numpy": np.__version__},
    "seconds": {"sample": 1.0},
}


def posterior_around(em, prior, spread=0.02, n_chains=4, n_draws=600):
    """Independent draws near EM's estimate, in the form of a fitted posterior."""
    rng, m, shape = np.random.default_rng(0), em.mixture, (n_chains, n_draws)
    weights = rng.dirichlet(500 * m.weights, shape)
    scales = np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2))
    means = m.means + spread * scales * rng.standard_normal((*shape, *m.means.shape))
    stretch = np.exp(spread * rng.standard_normal((*shape, *scales.shape)))
    covariances = m.covariances * stretch[..., :, None] * stretch[..., None, :]
    dims = ("chain", "draw")
    drawn = {
        "weights": ((*dims, "component"), weights),
        "means": ((*dims, "component", "feature"), means),
        "covariances": ((*dims, "component", "feature", "feature2"), covariances),
    }
    stats = {"lp": (dims, rng.standard_normal(shape)), "diverging": (dims, np.zeros(shape, dtype=bool))}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(drawn), "sample_stats": xr.Dataset(stats)})
    tree.attrs = {"settings": json.dumps(SETTINGS)}
    return Posterior(tree, bg.Specification(m.n_components, em.specification.covariance, prior), em.observations)


@pytest.fixture(scope="session")
def hostile():
    """Six features with hostile names, three clear components among K = 2 and 3."""
    X, _, _ = bg.simulate(240, n_components=3, n_features=6, separation=6.0, seed=1)
    observations = Observations.from_data(X, names=HOSTILE)
    prior = bg.Prior.weakly_informative(observations)
    fits = {k: bg.fit_em(observations, k) for k in (2, 3)}
    selection = Selection({k: Candidate(em, posterior_around(em, prior)) for k, em in fits.items()})
    return Analysis.of(selection, source="<b>bold</b> & $money$.csv")


@pytest.fixture(scope="session")
def withheld(faithful_three):
    """Components that may not be believed."""
    em = bg.fit_em(faithful_three.observations, 3)
    return Analysis.of(Selection({3: Candidate(em, faithful_three)}))


@pytest.fixture(scope="session")
def one_feature():
    """d = 1 and K = 1, with a prior of its own."""
    observations = Observations.from_data(bg.load_dataset("galaxies"))
    prior = bg.Prior.weakly_informative(observations, weights_concentration=2.0)
    em = bg.fit_em(observations, 1)
    return Analysis.of(Selection({1: Candidate(em, posterior_around(em, prior))}), source="galaxies")
