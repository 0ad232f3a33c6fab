"""Units of measurement do not matter: the same fit in other units, however the numbers are scaled or shifted."""

import arviz as az
import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.prior import DirichletWeights, FixedWishart, HalfT, Lkj, NormalMeans, Prior
from tests.laws import PRIORS, problem, structures, structures_with_priors

FAITHFUL = bg.load_dataset("faithful")


def same_fit(before, after, factor, shift, tolerance):
    """Whether two mixtures are one, the second in units in which x is ``factor * x + shift``; in units of the first."""
    np.testing.assert_allclose(after.weights, before.weights, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose((after.means - shift) / factor, before.means, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(after.covariances / factor / factor, before.covariances, rtol=tolerance, atol=tolerance)


@structures
@pytest.mark.parametrize(("factor", "shift", "tolerance"), [(1e-8, 0.0, 1e-9), (1e8, 0.0, 1e-9), (1.0, 1e8, 1e-6)])
def test_the_em_fit_has_no_units(code, factor, shift, tolerance):
    X, _, _ = problem(code)
    before, after = bg.fit_em(X, 3, code, n_init=3), bg.fit_em(factor * X + shift, 3, code, n_init=3)
    same_fit(before.mixture, after.mixture, factor, shift, tolerance)
    assert after.log_likelihood + X.size * np.log(factor) == pytest.approx(before.log_likelihood, abs=1e-6)


@structures_with_priors
@pytest.mark.parametrize("name", list(PRIORS))
@pytest.mark.parametrize(("factor", "shift", "tolerance"), [(1e-8, 0.0, 1e-9), (1e8, 0.0, 1e-9), (1.0, 1e8, 1e-6)])
def test_priors_from_the_data_have_their_units(name, code, factor, shift, tolerance):
    """The MAP moves with the data. LKJ's M-step is a climb that rounding may stop a step earlier or later, and EM with it."""
    X, _, _ = problem(code, n=120)
    before, after = (bg.fit_em(data, 3, code, PRIORS[name](data, code), n_init=1) for data in (X, factor * X + shift))
    same_fit(before.mixture, after.mixture, factor, shift, 1e-5 if "lkj" in name else tolerance)


def by_hand(factor, shift):
    """Priors with fixed numbers, in units in which x is ``factor * x + shift``."""
    weights, means = DirichletWeights(1.0), NormalMeans(factor * np.array([3.5, 70.0]) + shift, factor * np.array([2.0, 30.0]))
    return {
        "wishart": Prior(weights, means, FixedWishart(3.0, factor**2 * np.diag([0.1, 40.0]))),
        "half_t": Prior(weights, means, HalfT(factor * np.array([0.5, 8.0]))),
        "lkj": Prior(weights, means, Lkj("lognormal", np.log(factor * np.array([0.4, 6.0])), 1.0, 2.0)),
    }


@pytest.mark.parametrize("name", list(by_hand(1.0, 0.0)))
@pytest.mark.parametrize(("factor", "shift"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e8)])
def test_priors_with_fixed_numbers_are_transformed_along(name, factor, shift):
    before = bg.fit_em(FAITHFUL, 2, prior=by_hand(1.0, 0.0)[name])
    after = bg.fit_em(factor * FAITHFUL + shift, 2, prior=by_hand(factor, shift)[name])
    same_fit(before.mixture, after.mixture, factor, shift, 1e-5 if name == "lkj" else 1e-6)


@pytest.mark.parametrize(("factor", "shift"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e8)])
def test_the_posterior_has_no_units(faithful_two, factor, shift):
    """Posterior means in the same units agree within five standard errors (20 comparisons: 1e-5 for a false alarm)."""
    post = bg.fit_bayes(factor * FAITHFUL + shift, 2, engine="nuts", seed=5, progress=False)
    assert bg.diagnose(post).components_trusted

    def standard(posterior, factor, shift):
        draws = bg.relabel(posterior).draws
        order = np.argsort(draws.means[0, 0, :, 0])
        return {
            "weights": draws.weights[:, :, order],
            "means": (draws.means[:, :, order] - shift) / factor,
            "covariances": draws.covariances[:, :, order] / factor**2,
        }

    for one, other in zip(standard(faithful_two, 1.0, 0.0).values(), standard(post, factor, shift).values(), strict=True):
        error = np.hypot(az.mcse(one), az.mcse(other))
        difference = one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))
        assert (np.abs(difference) < 5 * error).all()
