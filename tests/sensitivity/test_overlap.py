import numpy as np
import pytest
from scipy import integrate, stats

from bayesgmm.sensitivity.overlap import overlap

BIMODAL = stats.norm(-2, 0.3), stats.norm(2, 0.3)


def mixture_of(laws, rng, size):
    draws = np.stack([law.rvs(size, random_state=rng) for law in laws])
    return np.take_along_axis(draws, rng.integers(len(laws), size=(1, *size)), axis=0)[0]


def shared(p, laws):
    def least(x):
        return min(p.pdf(x), np.mean([law.pdf(x) for law in laws]))

    return integrate.quad(least, -20, 20, points=[-3, -2, -1, 0, 1, 2, 3], limit=400)[0]


@pytest.mark.parametrize(
    "laws",
    [[stats.norm(0.5, 1)], [stats.norm(2, 1)], [stats.norm(0, 0.1)], [stats.norm(0, 0.5)], [stats.norm(3, 0.3)], BIMODAL],
    ids=["near", "apart", "narrow", "half", "tail", "bimodal"],
)
def test_against_integration(laws):
    """The mean of 40 estimates is right to 0.012, their spread is the standard error that they tell; seeds are fixed."""
    rngs, p = map(np.random.default_rng, range(40)), stats.norm(0, 1)
    found = [overlap(rng.normal(size=4000), mixture_of(laws, rng, (4, 1000))) for rng in rngs]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(shared(p, laws), abs=0.012)
    assert values.std() == pytest.approx(errors.mean(), rel=0.35)


def test_ends():
    rng = np.random.default_rng(0)
    cauchy = stats.cauchy.rvs(size=5000, random_state=rng)
    assert overlap(cauchy, stats.cauchy.rvs(size=(4, 1000), random_state=rng)).value > 0.96
    assert overlap(cauchy, rng.normal(1e6, 1.0, (4, 1000))).value < 0.002
    far = overlap(rng.normal(size=1000), rng.normal(100.0, 1.0, (2, 500)))
    assert far.value < 0.01  # the next draw beyond the outermost one may come from either law
    assert far.mcse < 0.01


def test_only_the_order_counts():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=2000), rng.normal(1.0, 1.0, (4, 500))
    assert overlap(np.exp(one), np.exp(other)) == overlap(one, other)


def test_the_error_knows_autocorrelation():
    rng = np.random.default_rng(2)
    steps, slow = rng.normal(size=(4, 2000)), np.zeros((4, 2000))
    for t in range(1, 2000):
        slow[:, t] = 0.98 * slow[:, t - 1] + np.sqrt(1 - 0.98**2) * steps[:, t]
    independent = rng.normal(size=4000)
    assert overlap(independent, slow + 1).mcse > 3 * overlap(independent, steps + 1).mcse
