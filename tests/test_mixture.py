import numpy as np
import pytest
from scipy.stats import multivariate_normal

import bayesgmm as bg
from bayesgmm.mixture import precision_factors
from tests.laws import problem, structures

GOOD = {"weights": [0.4, 0.6], "means": [[0.0, 0.0], [3.0, 1.0]], "covariances": [np.eye(2), [[2.0, 0.5], [0.5, 1.0]]]}


@structures
@pytest.mark.parametrize(("d", "n_components"), [(1, 1), (2, 3), (6, 2)])
def test_density_and_responsibilities_against_scipy(code, d, n_components):
    X, _, m = problem(code, n=500, n_components=n_components, n_features=d)
    joint = np.stack(
        [w * multivariate_normal(mu, s).pdf(X) for w, mu, s in zip(m.weights, m.means, m.covariances, strict=True)], axis=1
    )
    log_density = np.log(joint.sum(axis=1))
    assert (np.abs(m.log_density(X) - log_density) <= 1e-12 * np.maximum(1, np.abs(log_density))).all()
    np.testing.assert_allclose(m.responsibilities(X), joint / joint.sum(axis=1, keepdims=True), atol=1e-12)
    np.testing.assert_array_equal(m.predict(X), joint.argmax(axis=1))


def test_precision_factor_is_lower_and_squares_to_the_precision():
    covariance = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 1.5]])
    factor = precision_factors(covariance)
    np.testing.assert_array_equal(factor, np.tril(factor))
    np.testing.assert_allclose(factor @ factor.T, np.linalg.inv(covariance), rtol=1e-12)


@structures
def test_permuting_components_changes_nothing_observable(code):
    X, _, m = problem(code)
    other = m.permuted([2, 0, 1])
    np.testing.assert_allclose(other.log_density(X), m.log_density(X), rtol=1e-13)
    np.testing.assert_allclose(other.responsibilities(X), m.responsibilities(X)[:, [2, 0, 1]], atol=1e-13)


def test_sample_has_the_moments_of_the_mixture():
    # 40,000 draws: the tolerances are five standard errors, so that one seed in a million would fail
    m = bg.Mixture.from_parameters(**GOOD)
    X, labels = m.sample(40_000, seed=3)
    assert np.bincount(labels) / 40_000 == pytest.approx(m.weights, abs=5 * 0.5 / 200)
    for k in range(2):
        rows = X[labels == k]
        assert rows.mean(axis=0) == pytest.approx(m.means[k], abs=5 * 1.5 / np.sqrt(len(rows)))
        np.testing.assert_allclose(np.cov(rows.T), m.covariances[k], atol=5 * 3 / np.sqrt(len(rows)))
    again, _ = m.sample(40_000, seed=3)
    np.testing.assert_array_equal(X, again)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weights": [0.4, 0.5]}, "sum to 0.9"),
        ({"weights": [1.4, -0.4]}, "at least 0"),
        ({"weights": [1.0]}, r"shape \(2,\)"),
        ({"means": [0.0, 1.0]}, "n_components, n_features"),
        ({"covariances": np.eye(2)}, "shape"),
        ({"covariances": [np.eye(2), [[1.0, 2.0], [2.0, 1.0]]]}, "positive definite"),
        ({"covariances": [np.eye(2), [[1.0, 0.5], [0.2, 1.0]]]}, "symmetric"),
        ({"covariances": [np.eye(2), np.full((2, 2), np.nan)]}, "finite"),
        ({"covariance": "tied"}, "structure EEE"),
        ({"covariance": "diag"}, "structure VVI"),
    ],
)
def test_bad_parameters_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        bg.Mixture.from_parameters(**(GOOD | change))


def test_wrong_number_of_features_at_prediction():
    with pytest.raises(ValueError, match="3 features, the mixture has 2"):
        bg.Mixture.from_parameters(**GOOD).predict(np.zeros((4, 3)))


def test_parameters_are_frozen_and_the_callers_are_not():
    weights = np.array([0.4, 0.6])
    m = bg.Mixture.from_parameters(**(GOOD | {"weights": weights}))
    weights[0] = 0.0
    assert m.weights[0] == pytest.approx(0.4)
    with pytest.raises(ValueError, match="read-only"):
        m.means[0, 0] = 1.0


@pytest.mark.parametrize("order", [[0, 0], [0], [0, 2], "01", [0.5, 1.5]])
def test_orders_and_features_must_be_what_they_say(order):
    m = bg.Mixture.from_parameters([0.5, 0.5], [[0.0, 1.0], [3.0, 2.0]], [np.eye(2)] * 2)
    with pytest.raises((ValueError, TypeError), match="order"):
        m.permuted(order)
    for features in ([], [0, 0], [2], ["x1"]):
        with pytest.raises((ValueError, TypeError), match="features"):
            m.marginal(features)


@structures
def test_marginals_have_the_structure_that_they_name(code):
    _, _, truth = problem(code)
    for features in ([0], [2, 0], [0, 1, 2]):
        part = truth.marginal(features)
        assert part.structure.holds(part.covariances)
        assert part.structure.is_diagonal or part.structure.code[2] != "I"
