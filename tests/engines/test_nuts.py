from dataclasses import replace

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import engines
from bayesgmm.engines import SamplerSettings
from bayesgmm.engines.nuts import patience
from bayesgmm.engines.starts import chain_starts
from bayesgmm.observations import Observations
from tests.laws import problem, structures_with_priors

FAITHFUL = bg.load_dataset("faithful")


def specification(X, n_components, code="VVV"):
    observations = Observations.from_data(X)
    return observations, bg.Specification(n_components, code, bg.Prior.weakly_informative(observations, code))


@structures_with_priors
@pytest.mark.parametrize("n_components", [1, 3])
def test_chains_start_from_different_interior_points(code, n_components):
    observations, spec = specification(problem(code)[0], n_components, code)
    starts = chain_starts(observations, spec, None, 4, np.random.SeedSequence(0))
    means = np.stack([mixture.means for mixture, _ in starts])
    assert len(np.unique(means[:, 0, 0])) == 4
    for mixture, nuisance in starts:
        assert np.isfinite(mixture.log_density(observations)).all()
        assert np.isfinite(spec.log_prior(mixture, nuisance))


def test_the_first_chain_starts_from_the_warm_start():
    em = bg.fit_em(FAITHFUL, 2)
    observations, spec = specification(FAITHFUL, 2)
    (first, _), *_ = chain_starts(observations, spec, em, 2, np.random.SeedSequence(0))
    np.testing.assert_allclose(first.means, em.mixture.means, rtol=0.02)
    with pytest.raises(ValueError, match="start has means of shape"):
        chain_starts(observations, spec, bg.fit_em(FAITHFUL, 3), 2, np.random.SeedSequence(0))


def test_small_concentrations_have_no_mode_but_have_starts():
    observations = Observations.from_data(FAITHFUL)
    spec = bg.Specification(3, "VVV", bg.Prior.weakly_informative(observations, "VVV", weights_concentration=0.1))
    assert len(chain_starts(observations, spec, None, 4, np.random.SeedSequence(0))) == 4


def test_same_seed_same_bits_for_any_number_of_cores():
    settings = {"engine": "nuts", "draws": 100, "tune": 100, "chains": 2, "seed": 7, "progress": False}
    one, two = (bg.fit_bayes(FAITHFUL[["waiting"]], 2, cores=cores, **settings) for cores in (1, 2))
    for name in one.tree["posterior"].data_vars:
        np.testing.assert_array_equal(one.tree["posterior"][name], two.tree["posterior"][name])
    assert not np.array_equal(one.draws.means[0], one.draws.means[1])


@pytest.mark.parametrize(
    ("keywords", "error", "sentence"),
    [
        ({"draws": 0}, ValueError, "draws must be at least 1"),
        ({"tune": 0}, ValueError, "tune must be at least 1"),
        ({"chains": 0}, ValueError, "chains"),
        ({"engine": "stan"}, ValueError, "Unknown engine 'stan'; known are 'auto', 'gibbs', 'laplace', 'nuts'"),
        ({"target_accept": 1.0}, ValueError, "below 1"),
        ({"seed": "a"}, TypeError, "seed"),
        ({"covariance": "diag", "prior": bg.Prior.weakly_informative(FAITHFUL)}, ValueError, "VVI is diagonal"),
    ],
)
def test_impossible_settings_are_refused(keywords, error, sentence):
    with pytest.raises(error, match=sentence):
        bg.fit_bayes(FAITHFUL, 2, **keywords)


def rows(n, d=5):
    """As many rows as one likes, in the memory of one."""
    return Observations(np.broadcast_to(np.zeros((1, d)), (n, d)), np.broadcast_to(1.0, (n,)), tuple("abcdefghij"[:d]))


def test_hours_grow_with_all_that_is_asked_for():
    spec = bg.Specification(5, "VVV", bg.Prior.weakly_informative(FAITHFUL))
    settings = SamplerSettings(1000, 1000, 4, 2, 0.9, False, 1, False)
    hours = patience.hours_needed(rows(10**6), spec, settings)
    assert 0.1 < hours < 10
    assert patience.hours_needed(rows(10**7), spec, settings) == pytest.approx(10 * hours)
    assert patience.hours_needed(rows(10**6), spec, replace(settings, draws=3000)) == pytest.approx(2 * hours)
    assert patience.hours_needed(rows(10**6), spec, replace(settings, cores=1)) == pytest.approx(2 * hours)
    assert patience.hours_needed(rows(10**6), spec, replace(settings, cores=3)) == pytest.approx(hours)  # the fourth waits
    assert patience.hours_needed(rows(10**6, 10), spec, settings) > hours


def test_more_than_a_day_is_not_begun(monkeypatch):
    """Nor do starts, and NUTS itself, take any time before that is said."""
    began = []
    monkeypatch.setattr(engines, "chain_starts", lambda *_: began.append(1) or [])
    monkeypatch.setattr(patience, "SECONDS", 1.0)
    with pytest.raises(
        ValueError, match=r"about [\d,]+ hours here: 4 chains of 2,000 .*engine='gibbs'.*engine='laplace'.*now 24"
    ) as raised:
        bg.fit_bayes(FAITHFUL, 2, engine="nuts", progress=False)
    assert "272 rows" in str(raised.value)
    assert not began
    for asked, sentence in (("1", "now 1"), ("soon", "a number of hours above 0, got 'soon'"), ("-1", "got '-1'")):
        monkeypatch.setenv(patience.HOURS, asked)
        with pytest.raises(ValueError, match=sentence):
            bg.fit_bayes(FAITHFUL, 2, engine="nuts", progress=False)
    monkeypatch.setenv(patience.HOURS, "1e9")
    observations, spec = specification(FAITHFUL, 2)
    assert patience.why_too_long(observations, spec, SamplerSettings(1000, 1000, 4, 2, 0.9, False, 1, False)) == ""


def test_row_weights_are_refused():
    weighted = Observations.from_data(FAITHFUL, sample_weight=np.arange(1, 273))
    with pytest.raises(ValueError, match="NUTS does not take row weights: fit by EM"):
        bg.fit_bayes(weighted, 2, engine="nuts")
    with pytest.raises(ValueError, match="The PyMC model does not take row weights"):
        bg.build_model(weighted, 2)


def test_degenerate_data_have_starts():
    """Collinear columns and few rows: the posterior is proper, so chains must begin."""
    X = np.random.default_rng(0).normal(size=(30, 2))
    for data in (np.c_[X, X.sum(axis=1)], X[:3], np.random.default_rng(1).normal(size=(4, 6))):
        observations, spec = specification(data, 2)
        for mixture, nuisance in chain_starts(observations, spec, None, 3, np.random.SeedSequence(0)):
            assert np.isfinite(spec.log_prior(mixture, nuisance))
