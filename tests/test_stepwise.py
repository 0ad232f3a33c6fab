"""Stepwise EM comes near to the optimum of all rows, from which full passes end there."""

import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm.observations import Observations
from bayesgmm.sklearn import GaussianMixture


@pytest.fixture(scope="module")
def rows():
    return bg.simulate(20_000, 3, 2, 3.0, seed=2)[0]


def batches(rows, size=1000):
    return (rows[first : first + size] for first in range(size, len(rows), size))


@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_it_comes_near_and_full_passes_end_at_the_optimum(rows, covariance):
    fit = bg.StepwiseEM.of(rows[:1000], 3, covariance)
    first = fit.mixture.log_density(rows).sum()
    for batch in batches(rows):
        fit = fit.step(batch)
    best = bg.fit_em(rows, 3, covariance)
    near = fit.mixture.log_density(rows).sum()
    assert fit.n_rows == len(rows)
    assert fit.n_steps == 19
    assert first < near <= best.log_likelihood
    assert best.log_likelihood - near < 0.2 * (best.log_likelihood - first)
    ended = bg.fit_em(rows, 3, covariance, start=fit.mixture)
    assert ended.log_likelihood == pytest.approx(best.log_likelihood, abs=1e-6)


def test_where_every_row_counts_the_same_one_component_has_their_moments(rows):
    fit = bg.StepwiseEM.of(rows[:1000], 1, forgetting=1.0)
    for batch in batches(rows, 1000):
        fit = fit.step(batch)
    np.testing.assert_allclose(fit.mixture.means[0], rows.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fit.mixture.covariances[0], np.cov(rows.T, ddof=0), rtol=1e-12, atol=1e-12)


def test_named_columns_come_in_any_order(rows):
    table = pd.DataFrame(rows, columns=["a", "b"])
    fit = bg.StepwiseEM.of(table[:1000], 2)
    one, other = (fit.step(table.loc[1000:2000, names]).mixture for names in (["a", "b"], ["b", "a"]))
    np.testing.assert_array_equal(one.means, other.means)


def test_checked_rows_keep_their_weights_and_names(rows):
    fit = bg.StepwiseEM.of(pd.DataFrame(rows[:1000], columns=["a", "b"]), 2)
    v = np.repeat([1.0, 2.0], 50)
    same, swapped = (
        fit.step(Observations.from_data(pd.DataFrame(rows[1000:1100], columns=["a", "b"])[names], v))
        for names in (["a", "b"], ["b", "a"])
    )
    repeated = fit.step(np.repeat(rows[1000:1100], [1] * 50 + [2] * 50, axis=0))
    for other in (swapped, repeated):
        np.testing.assert_allclose(other.mixture.means, same.mixture.means, rtol=1e-12)
    assert same.total_weight == repeated.n_rows == 1150
    assert same.n_rows == 1100


def test_the_map_counts_the_prior_once(rows):
    prior = bg.Prior.normal_inverse_wishart(means_location=0.5, means_concentration=3.0, concentration=4.0, rate=2 * np.eye(2))
    fit = bg.StepwiseEM.of(rows[:5000], 1, prior=prior, forgetting=1.0)
    fit = fit.step(rows[5000:])
    whole = bg.fit_em(rows, 1, prior=prior).mixture
    np.testing.assert_allclose(fit.mixture.means, whole.means, rtol=1e-9)
    np.testing.assert_allclose(fit.mixture.covariances, whole.covariances, rtol=1e-9)


def test_what_is_no_batch_is_refused(rows):
    fit = bg.StepwiseEM.of(rows[:1000], 2)
    with pytest.raises(ValueError, match="asked for are 'x1', 'x2'"):
        fit.step(rows[:5, :1])
    with pytest.raises(ValueError, match="missing"):
        fit.step([[np.nan, 1.0]])
    with pytest.raises(ValueError, match=r"above 0\.5 and at most 1"):
        bg.StepwiseEM.of(rows[:1000], 2, forgetting=0.5)
    with pytest.raises(ValueError, match="collapsed"):
        again_and_again(fit, rows[:1])
    assert fit.n_rows == 1000


def again_and_again(fit, batch):
    for _ in range(3000):
        fit = fit.step(batch)


def test_partial_fit_of_the_estimator(rows):
    gm = GaussianMixture(3, random_state=0, tol=1e-6)
    for first in range(0, len(rows), 1000):
        assert gm.partial_fit(rows[first : first + 1000]) is gm
    assert gm.n_samples_seen_ == len(rows)
    near = gm.score(rows)
    whole = GaussianMixture(3, random_state=0, tol=1e-6).fit(rows)
    assert near == pytest.approx(whole.score(rows), abs=1e-3)
    gm.set_params(warm_start=True).fit(rows)
    assert gm.score(rows) == pytest.approx(whole.score(rows), abs=1e-6)
    assert gm.n_iter_ < whole.n_iter_
    gm.partial_fit(rows[:500])
    assert gm.n_samples_seen_ == 500
    with pytest.raises(ValueError, match="features"):
        gm.partial_fit(rows[:5, :1])
    with pytest.raises(TypeError, match=r"not a Blocks: give blocks of them to partial_fit"):
        gm.fit(bg.Blocks(lambda: [rows]))
