"""Rows left out in earnest: LOO mended, and K-fold."""

import numpy as np
import pytest
from scipy.special import logsumexp

import bayesgmm as bg
from bayesgmm.criteria import _mended

RNG = np.random.default_rng(0)
X = np.append(RNG.standard_normal(24), 4.5)[:, None]  # one row far out, which one component must stretch to
PRIOR = bg.Prior.weakly_informative(X)
SETTINGS = {"draws": 1000, "tune": 300, "seed": 1, "progress": False}


@pytest.fixture(scope="module")
def post():
    return bg.fit_bayes(X, 1, prior=PRIOR, **SETTINGS)


def without(rows, seed):
    """log p(x_i | the other rows), by a fit of its own."""
    fit = bg.fit_bayes(np.delete(X, rows, axis=0), 1, prior=PRIOR, **SETTINGS | {"seed": seed})
    density = fit.draws.log_density(X[rows]).reshape(4000, -1)
    return logsumexp(density, axis=0) - np.log(4000)


def test_mended_loo_against_an_exact_refit(post):
    plain, mended = bg.loo(post), bg.loo(post, refit=True, progress=False)
    bad = np.flatnonzero(plain.pareto_k > plain.good_k)
    assert 24 in bad
    assert (mended.pareto_k[bad] == 0).all()
    assert not mended.warning
    assert abs(mended.elpd_i[24] - plain.elpd_i[24]) > 0.2  # it was worth it
    assert mended.elpd_i[24] == pytest.approx(without([24], seed=7)[0], abs=0.1)
    good = np.setdiff1d(np.arange(25), bad)
    np.testing.assert_array_equal(mended.elpd_i[good], plain.elpd_i[good])
    assert mended.elpd == pytest.approx(float(mended.elpd_i.sum()))
    within = logsumexp(post.log_likelihood(), axis=(0, 1)) - np.log(4000)
    assert mended.p == pytest.approx(float((within - mended.elpd_i).sum()))
    table = bg.compare({"one": post, "again": post})
    assert len(table) == 2


def test_many_bad_rows_are_left_out_with_random_folds_of_all(post):
    found = _mended(bg.loo(post), post, np.array([3, 10, 24]), most_refits=2, progress=False)
    folds = bg.kfold(post, 2, progress=False)
    np.testing.assert_array_equal(found.elpd_i[[3, 10, 24]], folds.elpd_i[[3, 10, 24]])
    assert found.elpd_i[0] == bg.loo(post).elpd_i[0]


def test_leave_one_out_is_k_fold_with_as_many_folds_as_rows(post):
    folds, mended = bg.kfold(post, 25, progress=False), bg.loo(post, refit=True, progress=False)
    assert folds.elpd == pytest.approx(mended.elpd, abs=0.3)
    assert folds.n_folds == 25
    assert "kfold" in str(folds)
    with pytest.raises(ValueError, match="at least 2"):
        bg.kfold(post, 1)


def test_draws_of_an_unknown_number_are_not_refitted():
    given = bg.fit_mfm(X, bg.ComponentsPrior.fixed(1), draws=100, tune=10, progress=False).given(1)
    for criterion in (lambda: bg.kfold(given, 5, progress=False), lambda: bg.loo(given, refit=True)):
        with pytest.raises(ValueError, match="only fits by fit_bayes"):
            criterion()
