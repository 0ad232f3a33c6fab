"""EM's pass in JAX is that of Numba: exactly in float64, within what is stated in float32."""

import sys
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm import jax_kernels
from bayesgmm.observations import Observations
from bayesgmm.sources import Source

TOLERANCE = 1e-10  # relative to an array's largest entry
N, K, D = 1500, 3, 3
FIELDS = ("log_likelihood", "counts", "sums", "scatter", "noise_count")


@pytest.fixture(scope="module")
def table():
    X, _, _ = bg.simulate(N, K, D, 3.0, seed=3)
    return pd.DataFrame(X * [1e-3, 1.0, 1e3] + [1e3, 0.0, -1e5], columns=["a", "b c", "é"])


@pytest.fixture(scope="module")
def on_device(table):
    return {dtype: bg.OnDevice(table, dtype) for dtype in ("float64", "float32")}


@pytest.fixture(scope="module")
def mixtures(table):
    """One of each kind of factors, with noise and without; off an optimum, where sums cancel."""
    kinds = [("full", None), ("tied", True), ("diag", True), ("spherical", None)]
    fits = {code: bg.fit_em(table, K, code, noise=noise, n_init=2, tolerance=1e-3).mixture for code, noise in kinds}
    return {code: replace(m, means=m.means + 0.01 * np.ptp(table.to_numpy(), axis=0)) for code, m in fits.items()}


def assert_statistics(mixture, X, source, tolerance, weights=None):
    here, there = (mixture.expected_statistics(Observations.from_data(each, weights)) for each in (X, source))
    for name in ("log_likelihood", "counts", "sums", "scatter", "noise_count"):
        actual, expected = (np.atleast_1d(getattr(statistics, name)) for statistics in (there, here))
        assert (np.abs(actual - expected) <= tolerance * np.abs(expected).max(axis=0)).all(), name


@pytest.mark.parametrize(
    ("code", "entries", "weighted"),
    [
        ("full", 2**18, False),
        ("full", 1300, True),  # eleven blocks of 137 rows, which are more than there are: the last one reaches back
        ("tied", 1300, False),
        ("diag", 1300, True),
        ("spherical", 2**18, False),
    ],
)
def test_the_pass_is_that_of_numba(table, on_device, mixtures, monkeypatch, code, entries, weighted):
    monkeypatch.setattr(jax_kernels, "block_entries", lambda _: entries)
    weights = np.random.default_rng(0).integers(0, 4, N) / 2 if weighted else None
    assert_statistics(mixtures[code], table, on_device["float64"], TOLERANCE, weights)


def test_a_component_of_no_weight_counts_nothing(table, on_device, mixtures):
    m = mixtures["full"]
    empty = bg.Mixture.from_parameters([0.4, 0.6, 0.0], m.means, m.covariances)
    for dtype, tolerance in (("float64", TOLERANCE), ("float32", 1e-5)):
        assert_statistics(empty, table, on_device[dtype], tolerance)


def rows_of(source):
    return np.concatenate([block.values for block in source.blocks()])


def test_rows_stay_what_they_are(table, on_device, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)
    X = table.to_numpy()
    for dtype, share in (("float64", 0.0), ("float32", 3e-8)):
        source = on_device[dtype]
        assert source.names == ("a", "b c", "é")
        assert [len(block.values) for block in source.blocks()] == [700, 700, 100]
        assert (np.abs(rows_of(source) - X) <= share * np.ptp(X, axis=0)).all()
    np.testing.assert_array_equal(rows_of(bg.OnDevice(bg.Blocks(lambda: [table[:900], table[900:]]))), X)
    np.testing.assert_array_equal(rows_of(bg.OnDevice(table, device=jax.devices("cpu")[0])), X)


def test_a_fit_is_that_of_the_rows_in_memory(table, on_device):
    there, here = (bg.fit_em(X, K, n_init=2) for X in (on_device["float64"], bg.Blocks(lambda: [table])))
    assert there.converged
    assert there.n_passes == here.n_passes
    assert there.log_likelihood == pytest.approx(here.log_likelihood, rel=1e-12)
    assert there.icl == pytest.approx(here.icl, rel=1e-10)
    np.testing.assert_allclose(there.mixture.covariances, here.mixture.covariances, rtol=1e-8)
    np.testing.assert_allclose(there.mixture.log_density(on_device["float64"]), there.mixture.log_density(table), rtol=1e-12)
    np.testing.assert_array_equal(there.mixture.predict(on_device["float64"]), there.mixture.predict(table))


@pytest.mark.parametrize("code", ["full", "diag"])
def test_the_error_of_float32_is_below_what_is_stated(on_device, mixtures, code):
    """Of the same rows, under neighbours of a mixture, which are rounded otherwise."""
    source, rng = on_device["float32"], np.random.default_rng(0)
    there, here = (Observations.from_data(X) for X in (source, rows_of(source)))
    units = {"counts": 1.0, "sums": here.ranges, "scatter": np.outer(here.ranges, here.ranges)}
    if code == "diag":
        units["scatter"] = here.ranges**2
    for _ in range(5):
        m = mixtures[code]
        m = replace(m, means=m.means + 1e-4 * here.ranges * rng.standard_normal(m.means.shape))
        m = replace(m, covariances=m.covariances * rng.uniform(0.999, 1.001))
        single, double = (m.expected_statistics(observations) for observations in (there, here))
        assert single.log_likelihood == pytest.approx(double.log_likelihood, rel=1e-7)
        for name, unit in units.items():
            assert (np.abs(getattr(single, name) - getattr(double, name)) <= 1e-6 * N * unit).all(), name


@pytest.mark.parametrize("accelerate", [True, False])
def test_a_fit_in_float32_ends_near_the_optimum(table, on_device, mixtures, accelerate):
    rough = bg.fit_em(on_device["float32"], K, start=mixtures["full"], accelerate=accelerate)
    exact = bg.fit_em(table, K, start=rough)
    assert rough.converged
    assert rough.log_likelihood == pytest.approx(exact.log_likelihood, rel=1e-7)
    assert exact.log_likelihood - exact.history[0] < 1e-3
    scales = np.sqrt(np.diagonal(exact.mixture.covariances, axis1=1, axis2=2) / (N * exact.mixture.weights[:, None]))
    assert (np.abs(rough.mixture.means - exact.mixture.means) < 0.03 * scales).all()


def test_nothing_of_jax_is_set_and_one_shape_compiles_once(table, mixtures):
    observations = Observations.from_data(bg.OnDevice(table[:50]))
    before, compiled = jax.config.jax_enable_x64, jax_kernels._whitened._cache_size()
    for weights in ([0.2, 0.3, 0.5], [0.1, 0.1, 0.8]):
        m = bg.Mixture.from_parameters(weights, mixtures["full"].means, mixtures["full"].covariances)
        assert m.expected_statistics(observations).counts.dtype == np.float64
    assert jax.config.jax_enable_x64 == before
    assert jax_kernels._whitened._cache_size() == compiled + 1


def test_what_cannot_be_put_there_is_refused(table, monkeypatch):
    for dtype in ("float16", "single precision", int):
        with pytest.raises(ValueError, match="dtype must be one of 'float64', 'float32', got "):
            bg.OnDevice(table, dtype)
    holes = table.copy()
    holes.iloc[7, 1] = np.nan
    with pytest.raises(ValueError, match="missing value in column 'b c', row 7 "):
        bg.OnDevice(holes)
    with pytest.raises(ValueError, match="NUTS does not take rows that are not in memory"):
        bg.fit_bayes(bg.OnDevice(table), 2, engine="nuts", progress=False)
    monkeypatch.delattr(bg, "jax_kernels")
    monkeypatch.delitem(sys.modules, "bayesgmm.jax_kernels")
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r"by JAX: install it, or bayesgmm\[jax\]"):
        bg.OnDevice(table)
