import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import selection as selection_module
from bayesgmm.engines import telescoping
from bayesgmm.interruption import PartialWarning
from bayesgmm.selection import Candidate, Selection, sweep


@pytest.fixture(scope="module")
def selection(faithful_two, faithful_three):
    X = bg.load_dataset("faithful")
    return Selection({k: Candidate(bg.fit_em(X, k), post) for k, post in {2: faithful_two, 3: faithful_three}.items()})


def test_table(selection):
    table = selection.table
    assert list(table.index) == [2, 3]
    assert table.index.name == "n_components"
    assert {"aic", "bic", "icl", "elpd_waic", "elpd_waic_se", "elpd_loo", "elpd_loo_se"} <= set(table.columns)
    assert table.loc[2, "bic"] == pytest.approx(2322.192, abs=1e-3)
    assert list(table["components_trusted"]) == [True, False]
    assert table["elpd_loo_diff"].max() == 0
    assert table.loc[2, "elpd_loo"] == bg.loo(selection.candidates[2].posterior).elpd


def test_choice_and_reasons(selection):
    assert selection.by_bic == selection.chosen == 2
    assert selection.reasons[0] == "BIC is lowest at K = 2; K = 3 is 2.0 higher, a near tie."
    told = any("K = 3 have not converged" in sentence for sentence in selection.reasons)
    assert told == (not selection.table.loc[3, "converged"])


def test_a_single_candidate(selection):
    one = Selection({2: selection.candidates[2]})
    assert one.chosen == 2
    assert one.table.loc[2, "elpd_loo_diff"] == 0
    assert "no other number was tried" in one.reasons[0]


def test_loo_prefers_fewer_components_within_a_standard_error(selection):
    table = selection.table
    near = np.abs(table.loc[2, "elpd_loo_diff"]) <= table.loc[2, "elpd_loo_diff_se"]
    assert selection.by_loo == (2 if near or not table.loc[3, "converged"] else 3)


@pytest.mark.parametrize(("numbers", "sentence"), [([], "empty"), ([0], "at least 1")])
def test_impossible_numbers(numbers, sentence):
    with pytest.raises(ValueError, match=sentence):
        sweep(bg.load_dataset("faithful"), numbers)


@pytest.fixture(scope="module")
def page():
    X, _, _ = bg.simulate(120, 2, 1, 5.0, seed=1)
    return bg.select_n_components(X, [1, 2, 3], "spherical", draws=500, tune=200, progress=False)


def test_one_page_has_every_answer(page):
    told = {"bic", "icl", "elpd_loo", "log_evidence", "log_evidence_se", "probability", "p_components", "p_filled"}
    assert told <= set(page.columns)
    assert page["bic"].idxmin() == page["log_evidence"].idxmax() == page["p_filled"].idxmax() == 2
    assert page["probability"].sum() == pytest.approx(1)
    reasons = page.attrs["reasons"]
    assert any("The evidence is highest at K = 2" in sentence for sentence in reasons)
    assert any("2 filled components are likeliest" in sentence for sentence in reasons)


def test_evidence_and_telescoping_tell_the_same_odds(page):
    """The odds of K = 3 to K = 2 by the evidence, times those of the prior on K, beside those with K unknown."""
    prior = bg.ComponentsPrior.beta_negative_binomial().probabilities
    by_evidence = page.loc[3, "probability"] / page.loc[2, "probability"] * prior[2] / prior[1]
    assert page.loc[3, "p_components"] / page.loc[2, "p_components"] == pytest.approx(by_evidence, rel=0.25)


def test_what_has_no_evidence_has_none_on_the_page():
    X, _, _ = bg.simulate(60, 2, 1, 5.0, seed=1)
    prior = bg.Prior.weakly_informative(X, "spherical", weights_concentration=[1.0, 2.0])
    page = bg.select_n_components(X, [2], "spherical", prior, draws=200, tune=100, progress=False)
    assert page["log_evidence"].isna().all()
    assert "p_filled" not in page


def test_what_is_finished_is_not_lost(monkeypatch):
    """Ctrl-C while the number itself is drawn."""
    X, _, _ = bg.simulate(60, 2, 1, 5.0, seed=1)

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(telescoping, "fit_mfm", stopped)
    with pytest.warns(PartialWarning, match="p_components and p_filled"):
        page = bg.select_n_components(X, [2], "spherical", draws=200, tune=100, progress=False)
    assert np.isfinite(page["log_evidence"]).all()


def test_of_rows_that_are_not_in_memory_all_but_the_number_itself_is_told(monkeypatch):
    X, _, _ = bg.simulate(60, 2, 1, 5.0, seed=1)
    source = bg.Blocks(lambda: [X[:30], X[30:]])
    settings = {"draws": 100, "tune": 50, "chains": 2, "progress": False}
    page = bg.select_n_components(source, [1, 2], "spherical", engine="laplace", **settings)
    beside = bg.fit_em(X, 2, "spherical")
    assert page.loc[2, "bic"] == pytest.approx(beside.bic)
    assert np.isfinite(page["elpd_loo"]).all()
    assert "p_components" not in page
    monkeypatch.setattr(selection_module, "fit_em", None)
    with pytest.raises(ValueError, match="NUTS does not take rows that are not in memory"):
        bg.select_n_components(source, [1, 2], "spherical", engine="nuts", **settings)
