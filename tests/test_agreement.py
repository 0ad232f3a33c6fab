"""Whether two samplers found the same posterior: right ones agree, a planted difference is found."""

import numpy as np
import pytest
from scipy.stats import norm

import bayesgmm as bg
from bayesgmm.agreement import FALSE_ALARM, agreement, matched
from bayesgmm.engines import engines_for
from bayesgmm.reporting import Analysis, answer, render
from bayesgmm.reporting.analysis import NOT_ASKED, Check, check_by_another_engine
from bayesgmm.selection import Candidate, Selection
from tests.handmade import drawn_around

FAITHFUL = bg.load_dataset("faithful")
SETTINGS = {"draws": 1000, "tune": 500}


@pytest.fixture(scope="module")
def by_gibbs():
    return bg.fit_bayes(FAITHFUL, 2, seed=8, progress=False)


def test_auto_is_the_fastest_engine_that_takes_the_model(by_gibbs):
    assert by_gibbs.settings["engine"] == "gibbs"
    assert engines_for(by_gibbs.specification) == ["gibbs", "nuts"]
    lkj = bg.Prior.weakly_informative(FAITHFUL, family="lkj")
    assert engines_for(bg.Specification(2, "VVV", lkj)) == ["nuts"]


def test_right_samplers_agree(by_gibbs, faithful_two):
    """One pair in 1,000 would not."""
    found = agreement(by_gibbs, faithful_two)
    assert found.engines == ("Gibbs", "NUTS")
    assert found.agrees
    assert not found.is_disputed
    assert "NUTS, another sampler of the same posterior, agrees with Gibbs" in found.verdict
    free = by_gibbs.diagnosis.label_free
    assert list(found.table.index) == list(free.index)
    assert norm.sf(found.allowed) * 2 * len(free) == pytest.approx(FALSE_ALARM)


def test_another_posterior_is_told_from_the_first(faithful_two):
    """The same data under a prior that draws the weights together."""
    prior = bg.Prior.weakly_informative(FAITHFUL, weights_concentration=30.0)
    found = agreement(bg.fit_bayes(FAITHFUL, 2, prior=prior, seed=8, progress=False), faithful_two)
    assert found.is_disputed
    assert "DISAGREES with Gibbs" in found.verdict
    assert found.table["difference"].abs().idxmax() in found.verdict


def test_chains_that_have_not_converged_tell_nothing(by_gibbs):
    few = bg.fit_bayes(FAITHFUL, 3, draws=20, tune=5, thin=1, seed=1, progress=False)
    found = agreement(few, few)
    assert found.unconverged == ("Gibbs", "Gibbs")
    assert not found.is_disputed
    assert "tells nothing: the chains of Gibbs and Gibbs" in found.verdict


def selection_of(posterior, k=2):
    return Selection({k: Candidate(bg.fit_em(FAITHFUL, k), posterior)})


def test_the_check_of_a_report_is_by_another_engine_from_other_starts(by_gibbs):
    root = np.random.SeedSequence(8)
    check = check_by_another_engine(selection_of(by_gibbs), root, False, {**SETTINGS, "thin": 5, "engine": "auto", "chains": 2})
    assert check.agreement.engines == ("Gibbs", "NUTS")
    assert check.agreement.agrees
    assert not check.is_disputed


def test_a_disputed_posterior_is_believed_by_no_page(by_gibbs, faithful_two):
    """Whatever the chains say of themselves."""
    prior = bg.Prior.weakly_informative(FAITHFUL, weights_concentration=30.0)
    other = agreement(bg.fit_bayes(FAITHFUL, 2, prior=prior, seed=8, progress=False), faithful_two)
    whole = Analysis.of(selection_of(by_gibbs), check=Check(agreement(by_gibbs, faithful_two)))
    assert whole.diagnosis.components_trusted
    assert "check=False" not in whole.command
    disputed = Analysis.of(selection_of(by_gibbs), check=Check(other))
    assert not disputed.diagnosis.converged
    assert not disputed.diagnosis.components_trusted
    assert disputed.diagnosis.verdict[0].startswith("No: another sampler")
    assert answer(disputed)[0].startswith("No number in this report may be used yet")
    page = render(disputed)
    assert "DISAGREES with Gibbs" in page
    assert "may be believed.</li>" not in page
    assert "Component parameters are withheld" in page


def test_why_nobody_checks(by_gibbs):
    root = np.random.SeedSequence(0)
    lkj = bg.Prior.weakly_informative(FAITHFUL, family="lkj")
    alone = drawn_around(bg.fit_em(FAITHFUL, 2), prior=lkj)
    assert "Only NUTS takes this model" in check_by_another_engine(selection_of(alone), root, False, {}).verdict
    few = bg.fit_bayes(FAITHFUL, 3, draws=20, tune=5, thin=1, seed=1, progress=False)
    check = check_by_another_engine(selection_of(few, 3), root, False, {})
    assert "nothing yet for NUTS to check" in check.verdict
    interrupted = Selection(selection_of(by_gibbs).candidates, missing=(3,))
    assert "Ctrl-C came before NUTS" in check_by_another_engine(interrupted, root, False, {}).verdict
    analysis = Analysis.of(selection_of(by_gibbs))
    assert analysis.check is NOT_ASKED
    assert "check=False" in analysis.command


def test_samplers_of_rows_that_are_not_in_memory_are_compared():
    X = FAITHFUL.to_numpy()
    source = bg.Blocks(lambda: [X[:150], X[150:]])
    one, other = (bg.fit_bayes(source, 2, engine="laplace", draws=250, seed=seed, progress=False) for seed in (0, 1))
    assert agreement(one, other).agrees
    np.testing.assert_allclose(matched(one, other).means.mean((0, 1)), one.relabelled.draws.means.mean((0, 1)), rtol=0.02)
