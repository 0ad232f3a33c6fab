import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import posterior
from bayesgmm.em import ConvergenceWarning

FAITHFUL = bg.load_dataset("faithful")


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_components_are_matched_whatever_their_order(faithful_two, order):
    em = bg.fit_em(FAITHFUL, 2, start=bg.fit_em(FAITHFUL, 2).mixture.permuted(order))
    c = bg.compare_em_bayes(em, faithful_two)
    assert list(c.table.columns) == ["parameter", "em", "em_se", "map", "mean", "sd", "interval", "difference_in_sd"]
    assert (c.table["difference_in_sd"].abs() < 1).all()
    assert (c.table["sd"] > 0).all()
    np.testing.assert_allclose(c.table["difference_in_sd"], (c.table["em"] - c.table["mean"]) / c.table["sd"])
    assert len(c.responsibilities) == 272
    np.testing.assert_allclose(c.responsibilities["em"], c.responsibilities["mean"], atol=0.15)
    assert "0 of 272 rows" in c.verdict[-1]


def test_map_is_the_mode_of_the_same_posterior(faithful_two):
    mode = bg.fit_em(FAITHFUL, 2, prior=faithful_two.specification.prior).mixture
    c = bg.compare_em_bayes(bg.fit_em(FAITHFUL, 2), faithful_two)
    large = int(mode.weights.argmax())
    row = c.table.set_index("parameter").loc["weights[0]"]  # relabelled components are numbered from the largest down
    assert row["map"] == pytest.approx(mode.weights[large], abs=1e-5)
    assert row["interval"][0] < row["mean"] < row["interval"][1]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_standard_errors_stand_beside_posterior_sds(faithful_two, order):
    em = bg.fit_em(FAITHFUL, 2, start=bg.fit_em(FAITHFUL, 2).mixture.permuted(order))
    table = bg.compare_em_bayes(em, faithful_two).table
    np.testing.assert_allclose(table["em_se"], table["sd"], rtol=0.2)  # 272 rows: the posterior is not yet normal


def test_a_fit_without_standard_errors_is_compared_all_the_same(faithful_two):
    with pytest.warns(ConvergenceWarning, match="Still rising"):
        em = bg.fit_em(FAITHFUL, 2, max_iterations=1)
    table = bg.compare_em_bayes(em, faithful_two).table
    assert table["em_se"].isna().all()
    assert table["em"].notna().all()


def test_components_that_are_not_resolved_are_told(faithful_three):
    c = bg.compare_em_bayes(bg.fit_em(FAITHFUL, 3), faithful_three)
    assert "may not be read as components" in c.verdict[0]


def test_different_models_or_data_are_refused(faithful_two):
    with pytest.raises(ValueError, match="n_components = 3 and the posterior 2"):
        bg.compare_em_bayes(bg.fit_em(FAITHFUL, 3), faithful_two)
    with pytest.raises(ValueError, match="covariance = 'EEE'"):
        bg.compare_em_bayes(bg.fit_em(FAITHFUL, 2, "tied"), faithful_two)
    with pytest.raises(ValueError, match="different data"):
        bg.compare_em_bayes(bg.fit_em(FAITHFUL[:-1], 2), faithful_two)
    with pytest.raises(ValueError, match="row weights"):
        bg.compare_em_bayes(bg.fit_em(FAITHFUL, 2, sample_weight=np.arange(1, 273)), faithful_two)


def test_rows_that_are_not_in_memory_are_compared_by_those_that_are_kept(monkeypatch):
    X = FAITHFUL.to_numpy()
    source = bg.Blocks(lambda: [X[:150], X[150:]])
    monkeypatch.setattr(posterior, "KEPT_ROWS", 100)
    em = bg.fit_em(source, 2)
    post = bg.fit_bayes(source, 2, engine="laplace", draws=400, chains=4, progress=False)
    c = bg.compare_em_bayes(em, post)
    assert "of 100 rows that were looked at" in c.verdict[-1]
    assert (c.table["difference_in_sd"].abs() < 1).all()
    np.testing.assert_allclose(c.table["em_se"], c.table["sd"], rtol=0.3)
    assert c.table["map"].notna().all()
    numbers = c.responsibilities.index.to_numpy()
    np.testing.assert_array_equal(X[numbers], post.some_rows)
    shares = em.mixture.responsibilities(X[numbers])
    np.testing.assert_array_equal(c.responsibilities["em"], shares.max(axis=1))
    with pytest.raises(ValueError, match="different data"):
        bg.compare_em_bayes(bg.fit_em(bg.Blocks(lambda: [X[:150]]), 2), post)
