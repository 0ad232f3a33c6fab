import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from bayesgmm import kernels
from bayesgmm.mixture import precision_factors


def parameters(rng, n_components, d, diagonal=False):
    weights, means = rng.dirichlet(np.ones(n_components)), rng.normal(size=(n_components, d))
    if diagonal:
        variances = rng.uniform(0.5, 2, size=(n_components, d))
        covariances, factors = variances[:, :, None] * np.eye(d), 1 / np.sqrt(variances)
    else:
        roots = np.eye(d) + 0.3 * rng.normal(size=(n_components, d, d)) / np.sqrt(d)
        covariances = roots @ roots.transpose(0, 2, 1)
        factors = precision_factors(covariances)
    return weights, means, covariances, factors


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize(
    ("n", "d", "n_components"), [(1, 1, 1), (255, 2, 3), (256, 1, 4), (700, 5, 1), (300, 3, 50), (40, 100, 2)]
)
def test_one_pass_agrees_with_scipy(n, d, n_components, diagonal):
    rng = np.random.default_rng([n, d, n_components])
    weights, means, covariances, factors = parameters(rng, n_components, d, diagonal)
    X, v = rng.normal(size=(n, d)) * 2, rng.uniform(size=n)
    joint = np.stack(
        [np.log(w) + multivariate_normal(m, s).logpdf(X).reshape(n) for w, m, s in zip(weights, means, covariances, strict=True)],
        1,
    )
    expected = logsumexp(joint, axis=1)
    shares = np.exp(joint - expected[:, None])
    constants = kernels.log_constants(np.log(weights), factors)

    found = kernels.log_density(X, constants, means, factors)
    assert (np.abs(found - expected) <= 1e-12 * np.maximum(1, np.abs(expected))).all()
    np.testing.assert_allclose(kernels.responsibilities(X, constants, means, factors), shares, atol=1e-12)

    log_likelihood, counts, sums, scatter = kernels.expected_statistics(X, v, constants, means, factors)
    diff = X[:, None] - means
    full = np.einsum("i,ik,ikj,ikm->kjm", v, shares, diff, diff)
    np.testing.assert_allclose(log_likelihood, v @ expected, rtol=1e-12)
    np.testing.assert_allclose(counts, v @ shares, rtol=1e-10)
    np.testing.assert_allclose(sums, np.einsum("i,ik,ikj->kj", v, shares, diff), atol=1e-10 * n)
    np.testing.assert_allclose(scatter, np.diagonal(full, axis1=1, axis2=2) if diagonal else full, atol=1e-10 * n)

    pointwise = kernels.pointwise_statistics(X, v, constants, means, factors)
    np.testing.assert_array_equal(pointwise[0], found)
    for a, b in zip(pointwise[1:], (counts, sums, scatter), strict=True):
        np.testing.assert_array_equal(a, b)


def test_far_in_the_tails():
    factors, means = np.ones((2, 1, 1)), np.array([[0.0], [1.0]])
    constants = kernels.log_constants(np.log([0.5, 0.5]), factors)
    far = np.array([[1e5], [-1e150]])
    density = kernels.log_density(far, constants, means, factors)
    assert density[0] == pytest.approx(np.log(0.5) - 0.5 * np.log(2 * np.pi) - 0.5 * (1e5 - 1) ** 2, rel=1e-14)
    assert np.isfinite(density).all()
    np.testing.assert_allclose(kernels.responsibilities(far, constants, means, factors).sum(axis=1), 1.0)
    beyond = kernels.log_density(np.array([[1e200]]), constants, means, factors)
    assert beyond[0] == -np.inf


def test_labelled_statistics_leave_out_minus_one():
    rng = np.random.default_rng(3)
    X, v, labels = rng.normal(size=(50, 2)), rng.uniform(size=50), rng.integers(-1, 3, size=50)
    reference = rng.normal(size=(3, 2))
    counts, sums, scatter = kernels.labelled_statistics(X, v, labels, reference)
    for k in range(3):
        chosen, diff = labels == k, X - reference[k]
        assert counts[k] == pytest.approx(v[chosen].sum())
        np.testing.assert_allclose(sums[k], v[chosen] @ diff[chosen])
        np.testing.assert_allclose(scatter[k], (v[chosen, None] * diff[chosen]).T @ diff[chosen])


def test_draws_are_the_single_pass_repeated():
    rng = np.random.default_rng(5)
    X, labels = rng.normal(size=(30, 2)), rng.integers(0, 3, size=30)
    sets = [parameters(rng, 3, 2) for _ in range(4)]
    means, factors = np.stack([s[1] for s in sets]), np.stack([s[3] for s in sets])
    constants = kernels.log_constants(np.log([s[0] for s in sets]), factors)
    shares = np.stack([kernels.responsibilities(X, *arguments) for arguments in zip(constants, means, factors, strict=True)])
    mean, square = kernels.draws_responsibilities(X, constants, means, factors)
    np.testing.assert_allclose(mean, shares.mean(0))
    np.testing.assert_allclose(square, (shares**2).mean(0))
    agreement = kernels.draws_agreement(X, constants, means, factors, labels)
    np.testing.assert_allclose(agreement, np.einsum("sik,ig->skg", shares, np.eye(3)[labels]))
    filled = kernels.draws_filled(X, constants, means, factors)
    np.testing.assert_allclose(filled, (1 - (1 - shares).prod(axis=1)).sum(axis=1))
    density = kernels.draws_log_density(X, constants, means, factors)
    np.testing.assert_array_equal(density[2], kernels.log_density(X, constants[2], means[2], factors[2]))
