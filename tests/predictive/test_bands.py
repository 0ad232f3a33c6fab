"""Density and distribution function beside single draws' and beside each other."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

import bayesgmm as bg
from bayesgmm import prediction
from bayesgmm.predictive import cdf, density

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.posterior.UnconvergedWarning")  # of draws by hand, or few of them

LIMITS = [0.1, 0.9]


def test_density_is_the_mean_of_those_of_the_draws(handmade):
    X = handmade.observations.values[:7]
    logs = np.stack([m.log_density(X) for m in handmade.draws.thinned(60)])
    found, in_logs = density(handmade, X, prob=0.8), density(handmade, X, prob=0.8, log=True)
    np.testing.assert_allclose(in_logs["mean"], logsumexp(logs, axis=0) - np.log(60), rtol=1e-12)
    np.testing.assert_allclose(in_logs[["lower", "upper"]].T, np.quantile(logs, LIMITS, axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.log(found), in_logs, rtol=1e-12)


def test_density_far_out(handmade):
    far = np.full((1, 4), 1e6)
    assert (density(handmade, far) == 0).all(axis=None)
    assert (density(handmade, far, log=True) < -1e6).all(axis=None)


def test_cdf_is_the_mean_of_those_of_the_draws(handmade):
    x = [-np.inf, -3.0, 0.0, 2.5, np.inf]
    each = np.stack([prediction.cdf(m.marginal([2]), x) for m in handmade.draws.thinned(60)])
    for feature in (2, "x3"):
        found = cdf(handmade, x, feature, prob=0.8)
        np.testing.assert_allclose(found["mean"], each.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found[["lower", "upper"]].T, np.quantile(each, LIMITS, axis=0), rtol=1e-12)
    assert found.index.name == "x3"
    assert cdf(handmade, 0.0, 2).shape == (1, 3)


def test_cdf_is_the_integral_of_the_density():
    post = bg.fit_bayes(bg.load_dataset("galaxies"), 3, "spherical", engine="gibbs", draws=50, tune=50, thin=1, progress=False)
    ends = [5.0, 12.0, 20.0, 24.0, 33.0]
    steps = np.diff(cdf(post, ends)["mean"])
    nodes, weights = np.polynomial.legendre.leggauss(200)
    for (low, high), step in zip(pairwise(ends), steps, strict=True):
        half = (high - low) / 2
        integral = half * weights @ density(post, low + half * (nodes + 1))["mean"].to_numpy()
        assert integral == pytest.approx(step, abs=1e-9)


def test_blocks_of_points_change_nothing(handmade, monkeypatch):
    X = handmade.observations.values
    whole = density(handmade, X), cdf(handmade, X[:, 1], 1)
    monkeypatch.setattr("bayesgmm.draws.BLOCK_VALUES", 2000)
    for one, other in zip(whole, (density(handmade, X), cdf(handmade, X[:, 1], 1)), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_relabelling_changes_nothing(faithful):
    X = faithful.observations.values[:20]
    pd.testing.assert_frame_equal(density(bg.relabel(faithful), X), density(faithful, X), rtol=1e-12)


def test_an_unknown_number_of_components(unknown):
    X = unknown.observations.values[:5]
    each = [m.log_density(X) for m in unknown.draws.thinned(10_000)]
    np.testing.assert_allclose(density(unknown, X)["mean"], np.exp(each).mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(cdf(unknown, [-1e9, 1e9], 0)["mean"], [0, 1], atol=1e-12)


def test_what_cannot_be_asked(faithful, handmade):
    with pytest.raises(ValueError, match="name one of 'eruptions', 'waiting'"):
        cdf(faithful, [1.0])
    with pytest.raises(ValueError, match=r"Unknown feature 'wating'.*mean 'waiting'"):
        cdf(faithful, [1.0], "wating")
    with pytest.raises(ValueError, match="none of them NaN"):
        cdf(faithful, [np.nan], 0)
    with pytest.raises(ValueError, match="asked for are 'eruptions', 'waiting'"):
        density(faithful, pd.DataFrame({"eruptions": [2.0], "wait": [50.0]}))
    with pytest.raises(ValueError, match=r"have the columns 'x1', 'x2', 'x3', 'x4', 'x5', and asked for are"):
        density(handmade, np.zeros((1, 5)))
    with pytest.raises(ValueError, match="prob must be"):
        density(faithful, [[2.0, 50.0]], prob=90)
    for function in (cdf, density):
        with pytest.raises(TypeError, match="Posterior or an MfmPosterior"):
            function(faithful.draws, [1.0])
