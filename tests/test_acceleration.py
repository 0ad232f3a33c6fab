"""Anderson's acceleration apart from EM: charts go there and back, linear maps are solved, losses are waited out."""

import numpy as np
import pytest

from bayesgmm.acceleration import PLAIN, Anderson, Chart
from bayesgmm.covariance import STRUCTURES
from bayesgmm.mixture import Mixture
from tests.laws import problem, random_covariances, structures


def some_mixture(code, seed, near=None):
    rng = np.random.default_rng(seed)
    structure = STRUCTURES[code]
    if near is None:
        return Mixture(rng.dirichlet(np.full(3, 5.0)), rng.normal(size=(3, 2)), random_covariances(code, 3, 2, rng), structure)
    weights = near.weights * np.exp(0.01 * rng.normal(size=3))
    covariances = near.covariances * np.exp(0.01 * rng.normal())
    return Mixture(weights / weights.sum(), near.means + 0.01 * rng.normal(size=(3, 2)), covariances.copy(), structure)


@structures
def test_charts_go_there_and_back(code):
    chart, other = Chart(some_mixture(code, 0)), some_mixture(code, 1)
    back = chart.mixture(chart.coordinates(other))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(back, name), getattr(other, name), rtol=1e-12)


@structures
def test_squared_lengths_are_twice_the_divergence(code):
    """Of the mixtures with their labels, sum_k w_k {log(w_k / w'_k) + KL(N_k, N'_k)}, for small distances."""
    one = some_mixture(code, 0)
    other = some_mixture(code, 1, near=one)
    chart = Chart(one)
    difference = chart.coordinates(other) - chart.coordinates(one)
    difference = difference.reshape(3, -1)
    shift, precisions = other.means - one.means, np.linalg.inv(other.covariances)
    trace = np.trace(precisions @ one.covariances, axis1=1, axis2=2) - 2
    logs = np.linalg.slogdet(other.covariances)[1] - np.linalg.slogdet(one.covariances)[1]
    normals = 0.5 * (trace + logs + np.einsum("ki,kij,kj->k", shift, precisions, shift))
    divergence = one.weights @ (np.log(one.weights / other.weights) + normals)
    assert (difference**2).sum() == pytest.approx(2 * divergence, rel=0.1)


def test_units_mean_nothing_to_charts():
    one, other = some_mixture("VVV", 0), some_mixture("VVV", 1)

    factor = np.array([1e-6, 1e5])

    def in_other_units(m):
        return Mixture(m.weights, factor * m.means, m.covariances * np.outer(factor, factor), m.structure)

    np.testing.assert_allclose(
        Chart(in_other_units(one)).coordinates(in_other_units(other)), Chart(one).coordinates(other), rtol=1e-8
    )


def linear_map(chart, fixed, rate):
    """A map of mixtures that is linear in the chart and draws all to ``fixed``; rates differ from direction to direction."""

    def image(mixture):
        return chart.mixture(fixed + rate * (chart.coordinates(mixture) - fixed))

    return image


def test_a_linear_map_of_few_rates_is_solved():
    """With r different rates of decay the guess from r + 1 iterates is the fixed point, but for what the condition cuts."""
    reference = some_mixture("VVV", 0)
    chart = Chart(reference)
    n = len(chart.coordinates(reference))
    rate = np.where(np.arange(n) % 3 == 0, 0.99, np.where(np.arange(n) % 3 == 1, 0.9, 0.5))
    weights = np.arange(n) % 6 == 0  # leave log weights alone: their sum is not free
    fixed = chart.coordinates(reference) + np.where(weights, 0.0, 0.3 * np.random.default_rng(1).normal(size=n))
    image, anderson, mixture = linear_map(chart, fixed, rate), Anderson(plain=0), reference
    start = np.linalg.norm(fixed - chart.coordinates(reference))
    for _ in range(8):
        mapped = image(mixture)
        guess = anderson.guess(mixture, mapped)
        mixture = mapped if guess is None else guess
        anderson.won()
    assert np.linalg.norm(chart.coordinates(mixture) - fixed) < 1e-6 * start


def test_losses_are_waited_out_twice_as_long_each_time():
    """A guess takes two iterates, of which the first one is learnt when the wait is over."""
    m = some_mixture("VVV", 0)
    pair = [m, some_mixture("VVV", 1, near=m)]

    def iterates_until_a_guess(anderson):
        return next(i for i in range(1, 1000) if anderson.guess(pair[i % 2], pair[(i + 1) % 2]) is not None)

    anderson, asked = Anderson(), []
    for _ in range(4):
        asked.append(iterates_until_a_guess(anderson))
        anderson.lost()
    assert asked == [PLAIN + 2, 4, 6, 10]
    iterates_until_a_guess(anderson)
    anderson.won(rest=3)
    assert iterates_until_a_guess(anderson) == 4
    assert all(Anderson(plain=np.inf).guess(*pair) is None for _ in range(100))


def test_no_guess_from_empty_components():
    m = some_mixture("VVV", 0)
    empty = Mixture(np.array([0.5, 0.5, 0.0]), m.means, m.covariances, m.structure)
    anderson = Anderson(plain=0)
    assert all(anderson.guess(empty, empty) is None for _ in range(PLAIN))
    assert all(anderson.guess(*pair) is None for pair in ((empty, m), (m, empty), (m, m)))


def test_a_vector_out_of_all_bounds_is_no_mixture():
    truth = problem("VVV")[2]
    chart = Chart(truth)
    vector = chart.coordinates(truth)
    assert chart.mixture(vector + 1e9) is None
    assert chart.mixture(np.full_like(vector, np.nan)) is None
