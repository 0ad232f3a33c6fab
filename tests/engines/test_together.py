"""Chains that share each pass, above all over rows that are not in memory."""

from functools import partial

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.engines import gibbs
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import Observations
from bayesgmm.sources import Blocks, Npy, Source
from bayesgmm.sources.absent import Absent
from tests.sources.test_sources import parts

N = 1500
X, _, TRUTH = bg.simulate(N, 3, 3, 5.0, seed=3)
SHORT = {"draws": 60, "tune": 10, "chains": 3, "thin": 1, "progress": False, "engine": "gibbs"}


def stored(*ends):
    return Blocks(partial(parts, X, ends or (0, 400, 1100, N)))


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """The same chains in memory and of a file in blocks of 256 rows, long enough to be looked at."""
    path = tmp_path_factory.mktemp("rows") / "x.npy"
    np.save(path, X)
    settings = SHORT | {"draws": 300, "tune": 20}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "block_rows", 256)
        return bg.fit_bayes(X, 3, **settings), bg.fit_bayes(Npy(path), 3, **settings)


def test_it_is_the_chain_of_the_array(fits):
    """From the same starts, with the same streams: a row changes its component by the rounding of sums with odds of 1e-9."""
    here, there = fits
    for name in here.tree["posterior"].data_vars:
        np.testing.assert_allclose(there.tree["posterior"][name], here.tree["posterior"][name], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(there.tree["sample_stats"]["lp"], here.tree["sample_stats"]["lp"], rtol=1e-11)
    np.testing.assert_allclose(there.total_log_likelihood, here.total_log_likelihood, rtol=1e-11)


@pytest.mark.parametrize("code", ["EEI", "VII"])
def test_thinned_and_switched_chains_are_those_of_the_array(code):
    settings = SHORT | {"draws": 10, "thin": 3, "switch_labels": True, "warm_start": TRUTH}
    here, there = (bg.fit_bayes(data, 3, code, **settings) for data in (X, stored()))
    np.testing.assert_allclose(there.draws.means, here.draws.means, rtol=1e-8)
    np.testing.assert_allclose(there.tree["sample_stats"]["lp"], here.tree["sample_stats"]["lp"], rtol=1e-11)


def test_how_rows_are_cut_changes_no_bit(monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 200)
    one, other = (bg.fit_bayes(stored(*ends), 3, **SHORT) for ends in ((0, N), (0, 1, 333, 950, N)))
    for name in one.tree["posterior"].data_vars:
        np.testing.assert_array_equal(one.tree["posterior"][name], other.tree["posterior"][name])


def test_many_rows_in_memory_are_gone_through_together(monkeypatch):
    apart = bg.fit_bayes(X, 3, **SHORT)
    monkeypatch.setattr(gibbs, "MANY_ROWS", N)
    together = bg.fit_bayes(X, 3, **SHORT)
    np.testing.assert_array_equal(together.draws.means, apart.draws.means)
    assert gibbs.default_thin(N) == 1


def test_what_is_drawn_before_ctrl_c_is_kept():
    """Readings: 1 to check, 1 for the starts, 10 sweeps of tuning, and of the rest the draw of each is known one later."""
    readings = iter(range(100))

    def factory():
        if next(readings) == 40:
            raise KeyboardInterrupt
        return parts(X, (0, 700, N))

    with pytest.warns(PartialWarning):
        post = bg.fit_bayes(Blocks(factory), 3, **SHORT)
    whole = bg.fit_bayes(stored(), 3, **SHORT)
    assert 20 < post.n_draws < 30
    np.testing.assert_allclose(post.draws.means, whole.draws.means[:, : post.n_draws], rtol=1e-8)
    np.testing.assert_allclose(post.total_log_likelihood, whole.total_log_likelihood[:, : post.n_draws], rtol=1e-11)


def test_what_is_said_of_it_is_what_is_said_of_the_array(fits):
    here, there = fits
    assert {"observed_data", "log_likelihood"}.isdisjoint(there.tree.children)
    np.testing.assert_array_equal(bg.relabel(there).permutation, bg.relabel(here).permutation)
    assert bg.diagnose(there).components_trusted
    np.testing.assert_allclose(there.summary()["mean"], here.summary()["mean"], rtol=1e-8, atol=1e-9)
    assert bg.waic(there).elpd == pytest.approx(bg.waic(here).elpd, rel=1e-10)
    assert set(bg.compare({"one": there, "other": there}, ic="waic")["elpd_diff"]) == {0.0}
    np.testing.assert_allclose(bg.memberships(there, X[:9]).mean, bg.memberships(here, X[:9]).mean, rtol=1e-6, atol=1e-9)
    with pytest.raises(TypeError, match="1,500 rows are read block by block"):
        bg.draw_allocations(there)
    with pytest.raises(ValueError, match=r"not fitted again.*use loo\(\) without refit"):
        bg.loo(there, refit=True)


def test_a_saved_posterior_says_where_its_rows_were(fits, tmp_path):
    there = bg.relabel(fits[1])
    there.save(tmp_path / "fit.nc")
    loaded = bg.load(tmp_path / "fit.nc")
    assert loaded.tree.identical(there.tree)
    assert isinstance(loaded.observations.values.source, Absent)
    np.testing.assert_array_equal(loaded.observations.ranges, there.observations.ranges)
    np.testing.assert_allclose(loaded.observations.covariance, there.observations.covariance, rtol=1e-14)
    assert loaded.summary().equals(there.summary())
    np.testing.assert_array_equal(bg.memberships(loaded, X[:9]).mean, bg.memberships(there, X[:9]).mean)
    with pytest.raises(ValueError, match=r"does not hold the 1,500 rows of .*x\.npy, and what was asked for needs them"):
        bg.waic(loaded)
    loaded.save(tmp_path / "again.nc")
    assert bg.load(tmp_path / "again.nc").tree.identical(there.tree)


def test_laplace_is_that_of_the_array():
    settings = {"engine": "laplace", "draws": 100, "chains": 2, "progress": False}
    here, there = (bg.fit_bayes(data, 3, **settings) for data in (X, stored()))
    np.testing.assert_allclose(there.draws.means, here.draws.means, rtol=1e-6)
    np.testing.assert_allclose(there.total_log_likelihood, here.total_log_likelihood, rtol=1e-8)
    assert bg.loo(there).elpd == pytest.approx(bg.loo(here).elpd, abs=1e-4)


def test_nuts_names_the_engines_that_take_them():
    with pytest.raises(ValueError, match=r"NUTS does not take rows that are not in memory.*engine='gibbs' or 'laplace'"):
        bg.fit_bayes(stored(), 3, engine="nuts", progress=False)
    with pytest.raises(ValueError, match=r"NUTS does not take rows that are not in memory"):
        bg.fit_bayes(stored(), 3, prior=bg.Prior.weakly_informative(Observations.from_data(X), family="lkj"), progress=False)
