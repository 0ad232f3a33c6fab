"""The bootstrap of EM fits, beside standard errors from curvature and posterior sds, and the bootstrap likelihood-ratio test."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import kernels
from bayesgmm.em import ConvergenceWarning
from bayesgmm.information import Chart, StandardErrors, observed_information
from bayesgmm.information.passes import Curvature
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import Observations
from bayesgmm.uncertainty import (
    bootstrap,
    likelihood_ratio,
    likelihood_ratio_test,
    replicates,
    resampling,
    sequential_likelihood_ratio_tests,
)
from tests.laws import problem

FAITHFUL = bg.load_dataset("faithful")
kinds = pytest.mark.parametrize("kind", ["nonparametric", "weighted_likelihood", "parametric"])


@pytest.fixture(scope="module")
def faithful():
    return bg.fit_em(FAITHFUL, 2)


def quiet(function, *arguments, **keywords):
    return function(*arguments, progress=False, **keywords)


def assert_same(one, other):
    for a, b in zip(one.replicates, other.replicates, strict=True):
        np.testing.assert_array_equal(a, b)


@kinds
def test_replicates_do_not_depend_on_threads(faithful, kind, monkeypatch):
    alone = quiet(bootstrap, faithful, 20, kind, seed=3)
    monkeypatch.setattr(kernels, "passes_abreast", lambda *_: 3)
    assert_same(quiet(bootstrap, faithful, 20, kind, seed=3), alone)
    assert not np.array_equal(quiet(bootstrap, faithful, 20, kind, seed=4).replicates.means, alone.replicates.means)
    more = quiet(bootstrap, faithful, 30, kind, seed=3)  # the first replicates stay what they are
    np.testing.assert_array_equal(more.replicates.means[:20], alone.replicates.means)


def test_replicates_of_a_source_are_fitted_one_at_a_time(monkeypatch):
    """However many would be made abreast of rows in memory."""
    X = FAITHFUL.to_numpy()
    monkeypatch.setattr(kernels, "passes_abreast", lambda *_: 3)
    assert Observations.from_data(X).abreast(9, 2, False) == 3
    monkeypatch.setattr(replicates, "_side_by_side", None)
    em = bg.fit_em(bg.Blocks(lambda: [X[:150], X[150:]]), 2)
    assert quiet(bootstrap, em, 3, seed=3).n_finished == 3
    assert len(quiet(likelihood_ratio_test, em.observations, 1, n_bootstrap=2, n_init=1).bootstrap) == 2


@kinds
@pytest.mark.parametrize("code", ["VEE", "VEV", "VVV"])
def test_standard_errors_are_those_of_the_curvature(code, kind):
    """2000 rows, 300 replicates: the Monte Carlo error of a standard error is 4%; what is beyond is of higher order."""
    X, _, truth = problem(code, n=2000, n_components=2, n_features=2, separation=4.0)
    em = bg.fit_em(X, 2, code, start=truth)
    found = quiet(bootstrap, em, 300, kind).standard_errors
    if kind == "parametric":
        expected = of_expected_information(em.mixture, 2000)
    else:
        expected = observed_information(em.mixture, em.observations).standard_errors("sandwich")
    for name in ("weights", "means", "covariances", "scales", "correlations"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=0.2, atol=1e-12)


def of_expected_information(mixture, n):
    """Standard errors in n rows from the mixture; those of the observed information hang on the rows that there are."""
    chart = Chart.around(mixture)
    many = Curvature.of(chart, Observations.from_data(mixture.sample(50_000, seed=1)[0]))
    return StandardErrors.of(chart, np.linalg.inv(many.outer * (n / 50_000)))


@pytest.mark.parametrize("code", ["EEE", "VVI", "VVV"])
def test_at_2000_rows_posterior_sds_are_those_of_the_curvature(code):
    """By Bernstein and von Mises, up to the prior and the law's third moments: 1500 draws tell an sd to 2% or 3%."""
    X, _, truth = problem(code, n=2000, n_components=2, n_features=2, separation=4.0)
    em = bg.fit_em(X, 2, code, start=truth)
    post = bg.fit_bayes(X, 2, code, engine="gibbs", warm_start=em, draws=750, tune=100, chains=2, cores=1, progress=False)
    table = bg.compare_em_bayes(em, post).table
    np.testing.assert_allclose(table["em_se"], table["sd"], rtol=0.1)
    assert (table["difference_in_sd"].abs() < 0.4).all()


def test_a_prior_is_held_fixed():
    """58 rows of pseudo-observations for the weights: the mode varies less than its posterior, and less than without them."""
    X, _, truth = problem("VVV", n=120, n_components=2, n_features=2, separation=12.0)
    prior = bg.Prior.weakly_informative(X, weights_concentration=30.0)
    em = bg.fit_em(X, 2, prior=prior, start=truth)
    found = quiet(bootstrap, em, 300, "weighted_likelihood").standard_errors.weights
    shares = np.mean(em.mixture.predict(X)) * (1 - np.mean(em.mixture.predict(X)))
    np.testing.assert_allclose(found, np.sqrt(120 * shares) / (120 + 58), rtol=0.2)
    information = observed_information(em.mixture, em.observations, em.specification)
    np.testing.assert_allclose(found, information.standard_errors("sandwich").weights, rtol=0.2)
    np.testing.assert_allclose(
        information.standard_errors().weights, np.sqrt(np.prod(em.mixture.weights) / (120 + 58)), rtol=1e-3
    )


@kinds
def test_integer_weights_are_replication(kind):
    X, _, truth = problem("VVV", n=150, n_components=2, n_features=2, separation=8.0)
    v = np.random.default_rng(0).integers(1, 4, size=150)
    weighted = bg.fit_em(X, 2, start=truth, sample_weight=v)
    repeated = bg.fit_em(np.repeat(X, v, axis=0), 2, start=truth)
    one, other = (quiet(bootstrap, em, 300, kind).standard_errors for em in (weighted, repeated))
    np.testing.assert_allclose(one.means, other.means, rtol=0.25)


def test_what_is_told_of_the_replicates(faithful):
    b = quiet(bootstrap, faithful, 50)
    means = b.replicates.means
    assert means.shape == (50, 2, 2)
    np.testing.assert_allclose(b.standard_errors.means, means.std(axis=0, ddof=1))
    np.testing.assert_allclose(b.bias.means, means.mean(axis=0) - faithful.mixture.means)
    lower, upper = b.interval(0.5)
    inside = (lower.means <= means) & (means <= upper.means)
    np.testing.assert_allclose(inside.mean(axis=0), 0.5, atol=0.03)
    table = b.summary(0.5)
    assert list(table.columns) == ["estimate", "bias", "se", "lower", "upper"]
    row = table.loc["means[1, waiting]"]
    np.testing.assert_array_equal(
        row, [faithful.mixture.means[1, 1], *(part.means[1, 1] for part in (b.bias, b.standard_errors, lower, upper))]
    )
    assert "Nonparametric bootstrap of a VVV mixture, K = 2: 50 replicates." in str(b)
    assert "weights[1]" in str(b)


def test_components_are_matched_before_they_are_averaged(faithful, monkeypatch):
    """Refits that come back in another order are put into the fit's."""
    plain = quiet(bootstrap, faithful, 20)
    whole = resampling.best_of

    def turned(*arguments):
        result = whole(*arguments)
        object.__setattr__(result.best, "mixture", result.mixture.permuted([1, 0]))
        return result

    monkeypatch.setattr(resampling, "best_of", turned)
    assert_same(quiet(bootstrap, faithful, 20), plain)


def test_collapsed_replicates_are_left_out_and_told():
    X = np.r_[np.random.default_rng(0).normal(size=60), 20 + 0.1 * np.arange(5)][:, None]
    em = bg.fit_em(X, 2, start=np.r_[np.zeros(60, dtype=int), np.ones(5, dtype=int)])
    with pytest.warns(ConvergenceWarning, match=r"of 60 replicates collapsed and are left out, such as: Component 1 collapsed"):
        b = quiet(bootstrap, em, 60)
    assert 0 < len(b.collapsed) < 60
    assert len(b.replicates.weights) == 60 - len(b.collapsed)
    assert b.doubt in str(b)
    assert not b.partial
    assert not quiet(bootstrap, bg.fit_em(X, 1), 60).collapsed


def test_bootstraps_that_tell_nothing_are_refused(faithful):
    for keywords, error, sentence in (
        ({"kind": "jackknife"}, ValueError, "Unknown kind of bootstrap 'jackknife'"),
        ({"n_replicates": 1}, ValueError, "one replicate does not vary"),
        ({"seed": "x"}, TypeError, "seed"),
    ):
        with pytest.raises(error, match=sentence):
            quiet(bootstrap, faithful, **keywords)
    with pytest.raises(TypeError, match="em must be a EMResult, got Mixture"):
        quiet(bootstrap, faithful.mixture)
    X = np.r_[np.random.default_rng(0).normal(size=30), 50.0][:, None]
    with pytest.warns(ConvergenceWarning, match="collapsed"):
        em = bg.fit_em(X, 2, start=np.r_[np.zeros(29, dtype=int), 1, 1])
    with pytest.raises(ValueError, match="A collapsed fit has nothing to be sure of: Component 1 collapsed"):
        quiet(bootstrap, em)
    with pytest.raises(ValueError, match="prob must be above 0 and below 1"):
        quiet(bootstrap, faithful, 10).summary(prob=95)


@pytest.mark.parametrize("abreast", [1, 3])
def test_ctrl_c_returns_what_is_finished(faithful, abreast, monkeypatch):
    whole, calls = resampling._refitted, [0]

    def interrupted(*arguments):
        calls[0] += 1
        if calls[0] >= 15:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(kernels, "passes_abreast", lambda *_: abreast)
    everything = quiet(bootstrap, faithful, 40)
    monkeypatch.setattr(resampling, "_refitted", interrupted)
    with pytest.warns(PartialWarning, match=r"Partial: \d+ of 40 replicates were fitted when Ctrl-C came"):
        b = quiet(bootstrap, faithful, 40)
    assert b.partial
    assert b.shortfall in str(b)
    assert 5 <= b.n_finished < 40
    known = {row.tobytes() for row in everything.replicates.means}
    assert all(row.tobytes() in known for row in b.replicates.means)
    calls[0] = 14
    with pytest.raises(KeyboardInterrupt):
        quiet(bootstrap, faithful, 40)


def test_two_groups_are_more_than_one():
    test = quiet(likelihood_ratio_test, FAITHFUL, 1, n_bootstrap=19, n_init=2)
    one, two = bg.fit_em(FAITHFUL, 1), bg.fit_em(FAITHFUL, 2)
    assert test.statistic == pytest.approx(2 * (two.log_likelihood - one.log_likelihood), abs=1e-2)
    assert test.p_value == 1 / 20
    assert len(test.bootstrap) == 19
    assert (test.bootstrap >= 0).all()
    assert "0 have as much or more: p = 0.05 (the smallest that 19 replicates can give)" in str(test)


def test_one_group_is_not_two():
    X = np.random.default_rng(1).normal(size=(200, 2))
    test = quiet(likelihood_ratio_test, X, 1, "EEE", n_bootstrap=49, n_init=2)
    above = np.count_nonzero(test.bootstrap >= test.statistic)
    assert test.p_value == (1 + above) / 50 > 0.05


def test_the_test_depends_on_neither_threads_nor_units(monkeypatch):
    X = FAITHFUL.to_numpy()
    alone = quiet(likelihood_ratio_test, X, 2, "EEE", n_bootstrap=8, n_init=1, seed=3)
    monkeypatch.setattr(kernels, "passes_abreast", lambda *_: 3)
    beside = quiet(likelihood_ratio_test, X, 2, "EEE", n_bootstrap=8, n_init=1, seed=3)
    np.testing.assert_array_equal(alone.bootstrap, beside.bootstrap)
    assert alone.statistic == beside.statistic
    scaled = quiet(likelihood_ratio_test, X * 1e3 + 1e4, 2, "EEE", n_bootstrap=8, n_init=1, seed=3)
    np.testing.assert_allclose(scaled.bootstrap, alone.bootstrap, atol=0.01)


def test_tests_in_a_row_stop_at_the_first_that_does_not_reject():
    X, _, _ = bg.simulate(150, 2, 1, separation=6.0, seed=2, covariance="EII")
    found = quiet(sequential_likelihood_ratio_tests, X, 5, "EII", n_bootstrap=19, n_init=1)
    assert found.n_components == 2
    assert found.is_settled
    assert list(found.table.index) == [1, 2]
    assert "2 components not rejected at level 0.05" in str(found)
    short = quiet(sequential_likelihood_ratio_tests, X, 1, "EII", n_bootstrap=19, n_init=1)
    assert short.n_components == 2
    assert not short.is_settled
    assert "raise most_components" in short.verdict


def test_impossible_tests_are_refused():
    with pytest.raises(ValueError, match=r"level must be at least 1 / \(n_bootstrap \+ 1\) = 0.1, the smallest p-value"):
        quiet(sequential_likelihood_ratio_tests, FAITHFUL, n_bootstrap=9)
    for keywords, sentence in (
        ({"n_components": 0}, "n_components"),
        ({"n_components": 1, "n_bootstrap": 0}, "n_bootstrap"),
        ({"n_components": 1, "n_init": 0}, "n_init"),
        ({"n_components": 1, "covariance": "VV"}, "Unknown covariance structure"),
        ({"n_components": 272}, "272 rows"),
    ):
        with pytest.raises(ValueError, match=sentence):
            quiet(likelihood_ratio_test, FAITHFUL, **keywords)
    X = np.r_[np.random.default_rng(0).normal(size=30), 40.0, 40.0][:, None]
    with pytest.raises(ValueError, match=r"2 components cannot be tested: Component \d collapsed"):
        quiet(likelihood_ratio_test, X, 2, n_bootstrap=9)


def test_ctrl_c_returns_the_test_of_what_is_finished(monkeypatch):
    whole, calls = likelihood_ratio._Model.replicate, [0]

    def interrupted(*arguments):
        calls[0] += 1
        if calls[0] == 5:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(likelihood_ratio._Model, "replicate", interrupted)
    with pytest.warns(PartialWarning, match="Partial: 4 of 20 replicates were fitted when Ctrl-C came"):
        test = quiet(likelihood_ratio_test, FAITHFUL, 1, n_bootstrap=20, n_init=1)
    assert test.p_value == 1 / 5
    assert "Partial: 4 of 20" in str(test)


def test_ctrl_c_returns_the_tests_that_are_finished(monkeypatch):
    whole = likelihood_ratio._tested

    def interrupted(observations, k, *arguments):
        if k == 2:
            raise KeyboardInterrupt
        return whole(observations, k, *arguments)

    monkeypatch.setattr(likelihood_ratio, "_tested", interrupted)
    with pytest.warns(PartialWarning, match=r"Up to 1 component all are rejected at level 0.1\. Partial: Ctrl-C came"):
        found = quiet(sequential_likelihood_ratio_tests, FAITHFUL, level=0.1, n_bootstrap=9, n_init=1)
    assert found.partial
    assert list(found.table.index) == [1]
    monkeypatch.setattr(likelihood_ratio, "_tested", lambda *_: interrupted(None, 2))
    with pytest.raises(KeyboardInterrupt):
        quiet(sequential_likelihood_ratio_tests, FAITHFUL, level=0.1, n_bootstrap=9, n_init=1)
