from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from tests.calibration.ranks import band, coverage, uniformity


@pytest.mark.parametrize(("n", "n_draws"), [(5, 3), (4, 4), (7, 1)])
def test_p_values_are_exact(n, n_draws):
    """Over all equally likely sequences of ranks, p of at most p0 has the probability p0, for every p0 that occurs."""
    found = np.array([uniformity(np.array(ranks), n_draws) for ranks in product(range(n_draws + 1), repeat=n)])
    for p in np.unique(found.round(12)):
        assert (found <= p + 1e-9).mean() == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("spoil", [lambda u: u**1.6, lambda u: 0.5 + 0.6 * (u - 0.5), lambda u: np.where(u < 0.5, u**0.7, u)])
def test_ranks_that_are_shifted_or_too_narrow_are_found(spoil):
    uniform = np.random.default_rng(0).random(400)
    assert uniformity((uniform * 100).astype(int), 99) > 0.01
    assert uniformity((spoil(uniform) * 100).astype(int), 99) < 1e-3


def test_coverage_counts_exactly_as_many_ranks_as_it_says():
    every = np.arange(100)
    assert (coverage(every, 99, 0.5), coverage(every, 99, 0.9)) == (50, 90)
    with pytest.raises(ValueError, match="no central interval"):
        coverage(every, 98, 0.5)


@pytest.mark.parametrize(("n", "probability"), [(200, 0.5), (320, 0.9)])
def test_bands_leave_out_what_they_say(n, probability):
    least, most = band(n, probability, 1e-3)
    outside = binom.cdf(least - 1, n, probability) + binom.sf(most, n, probability)
    assert 1e-4 < outside < 1e-3
