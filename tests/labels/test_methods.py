import sys
from itertools import permutations

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import labels
from bayesgmm.covariance import STRUCTURES
from bayesgmm.draws import Draws
from bayesgmm.labels import METHODS, inverse
from bayesgmm.labels.trust import misplaced_rate
from tests.laws import problem


def planted(separation=6.0, n_components=3, seed=0):
    """Draws around a truth, each with its components shuffled by a known permutation."""
    X, _, truth = problem("VVV", n=200, n_components=n_components, n_features=2, seed=seed, separation=separation)
    rng = np.random.default_rng(seed)
    shape = (2, 50, n_components)
    means = truth.means + 0.1 * rng.standard_normal((*shape, 2))
    covariances = truth.covariances * rng.uniform(0.9, 1.1, size=(*shape, 1, 1))
    weights = np.broadcast_to(truth.weights, shape)
    clean = Draws(weights, means, covariances, STRUCTURES["VVV"])
    shuffle = rng.permuted(np.broadcast_to(np.arange(n_components), shape), axis=2)
    scores = clean.log_density(X).sum(axis=2)
    return X, clean, clean.permuted(shuffle), scores


@pytest.mark.parametrize("method", list(METHODS))
def test_planted_permutations_are_undone(method):
    X, clean, shuffled, scores = planted()
    found = shuffled.permuted(METHODS[method](shuffled, X, scores))
    order = [int(np.flatnonzero((clean.means[0, 0] == mean).all(axis=1))[0]) for mean in found.means[0, 0]]
    np.testing.assert_array_equal(found.means, clean.means[:, :, order])
    np.testing.assert_array_equal(found.covariances, clean.covariances[:, :, order])


@pytest.mark.parametrize("method", list(METHODS))
def test_every_row_is_a_permutation(method):
    X, _, shuffled, scores = planted(separation=0.5)
    found = METHODS[method](shuffled, X, scores)
    np.testing.assert_array_equal(np.sort(found, axis=2), np.broadcast_to(np.arange(3), found.shape))


def test_ecr_finds_the_best_of_all_permutations():
    X, _, shuffled, scores = planted(separation=1.0)
    found = labels.METHODS["ecr"](shuffled, X, scores)
    chain, draw = np.unravel_index(scores.argmax(), scores.shape)
    best = shuffled.mixture(chain, draw)
    pivot = best.permuted(np.argsort(-best.weights)).predict(X)
    for s in range(50):
        shares = shuffled.mixture(0, s).responsibilities(X)
        reach = {order: shares[np.arange(len(X)), np.array(order)[pivot]].sum() for order in permutations(range(3))}
        assert reach[tuple(found[0, s])] == pytest.approx(max(reach.values()))


def test_ecr_asks_some_of_many_rows(monkeypatch):
    """Of components that are apart any forty rows tell the orders that all two hundred do."""
    X, _, shuffled, scores = planted()
    every = labels.METHODS["ecr"](shuffled, X, scores)
    seen = []
    monkeypatch.setattr(Draws, "agreement", lambda *a, whole=Draws.agreement: seen.append(len(a[1])) or whole(*a))
    monkeypatch.setattr(sys.modules["bayesgmm.labels.ecr"], "MOST_ROWS", 40)
    np.testing.assert_array_equal(labels.METHODS["ecr"](shuffled, X, scores), every)
    assert seen == [40]


def test_stephens_finds_the_best_of_all_permutations_of_all_draws():
    """Five rows, K = 3: for the mean that it ends with no permutation of any draw has a smaller divergence from it."""
    X, _, shuffled, scores = planted(separation=1.0)
    rows = X[::40]
    found = labels.METHODS["stephens"](shuffled, rows, scores)
    mean, _ = shuffled.permuted(found).responsibilities(rows)
    for chain, s in np.ndindex(2, 50):
        shares = shuffled.mixture(chain, s).responsibilities(rows)
        divergence = {}
        for order in permutations(range(3)):
            permuted = shares[:, list(order)]
            divergence[order] = (permuted * np.log(permuted / mean)).sum()
        assert divergence[tuple(found[chain, s])] == pytest.approx(min(divergence.values()))


def test_ordering_along_a_named_feature(faithful_two):
    for feature, place in (("waiting", 1), (0, 0)):
        means = bg.relabel(faithful_two, "ordering", feature=feature).draws.means[..., place]
        assert (np.diff(means, axis=2) >= 0).all()
    with pytest.raises(ValueError, match="'eruptions', 'waiting'"):
        bg.relabel(faithful_two, "ordering", feature="height")
    with pytest.raises(ValueError, match="method='ordering'"):
        bg.relabel(faithful_two, "ecr", feature="waiting")


def test_inverse_undoes():
    _, clean, _, _ = planted()
    order = np.random.default_rng(1).permuted(np.broadcast_to(np.arange(3), (2, 50, 3)), axis=2)
    np.testing.assert_array_equal(clean.permuted(order).permuted(inverse(order)).means, clean.means)


def test_trust_is_given_to_separate_components_and_denied_to_blurred_ones():
    _, clean, shuffled, _ = planted()
    assert misplaced_rate(clean) == 0.0
    assert misplaced_rate(shuffled) > 0.3


def test_components_that_differ_in_correlation_alone_are_told_apart():
    rng = np.random.default_rng(0)
    covariances = np.array([[[1.0, 0.9], [0.9, 1.0]], [[1.0, -0.9], [-0.9, 1.0]]])
    crossing = covariances * rng.uniform(0.9, 1.1, size=(2, 200, 2, 1, 1))
    means = 0.05 * rng.standard_normal((2, 200, 2, 2))
    draws = Draws(np.full((2, 200, 2), 0.5), means, crossing, STRUCTURES["VVV"])
    assert misplaced_rate(draws) == 0.0


@pytest.mark.parametrize(("factor", "shift"), [(1e-100, 0.0), (1e-9, 1e-6), (1.0, 1e6), (1e100, 0.0)])
def test_the_rate_of_misplaced_draws_has_no_units(factor, shift):
    _, _, shuffled, _ = planted()
    means, covariances = factor * shuffled.means + shift, factor**2 * shuffled.covariances
    in_other_units = Draws(shuffled.weights, means, covariances, shuffled.structure)
    assert misplaced_rate(in_other_units) == misplaced_rate(shuffled)
