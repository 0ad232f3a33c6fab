"""Drawn data sets beside the law that they are drawn from."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest

import bayesgmm as bg
from bayesgmm.predictive import by_feature, cdf, posterior_predictive
from bayesgmm.predictive.replicates import data_sets
from bayesgmm.streams import seed_sequence

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.posterior.UnconvergedWarning")  # of draws by hand, or few of them


def pooled(tree):
    return tree["posterior_predictive"]["x"].stack(row=("chain", "draw", "observation")).transpose("row", "feature").to_numpy()


@pytest.mark.parametrize("name", ["faithful", "unknown"])
def test_rows_follow_the_predictive_distribution(name, request):
    """Kolmogorov-Smirnov at 1 in 10,000 for each feature, seeds fixed; rows spread evenly over draws can only come closer."""
    post = request.getfixturevalue(name)
    rows = pooled(posterior_predictive(post, n_draws=400, seed=1))
    at = np.random.default_rng(0).choice(len(rows), 2000, replace=False)
    for j in range(2):
        assert kstest(rows[at, j], lambda x, j=j: cdf(post, x, j)["mean"].to_numpy()).pvalue > 1e-4


def test_each_draw_has_the_moments_of_its_mixture(handmade):
    """5 standard errors of 3 draws' means and second moments: 42 numbers, 3e-5 for a false alarm."""
    few, n = handmade.draws.at_most(3), 40_000
    drawn = data_sets(few, n, seed_sequence(2))
    for chain, s in np.ndindex(*few.shape):
        m, x = few.mixture(chain, s), drawn[chain, s]
        mean = m.weights @ m.means
        second = np.einsum("k,kij->ij", m.weights, m.covariances + m.means[:, :, None] * m.means[:, None, :])
        products = x[:, :, None] * x[:, None, :]
        assert (np.abs(x.mean(axis=0) - mean) < 5 * x.std(axis=0) / np.sqrt(n)).all()
        assert (np.abs(products.mean(axis=0) - second) < 5 * products.std(axis=0) / np.sqrt(n)).all()


def test_shares_of_components(handmade):
    """Components moved far apart tell which one a row is from; 5 standard errors."""
    few = handmade.draws.at_most(3)
    apart = bg.draws.Draws(few.weights, few.means + 1e6 * np.arange(3)[:, None], few.covariances, few.structure)
    came_from = np.rint(data_sets(apart, 20_000, seed_sequence(0))[..., 0] / 1e6)
    shares = np.stack([(came_from == k).mean(axis=-1) for k in range(3)], axis=-1)
    assert (np.abs(shares - few.weights) < 5 * np.sqrt(few.weights * (1 - few.weights) / 20_000)).all()


def test_nothing_comes_from_places_without_a_component(unknown):
    empty = unknown.draws.weights == 0
    assert empty.any()
    draws = bg.draws.Draws(
        unknown.draws.weights,
        np.where(empty[..., None], 1e9, unknown.draws.means),
        unknown.draws.covariances,
        unknown.draws.structure,
    )
    assert np.abs(data_sets(draws, 200, seed_sequence(0))).max() < 1e6


def test_blocks_change_no_bit_and_seeds_all(handmade, monkeypatch):
    whole = posterior_predictive(handmade, seed=3)["posterior_predictive"]["x"]
    monkeypatch.setattr("bayesgmm.draws.BLOCK_VALUES", 1000)
    xr.testing.assert_identical(posterior_predictive(handmade, seed=3)["posterior_predictive"]["x"], whole)
    assert not posterior_predictive(handmade, seed=4)["posterior_predictive"]["x"].equals(whole)


def test_how_many_are_drawn(faithful, monkeypatch):
    assert posterior_predictive(faithful)["posterior_predictive"]["x"].shape == (4, 500, 272, 2)
    few = posterior_predictive(faithful, n_draws=30)["posterior_predictive"]["x"]
    assert few.shape == (4, 8, 272, 2)
    assert few["draw"].to_numpy().tolist() == list(range(0, 500, 67))
    monkeypatch.setattr("bayesgmm.predictive.replicates.KEPT_VALUES", 100 * 272 * 2)
    assert posterior_predictive(faithful)["posterior_predictive"]["x"].shape == (4, 25, 272, 2)
    assert posterior_predictive(faithful, n_draws=1)["posterior_predictive"]["x"].shape == (4, 1, 272, 2)


@pytest.mark.parametrize("plot", ["plot_ppc_dist_pit", "plot_ppc_tstat", "plot_ppc_interval"])
def test_arviz_takes_it(faithful, plot):
    import arviz as az
    from matplotlib import pyplot

    tree = by_feature(posterior_predictive(faithful, n_draws=60))
    assert list(tree["observed_data"].data_vars) == ["eruptions", "waiting"]
    getattr(az, plot)(tree, backend="matplotlib")
    pyplot.close("all")


def test_names_that_a_tree_cannot_hold():
    post = bg.fit_bayes(
        bg.load_dataset("faithful").add_suffix("/minute"), 2, engine="gibbs", draws=20, tune=20, thin=1, progress=False
    )
    assert list(by_feature(posterior_predictive(post))["observed_data"].data_vars) == ["eruptions|minute", "waiting|minute"]


def test_what_is_no_posterior_is_refused(faithful):
    with pytest.raises(TypeError, match="Posterior or an MfmPosterior"):
        posterior_predictive(faithful.tree)
    with pytest.raises(ValueError, match="n_draws must be at least 1"):
        posterior_predictive(faithful, n_draws=0)
