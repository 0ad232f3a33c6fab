import numpy as np
import nutpie
import pytest
import xarray as xr

import bayesgmm as bg
from bayesgmm.draws import Draws


def test_waic_by_hand(faithful_two):
    values = faithful_two.tree["log_likelihood"]["x"].to_numpy().reshape(4000, 272)
    lppd = np.log(np.exp(values).mean(axis=0))
    p = values.var(axis=0, ddof=1)
    w = bg.waic(faithful_two)
    assert w.elpd == pytest.approx((lppd - p).sum(), rel=1e-12)
    assert w.p == pytest.approx(p.sum(), rel=1e-12)
    assert w.se == pytest.approx(np.sqrt(272) * (lppd - p).std(ddof=1), rel=1e-12)
    assert "elpd_waic" in str(w)
    assert w.warning == bool((p > 0.4).any())


def test_waic_and_loo_are_close_where_both_are_good(faithful_two):
    w, loo = bg.waic(faithful_two), bg.loo(faithful_two)
    assert (loo.pareto_k < loo.good_k).all()
    assert loo.log_weights is not None  # ArviZ's moment matching and PIT start from them
    assert w.elpd == pytest.approx(loo.elpd, abs=0.5)


@pytest.mark.parametrize("ic", ["loo", "waic"])
def test_compare(faithful_two, faithful_three, ic):
    table = bg.compare({"K=2": faithful_two, "K=3": faithful_three}, ic=ic)
    assert set(table.index) == {"K=2", "K=3"}
    criterion = {"loo": bg.loo, "waic": bg.waic}[ic]
    assert table.loc["K=2", "elpd"] == pytest.approx(criterion(faithful_two).elpd)


def test_compare_refuses_other_data_and_unknown_criteria(faithful_two, galaxies_three):
    with pytest.raises(ValueError, match="other data"):
        bg.compare({"a": faithful_two, "b": galaxies_three})
    with pytest.raises(ValueError, match="Unknown criterion 'bic'"):
        bg.compare({"a": faithful_two}, ic="bic")
    with pytest.raises(ValueError, match="nothing to compare"):
        bg.compare({})


def test_relative_efficiency_of_rows_of_low_density(faithful_two):
    """A constant added to the log density of one row changes its elpd by that constant and no Pareto k."""
    lowered = faithful_two.tree.copy()
    values = lowered["log_likelihood"]["x"].copy()
    values[..., 5] -= 60.0
    lowered["log_likelihood"] = xr.DataTree(xr.Dataset({"x": values}))
    post = bg.Posterior(lowered, faithful_two.specification, faithful_two.observations)
    assert bg.loo(post).elpd == pytest.approx(bg.loo(faithful_two).elpd - 60.0, abs=1e-9)
    np.testing.assert_allclose(bg.loo(post).pareto_k, bg.loo(faithful_two).pareto_k, atol=1e-9)


@pytest.mark.grid
def test_loo_against_exact_leave_one_out():
    """Of twenty rows ten, each left out in turn under the same prior: refits of one compiled model on 19 rows.

    Monte Carlo error of a pointwise value is about 0.02, so the tolerances are five standard errors or more.
    """
    X = bg.load_dataset("faithful")[["waiting"]].to_numpy(dtype=float)[:20]
    prior = bg.Prior.weakly_informative(X)
    post = bg.fit_bayes(X, 2, prior=prior, draws=2000, seed=3, progress=False)
    loo = bg.loo(post)
    compiled = nutpie.compile_pymc_model(bg.build_model(X[1:], 2, prior=prior), var_names=["weights", "means", "precisions"])
    exact = []
    chosen = np.arange(0, 20, 2)
    for i in chosen:
        rest = compiled.with_data(values=np.delete(X, i, axis=0))
        draws = nutpie.sample(rest, draws=1000, tune=500, chains=2, seed=i, progress_bar=False, target_accept=0.9)["posterior"]
        parameters = (draws[name].to_numpy() for name in ("weights", "means", "precisions"))
        weights, means, precisions = parameters
        left_out = Draws(weights, means, 1 / precisions, post.specification.structure).log_density(X[[i]])
        exact.append(np.log(np.exp(left_out).mean()))
    assert (loo.pareto_k < loo.good_k).all()
    np.testing.assert_allclose(loo.elpd_i[chosen], exact, atol=0.15)
    assert float(loo.elpd_i[chosen].sum()) == pytest.approx(sum(exact), abs=0.3)
    assert float(bg.waic(post).elpd_i[chosen].sum()) == pytest.approx(sum(exact), abs=0.3)


def test_blocks_of_rows_give_the_ordinary_result(faithful_two, monkeypatch):
    """Where log-likelihoods are not kept, WAIC and LOO take rows in blocks; 272 rows in blocks of 50 here."""
    bare = faithful_two.tree.copy()
    del bare["log_likelihood"]
    post = bg.Posterior(bare, faithful_two.specification, faithful_two.observations)
    monkeypatch.setattr("bayesgmm.draws.BLOCK_VALUES", 50 * 4000)
    assert [block.shape[-1] for block in post.log_likelihood_blocks()] == [50, 50, 50, 50, 50, 22]
    for criterion in (bg.waic, bg.loo):
        blocked, whole = criterion(post), criterion(faithful_two)
        for name in ("elpd", "se", "p"):
            assert getattr(blocked, name) == pytest.approx(getattr(whole, name), rel=1e-10)
        np.testing.assert_allclose(blocked.elpd_i, whole.elpd_i, rtol=1e-10)
        assert blocked.n_data_points == 272
    np.testing.assert_allclose(bg.loo(post).pareto_k, bg.loo(faithful_two).pareto_k, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(post.total_log_likelihood, faithful_two.total_log_likelihood, rtol=1e-12)
