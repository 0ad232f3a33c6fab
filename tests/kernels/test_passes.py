import os
import subprocess
import sys

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
    ("n", "d", "n_components"), [(1, 1, 1), (255, 2, 3), (512, 1, 4), (700, 5, 1), (300, 3, 50), (40, 100, 2)]
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


@pytest.mark.parametrize("n", [31, 512, 700])
def test_rows_of_equal_weight_share_logarithms(n):
    """The log-likelihood is the weighted sum of the rows' log densities, whichever rows have equal weights."""
    rng = np.random.default_rng(n)
    weights, means, _, factors = parameters(rng, 3, 2)
    arguments = kernels.log_constants(np.log(weights), factors), means, factors
    X = rng.normal(size=(n, 2)) * 10.0 ** rng.uniform(-1, 3, size=(n, 1))
    each = kernels.log_density(X, *arguments)
    some = np.where(np.arange(n) % 96 < 32, 2.5, rng.uniform(size=n))  # some groups of lanes, and not others
    for v in (np.ones(n), np.full(n, 0.3), np.zeros(n), -some, some):
        np.testing.assert_allclose(kernels.expected_statistics(X, v, *arguments)[0], v @ each, rtol=1e-13)
    X[n // 2] = np.nan
    assert np.isnan(kernels.expected_statistics(X, np.ones(n), *arguments)[0])


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
    X = rng.normal(size=(30, 2))
    sets = [parameters(rng, 3, 2) for _ in range(4)]
    means, factors = np.stack([s[1] for s in sets]), np.stack([s[3] for s in sets])
    constants = kernels.log_constants(np.log([s[0] for s in sets]), factors)
    shares = np.stack([kernels.responsibilities(X, *arguments) for arguments in zip(constants, means, factors, strict=True)])
    total, square, votes = kernels.draws_responsibilities(X, constants, means, factors)
    np.testing.assert_allclose(total, shares.sum(0))
    np.testing.assert_allclose(square, (shares**2).sum(0))
    np.testing.assert_array_equal(votes, (shares == shares.max(axis=2, keepdims=True)).sum(0))
    table = rng.normal(size=(30, 4))
    agreement = kernels.draws_agreement(X, constants, means, factors, table)
    np.testing.assert_allclose(agreement, np.einsum("sik,ig->skg", shares, table))
    filled = kernels.draws_filled(X, constants, means, factors)
    np.testing.assert_allclose(filled, (1 - (1 - shares).prod(axis=1)).sum(axis=1))
    density = kernels.draws_log_density(X, constants, means, factors)
    np.testing.assert_array_equal(density[2], kernels.log_density(X, constants[2], means[2], factors[2]))
    np.testing.assert_array_equal(kernels.draws_shares(X, constants, means, factors), shares)
    keys = np.array([3, 5, 7, 2**61])
    drawn = kernels.draws_allocations(X, constants, means, factors, keys)
    for s, key in enumerate(keys):
        expected = kernels.sampled_statistics(X, key, constants[s], means[s], factors[s])[4]
        np.testing.assert_array_equal(drawn[s], expected)


def test_draws_meet_many_rows_some_at_a_time():
    """More rows than a block of shares holds; the second component is the far one, which hardly a row comes from."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(70_000, 1))
    means, factors = np.array([[[0.0], [4.2]]]), np.ones((1, 2, 1, 1))
    constants = kernels.log_constants(np.log([[1 - 1e-5, 1e-5]]), factors)
    shares = kernels.responsibilities(X, constants[0], means[0], factors[0])
    filled = kernels.draws_filled(X, constants, means, factors)
    assert 0.01 < (1 - (1 - shares[:, 1]).prod()) < 0.99
    np.testing.assert_allclose(filled, [(1 - (1 - shares).prod(axis=0)).sum()])
    table = rng.normal(size=(len(X), 3))
    np.testing.assert_allclose(kernels.draws_agreement(X, constants, means, factors, table)[0], shares.T @ table, rtol=1e-8)


def case(n, d, n_components, seed=0, diagonal=False):
    rng = np.random.default_rng(seed)
    weights, means, _, factors = parameters(rng, n_components, d, diagonal)
    return rng.normal(size=(n, d)) * 2, rng.uniform(size=n), kernels.log_constants(np.log(weights), factors), means, factors


def close(found, expected, scale=1.0):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("d", range(1, 8))
def test_diagonals_equal_full_matrices(d):
    X, v, constants, means, factors = case(700, d, 3, diagonal=True)
    *full, scatter = kernels.expected_statistics(X, v, constants, means, factors[:, :, None] * np.eye(d))
    found = kernels.expected_statistics(X, v, constants, means, factors)
    close(found, (*full, np.diagonal(scatter, axis1=1, axis2=2)), scale=700)


@pytest.mark.parametrize("n", [1, 7, 8, 31, 32, 33, 511, 512, 513, 1025])
def test_parts_add_to_the_whole_wherever_rows_are_cut(n):
    X, v, *mixture = case(n + 300, 3, 2)
    whole = kernels.expected_statistics(X, v, *mixture)
    first, second = kernels.expected_statistics(X[:n], v[:n], *mixture), kernels.expected_statistics(X[n:], v[n:], *mixture)
    close([a + b for a, b in zip(first, second, strict=True)], whole, scale=100)


@pytest.mark.parametrize("d", [1, 2, 5, 6])
def test_data_far_from_zero_lose_nothing(d):
    X, v, constants, means, factors = case(600, d, 3)
    X, means = np.round(X * 2**20) / 2**20, np.round(means * 2**20) / 2**20  # so that adding 2^27 > 1e8 is exact
    near = kernels.pointwise_statistics(X, v, constants, means, factors)
    for a, b in zip(kernels.pointwise_statistics(X + 2.0**27, v, constants, means + 2.0**27, factors), near, strict=True):
        np.testing.assert_array_equal(a, b)


def test_row_weights_of_any_sign():
    X, v, *mixture = case(900, 3, 4)
    v = np.where(v < 0.3, 0.0, v - 0.6)
    log_density, *found = kernels.pointwise_statistics(X, v, *mixture)
    shares, diff = kernels.responsibilities(X, *mixture), X[:, None] - mixture[1]
    weighted = v[:, None] * shares
    scatter = np.einsum("ik,ikj,ikm->kjm", weighted, diff, diff)
    close(found, (weighted.sum(axis=0), np.einsum("ik,ikj->kj", weighted, diff), scatter), scale=900)
    counting = v != 0
    assert kernels.expected_statistics(X, v, *mixture)[0] == pytest.approx(v @ log_density, rel=1e-12)
    close(found, kernels.pointwise_statistics(X[counting], v[counting], *mixture)[1:], scale=900)


def test_a_component_of_weight_zero_changes_nothing():
    X, v, constants, means, factors = case(300, 2, 3)
    constants[1] = -np.inf
    log_likelihood, counts, sums, scatter = kernels.expected_statistics(X, v, constants, means, factors)
    others = [0, 2]
    close(
        (log_likelihood, counts[others], sums[others], scatter[others]),
        kernels.expected_statistics(X, v, constants[others], means[others], factors[others]),
        scale=300,
    )
    assert counts[1] == 0
    assert (scatter[1] == 0).all()


def test_rows_that_no_component_reaches_are_shared_evenly():
    X, _, constants, means, factors = case(3, 1, 4)
    X[1] = 1e200
    shares = kernels.responsibilities(X, constants, means, factors)
    np.testing.assert_array_equal(shares[1], 0.25)
    np.testing.assert_array_equal(kernels.log_density(X, constants, means, factors) == -np.inf, [False, True, False])


@pytest.mark.parametrize("what", [2, 3, 4])
def test_what_is_not_a_number_is_told(what):
    arguments = list(case(50, 2, 3))
    arguments[what] = arguments[what].copy()
    arguments[what][1] = np.nan
    assert np.isnan(kernels.log_density(arguments[0], *arguments[2:])).all()


def test_memory_layout_changes_no_bit():
    X, v, *mixture = case(600, 4, 3)
    expected = kernels.expected_statistics(X, v, *mixture)
    wide = np.zeros((1200, 9))
    wide[::-2, 1::2] = X
    ones = np.lib.stride_tricks.as_strided(np.ones(1), (600,), (0,))
    for values in (np.asfortranarray(X), wide[::-2, 1::2]):
        for a, b in zip(kernels.expected_statistics(values, v, *mixture), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(
        kernels.expected_statistics(X, ones, *mixture), kernels.expected_statistics(X, np.ones(600), *mixture), strict=True
    ):
        np.testing.assert_array_equal(a, b)


DIGEST = """
import hashlib
import numpy as np
from bayesgmm import kernels

rng = np.random.default_rng(0)
X, means, factors = rng.uniform(-3, 3, (700, 3)), rng.uniform(-2, 2, (2, 3)), np.tril(rng.uniform(0.5, 2, (2, 3, 3)))
found = kernels.pointwise_statistics(X, np.ones(700), np.array([-1.0, -2.0]), means, factors)
digest = hashlib.sha256(b"".join(a.tobytes() for a in found)).hexdigest()
"""


def test_the_width_of_the_machines_registers_changes_no_bit(tmp_path):
    here = {}
    exec(DIGEST, here)  # noqa: S102
    # The plainest processor of this kind: registers of two doubles, a call for each fused multiply-add.
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", DIGEST + "print(digest)"]
    there = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert there.strip() == here["digest"]


def test_an_edit_of_any_file_of_the_package_reaches_the_compiled_code():
    # Numba alone looks at the file that a function stands in.
    X, v, *mixture = case(10, 1, 1)
    kernels.expected_statistics(X, v, *mixture)
    dispatcher = kernels.expected_statistics
    codegen = dispatcher.targetctx.codegen()
    assert kernels.SOURCES in dispatcher._cache._index_key(dispatcher.signatures[0], codegen)
