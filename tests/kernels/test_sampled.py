from itertools import pairwise

import numba
import numpy as np
import pytest

from bayesgmm import kernels
from tests.kernels.test_passes import parameters

KEY = 12345


def sampled(n, n_components, d, diagonal=False, seed=0):
    rng = np.random.default_rng(seed)
    weights, means, _, factors = parameters(rng, n_components, d, diagonal)
    return rng.normal(size=(n, d)) * 2, kernels.log_constants(np.log(weights), factors), means, factors


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize(("n", "n_components", "d"), [(1, 1, 1), (272, 2, 2), (512, 3, 4), (1300, 50, 3)])
def test_statistics_are_those_of_the_allocations(n, n_components, d, diagonal):
    X, constants, means, factors = sampled(n, n_components, d, diagonal)
    log_likelihood, counts, sums, scatter, allocations = kernels.sampled_statistics(X, KEY, constants, means, factors)
    assert log_likelihood == pytest.approx(kernels.log_density(X, constants, means, factors).sum(), rel=1e-13)
    assert allocations.dtype == np.int32
    expected = kernels.labelled_statistics(X, np.ones(n), allocations, means)
    np.testing.assert_array_equal(counts, expected[0])
    np.testing.assert_allclose(sums, expected[1], rtol=1e-12, atol=1e-11)
    full = np.diagonal(expected[2], axis1=1, axis2=2) if diagonal else expected[2]
    np.testing.assert_allclose(scatter, full, rtol=1e-12, atol=1e-11)


def test_blocks_and_pieces_change_no_draw():
    X, constants, means, factors = sampled(1500, 4, 2)
    whole = kernels.sampled_statistics(X, KEY, constants, means, factors)[4]
    for cut in (1, 37, 512, 1000):
        pieces = [kernels.sampled_statistics(X[a:b], KEY, constants, means, factors, a)[4] for a, b in ((0, cut), (cut, 1500))]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("diagonal", [False, True])
def test_threads_and_company_change_no_bit(diagonal):
    """Of 40,000 rows, in pieces: whoever works on which, and however many draws are gone through at a time."""
    X, constants, means, factors = sampled(40_000, 3, 2, diagonal)
    several = [
        np.stack([part, other])
        for part, other in zip((constants, means, factors), (constants, means + 0.1, factors), strict=True)
    ]
    keys = np.array([KEY, 7])
    one, *others = (kernels.threaded_samples(X, keys, *several, 5, threads) for threads in (1, 2, 3))
    for other in others:
        for ours, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for s in range(2):
        alone = kernels.threaded_samples(X, keys[s : s + 1], *(part[s : s + 1] for part in several), 5)
        whole = kernels.sampled_statistics(X, keys[s], *(part[s] for part in several), 5)
        for ours, theirs, expected in zip(one, alone, whole[:4], strict=True):
            np.testing.assert_array_equal(ours[s], theirs[0])
            np.testing.assert_allclose(ours[s], expected, rtol=1e-11, atol=1e-8)


def test_allocations_follow_the_responsibilities():
    # 180 frequencies of 400 draws each: one beyond 4.5 standard errors (and 4.5 draws, for the rare) less than once in 800 seeds
    X, constants, means, factors = sampled(60, 3, 2, seed=4)
    shares = kernels.responsibilities(X, constants, means, factors)
    drawn = [kernels.sampled_statistics(X, 10_007 + sweep, constants, means, factors)[4] for sweep in range(400)]
    frequencies = (np.stack(drawn)[:, :, None] == np.arange(3)).mean(axis=0)
    assert (np.abs(frequencies - shares) <= 4.5 * np.sqrt(shares * (1 - shares) / 400) + 4.5 / 400).all()
    pairs = np.mean([(a == b).mean() for a, b in pairwise(drawn)])  # sweeps know nothing of each other
    assert pairs == pytest.approx((shares**2).sum(axis=1).mean(), abs=4.5 * 0.5 / np.sqrt(60 * 399))


def test_nobody_is_drawn_from_an_impossible_component():
    X, constants, means, factors = sampled(4000, 4, 1)
    constants[[0, 2]] = -np.inf
    allocations = kernels.sampled_statistics(X, KEY, constants, means, factors)[4]
    assert set(allocations) == {1, 3}


def test_rows_beyond_every_component_are_drawn_evenly():
    X, constants, means, factors = np.full((4000, 1), 1e200), np.zeros(4), np.zeros((4, 1)), np.ones((4, 1, 1))
    counts = kernels.sampled_statistics(X, KEY, constants, means, factors)[1]
    assert (np.abs(counts - 1000) < 5 * np.sqrt(4000 * 3 / 16)).all()


def test_what_is_not_a_number_stays_inside_the_array():
    X, constants, means, factors = sampled(40, 3, 1)
    log_likelihood, *_, allocations = kernels.sampled_statistics(X, KEY, constants * np.nan, means, factors)
    assert np.isnan(log_likelihood)
    assert ((allocations >= 0) & (allocations < 3)).all()


def test_numba_functions_may_call_it():
    X, constants, means, factors = sampled(100, 2, 2)

    @numba.njit
    def sweeps(X, constants, means, factors):
        total = 0.0
        for sweep in range(3):
            total += kernels.sampled_statistics(X, sweep, constants, means, factors)[0]
        return total

    one = kernels.sampled_statistics(X, 0, constants, means, factors)[0]
    assert sweeps(X, constants, means, factors) == pytest.approx(3 * one)
