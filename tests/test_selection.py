import numpy as np
import pytest

import bayesgmm as bg
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
