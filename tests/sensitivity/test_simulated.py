import arviz as az
import matplotlib
import numpy as np
import pytest
from scipy import stats

import bayesgmm as bg
from bayesgmm.sensitivity import prior_predictive

FAITHFUL = bg.load_dataset("faithful")


def test_against_direct_simulation():
    """One feature: a row is N(3, 2^2) plus a scaled t; two rows share one of 2 components with probability (e + 1) / (2 e + 1).

    The law by Kolmogorov and Smirnov at the level 0.001, the covariance of two rows within four standard errors; a fixed seed.
    """
    e, location, scale, c, rate = 0.5, 3.0, 2.0, 4.0, 6.0
    spec = bg.Specification(2, "spherical", bg.Prior.inverse_wishart(location, scale, c, rate, weights_concentration=e))
    x = prior_predictive(spec, 2, n_draws=4000, seed=5, n_features=1)["prior_predictive"]["x"].to_numpy()[0, :, :, 0]
    rng = np.random.default_rng(6)
    direct = rng.normal(location, scale, 20_000) + np.sqrt(rate / c) * rng.standard_t(2 * c, 20_000)
    assert stats.ks_2samp(x[:, 0], direct).pvalue > 0.001
    products = (x[:, 0] - location) * (x[:, 1] - location)
    assert products.mean() == pytest.approx((e + 1) / (2 * e + 1) * scale**2, abs=4 * products.std() / np.sqrt(4000))


def test_data_sets_of_the_prior_itself():
    """The same mixtures and rows as Prior.sample_data has; names and data are the posterior's."""
    post = bg.fit_bayes(FAITHFUL, 2, draws=50, tune=20, progress=False)
    tree = prior_predictive(post, n_draws=20, seed=3)
    data = post.specification.prior.sample_data(20, len(FAITHFUL), 2, seed=3)
    np.testing.assert_array_equal(tree["prior_predictive"]["x"][0], [x for x, _, _ in data])
    np.testing.assert_array_equal(tree["prior"]["covariances"][0], [truth.covariances for _, _, truth in data])
    np.testing.assert_array_equal(tree["observed_data"]["x"], FAITHFUL)
    assert tree["prior"]["means"].dims == ("chain", "draw", "component", "feature")
    assert list(tree["prior_predictive"]["feature"].values) == ["eruptions", "waiting"]
    assert prior_predictive(post, 7, n_draws=3)["prior_predictive"]["x"].shape == (1, 3, 7, 2)
    matplotlib.use("Agg")
    drawn = az.plot_ppc_dist(tree, group="prior_predictive", cols=["feature"], num_samples=3)
    matplotlib.pyplot.close(drawn.viz["figure"].item())


def test_what_cannot_be_drawn():
    prior = bg.Prior.weakly_informative(FAITHFUL)
    spec = bg.Specification(2, "full", prior)
    assert list(prior_predictive(spec, 5, n_draws=2)["prior_predictive"]["feature"].values) == ["x1", "x2"]
    with pytest.raises(ValueError, match="give n_observations"):
        prior_predictive(spec)
    with pytest.raises(ValueError, match="needs a prior"):
        prior_predictive(bg.Specification(2, "full"), 5)
    with pytest.raises(ValueError, match="give n_features"):
        prior_predictive(bg.Specification(2, "spherical", bg.Prior.lkj()), 5)
    with pytest.raises(ValueError, match="with noise in the specification"):
        prior_predictive(bg.fit_em(FAITHFUL, 2, noise=True).specification, 5)
    with pytest.raises(TypeError, match="must be a Posterior"):
        prior_predictive(prior)
