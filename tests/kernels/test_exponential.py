import numpy as np
import pytest

from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.exponential import exp, log
from bayesgmm.kernels.lanes import ROWS, load, store

extended = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs a long double of 80 bits to compare with")


@jit
def exp_of(x, out):
    for i in range(0, x.shape[0], ROWS):
        store(out, i, exp(load(x, i)))


@jit
def log_of(x, out):
    for i in range(0, x.shape[0], ROWS):
        store(out, i, log(load(x, i)))


def applied(function, x):
    padded = np.ones(-(-len(x) // ROWS) * ROWS)
    padded[: len(x)] = x
    out = np.empty_like(padded)
    function(padded, out)
    return out[: len(x)]


def ulps(found, exact):
    """Distance in units of the last place of the exact value."""
    return np.abs((found - exact) / np.spacing(np.abs(exact.astype(np.float64)))).max()


def grids(low, high):
    rng = np.random.default_rng(0)
    return [np.linspace(low, high, 200_001), rng.uniform(low, high, 200_000)]


@extended
@pytest.mark.parametrize(("low", "high"), [(-745.13, -700), (-708.5, -707.5), (-708, 0), (-30, 0), (-1, 0), (-1e-8, 0), (0, 709)])
def test_exponential_is_right_to_the_last_place(low, high):
    for x in grids(low, high):
        assert ulps(applied(exp_of, x), np.exp(x.astype(np.longdouble))) < 1.1


@extended
def test_exponential_where_the_reduced_argument_changes_sign():
    halves = (np.arange(-1075, 2) + 0.5) * np.log(2)
    x = np.concatenate([halves, np.nextafter(halves, -np.inf), np.nextafter(halves, np.inf), 2 * halves - halves.max()])
    x = x[(x > -745) & (x <= 0)]
    assert ulps(applied(exp_of, x), np.exp(x.astype(np.longdouble))) < 1.1


def test_special_values_of_the_exponential():
    x = np.array([0.0, -0.0, -np.inf, -1e308, -746.0, -745.2, -745.13, -5e-324, np.nan])
    np.testing.assert_array_equal(applied(exp_of, x), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 5e-324, 1.0, np.nan])


@extended
@pytest.mark.parametrize(("low", "high"), [(1, 2), (1, 100), (0.5, 1.5), (1 - 1e-6, 1 + 1e-6), (1e-300, 1), (1, 1e300)])
def test_logarithm_is_right_to_the_last_place(low, high):
    for x in grids(low, high):
        assert ulps(applied(log_of, x), np.log(x.astype(np.longdouble))) < 1.1


def test_special_values_of_the_logarithm():
    np.testing.assert_array_equal(applied(log_of, np.array([1.0, np.nan])), [0.0, np.nan])
