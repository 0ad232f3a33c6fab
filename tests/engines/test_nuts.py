import numpy as np
import pytest

import bayesgmm as bg
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
        ({"engine": "stan"}, ValueError, "Unknown engine 'stan'; known are 'auto', 'gibbs', 'nuts', 'laplace'"),
        ({"target_accept": 1.0}, ValueError, "below 1"),
        ({"seed": "a"}, TypeError, "seed"),
        ({"covariance": "diag", "prior": bg.Prior.weakly_informative(FAITHFUL)}, ValueError, "VVI is diagonal"),
    ],
)
def test_impossible_settings_are_refused(keywords, error, sentence):
    with pytest.raises(error, match=sentence):
        bg.fit_bayes(FAITHFUL, 2, **keywords)


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
