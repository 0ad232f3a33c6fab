"""The matrix of similarity: means of products of responsibilities, whatever the components are called."""

import dataclasses
import sys

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import kernels

matrix = sys.modules["bayesgmm.kernels.similarity"]  # the module, whose name is also its function's


def test_similarity_is_the_mean_product_of_responsibilities(faithful_three):
    few = faithful_three.draws.at_most(8)
    values = faithful_three.observations.values[:20]
    expected = np.zeros((20, 20))
    for chain, s in np.ndindex(*few.shape):
        shares = few.mixture(chain, s).responsibilities(values)
        expected += shares @ shares.T
    expected /= few.shape[0] * few.shape[1]
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(few.similarity(values), expected, atol=1e-12)


@pytest.mark.parametrize(("n", "n_components", "n_draws"), [(1, 1, 1), (31, 2, 5), (33, 3, 400), (64, 7, 11), (100, 600, 3)])
@pytest.mark.parametrize("diagonal", [False, True])
def test_tiles_of_any_size(n, n_components, n_draws, diagonal):
    rng = np.random.default_rng([n, n_draws])
    values, means = rng.normal(size=(n, 2)), rng.normal(size=(n_draws, n_components, 2))
    weights = rng.dirichlet(np.ones(n_components), n_draws)
    factors = np.ones_like(means) if diagonal else np.broadcast_to(np.eye(2), (n_draws, n_components, 2, 2)).copy()
    density = np.exp(-0.5 * ((values[:, None] - means[:, None]) ** 2).sum(axis=-1)) * weights[:, None]
    shares = density / density.sum(axis=-1, keepdims=True)
    expected = np.einsum("sik,sjk->ij", shares, shares) / n_draws
    np.fill_diagonal(expected, 1)
    found = kernels.similarity(values, kernels.log_constants(np.log(weights), factors), means, factors)
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_threads_change_no_bit(blurred, monkeypatch):
    monkeypatch.setattr(matrix, "WORTH_THREADS", 0)
    found = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("BAYESGMM_THREADS", threads)
        found.append(bg.similarity_matrix(blurred))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_some_rows(blurred):
    rows = [40, 3, 17]
    np.testing.assert_allclose(bg.similarity_matrix(blurred, rows), bg.similarity_matrix(blurred)[np.ix_(rows, rows)], atol=1e-13)


def test_groups_of_old_faithful(faithful_two):
    matrix = bg.similarity_matrix(faithful_two)
    short = bg.load_dataset("faithful")["eruptions"].to_numpy() < 3
    assert matrix[np.ix_(short, short)].mean() > 0.98
    assert matrix[np.ix_(short, ~short)].mean() < 0.02
    np.testing.assert_array_equal(matrix, matrix.T)
    relabelled = bg.similarity_matrix(bg.relabel(faithful_two))
    np.testing.assert_allclose(relabelled, matrix, atol=1e-12)


def test_an_unknown_number_of_components():
    X, labels, _ = bg.simulate(60, 2, 2, 8.0, seed=1)
    post = bg.fit_mfm(X, draws=3000, progress=False)
    matrix = bg.similarity_matrix(post)
    assert np.isfinite(matrix).all()
    same = labels[:, None] == labels
    assert matrix[same].mean() > 0.9
    assert matrix[~same].mean() < 0.05


def test_what_has_no_matrix_is_refused(faithful_two):
    with pytest.raises(TypeError, match="Posterior or an MfmPosterior"):
        bg.similarity_matrix(bg.load_dataset("faithful"))
    many = dataclasses.replace(faithful_two.observations, values=np.zeros((30_000, 2)))
    with pytest.raises(ValueError, match="30,000 rows has 7 GB"):
        bg.similarity_matrix(bg.Posterior(faithful_two.tree, faithful_two.specification, many))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "rows is empty"),
        ([0, 60], "rows must be from 0 to 59, the last of the 60, got 60"),
        ([-1], "got -1"),
        ([2, 5, 2], "distinct: 2 is among them 2 times"),
        ([[0, 1]], "must have shape"),
        ([0.5], "must hold integers"),
        (["a"], "must hold real numbers"),
    ],
)
def test_what_is_no_row_is_refused(blurred, rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        bg.similarity_matrix(blurred, rows)
