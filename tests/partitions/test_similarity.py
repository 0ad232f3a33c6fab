"""Which rows belong together."""

import dataclasses

import numpy as np
import pytest

import bayesgmm as bg


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
    post = bg.fit_mfm(X, draws=100, tune=50, progress=False)
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
