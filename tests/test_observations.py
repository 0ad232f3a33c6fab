import copy
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
import xarray as xr

from bayesgmm.observations import Observations

VALUES = np.array([[1.0, 10.0], [2.0, 30.0], [4.0, 20.0]])


WIDE = np.repeat(np.repeat(VALUES, 2, axis=0), 2, axis=1)
FORMS = {
    "array": (VALUES, ("x1", "x2")),
    "lists": (VALUES.tolist(), ("x1", "x2")),
    "tuples": (tuple(map(tuple, VALUES)), ("x1", "x2")),
    "list of arrays": (list(VALUES), ("x1", "x2")),
    "Fortran order": (np.asfortranarray(VALUES), ("x1", "x2")),
    "a view with strides": (WIDE[::2, ::2], ("x1", "x2")),
    "reversed": (VALUES[::-1][::-1], ("x1", "x2")),
    "read-only": (np.broadcast_to(VALUES, VALUES.shape), ("x1", "x2")),
    "big-endian": (VALUES.astype(">f8"), ("x1", "x2")),
    "float16": (VALUES.astype(np.float16), ("x1", "x2")),
    "float32": (VALUES.astype(np.float32), ("x1", "x2")),
    "long double": (VALUES.astype(np.longdouble), ("x1", "x2")),
    "int8": (VALUES.astype(np.int8), ("x1", "x2")),
    "uint64": (VALUES.astype(np.uint64), ("x1", "x2")),
    "objects": (VALUES.astype(object), ("x1", "x2")),
    "decimals": ([[Decimal(v) for v in row] for row in VALUES], ("x1", "x2")),
    "fractions": ([[Fraction(v) for v in row] for row in VALUES], ("x1", "x2")),
    "matrix": (VALUES.view(np.matrix), ("x1", "x2")),
    "nothing masked": (np.ma.masked_array(VALUES, mask=np.zeros(VALUES.shape)), ("x1", "x2")),
    "xarray": (xr.DataArray(VALUES), ("x1", "x2")),
    "pandas": (pd.DataFrame(VALUES, columns=["a", "b"]), ("a", "b")),
    "another index": (pd.DataFrame(VALUES, columns=["a", "b"], index=[7, 3, 7]), ("a", "b")),
    "columns of numbers": (pd.DataFrame(VALUES), ("0", "1")),
    "columns of levels": (pd.DataFrame(VALUES, columns=[("u", "a"), ("v", "")]), ("u, a", "v")),
    "mixed": (pd.DataFrame({"a": VALUES[:, 0].astype(int), "b": VALUES[:, 1]}), ("a", "b")),
    "nullable": (pd.DataFrame(VALUES, columns=["a", "b"]).astype({"a": "Int64", "b": "Float64"}), ("a", "b")),
    "arrow in pandas": (pd.DataFrame(VALUES, columns=["a", "b"]).astype("float[pyarrow]"), ("a", "b")),
    "sparse columns": (pd.DataFrame(VALUES, columns=["a", "b"]).astype("Sparse[float]"), ("a", "b")),
    "objects in pandas": (pd.DataFrame(VALUES, columns=["a", "b"], dtype=object), ("a", "b")),
    "polars": (polars.DataFrame({"a": VALUES[:, 0], "b": VALUES[:, 1].astype(int)}), ("a", "b")),
    "polars decimals": (polars.DataFrame(VALUES, schema=["a", "b"]).cast(polars.Decimal(9, 2)), ("a", "b")),
    "arrow": (pyarrow.table({"a": VALUES[:, 0], "b": VALUES[:, 1]}), ("a", "b")),
}


@pytest.mark.parametrize(("X", "names"), FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_values(X, names):
    observations = Observations.from_data(X)
    np.testing.assert_array_equal(observations.values, VALUES)
    assert observations.names == names
    assert observations.values.flags.c_contiguous
    assert not observations.values.flags.writeable


@pytest.mark.parametrize("X", [VALUES[:, 0], VALUES[:, 0].tolist(), pd.Series(VALUES[:, 0]), polars.Series(VALUES[:, 0])])
def test_one_dimension_is_one_feature(X):
    assert Observations.from_data(X).values.shape == (3, 1)


def test_a_named_series_keeps_its_name():
    assert Observations.from_data(pd.Series(VALUES[:, 0], name="waiting")).names == ("waiting",)


def test_caller_keeps_a_writable_array_and_no_copy_is_made():
    X = VALUES.copy()
    observations = Observations.from_data(X)
    assert np.shares_memory(X, observations.values)
    assert X.flags.writeable


def test_ranges_ignore_rows_without_weight():
    observations = Observations.from_data(VALUES, sample_weight=[1, 0, 2])
    np.testing.assert_array_equal(observations.ranges, [3.0, 10.0])
    np.testing.assert_array_equal(observations.midranges, [2.5, 15.0])
    assert observations.total_weight == 3
    assert observations.n_observations == 3


@pytest.mark.parametrize("form", [np.ascontiguousarray, pd.DataFrame, lambda X: np.ma.masked_array(X), lambda X: X.tolist()])
def test_the_callers_data_stay_as_they_are(form):
    X = form(VALUES)
    before = copy.deepcopy(X)
    Observations.from_data(X, sample_weight=[1, 2, 3])
    np.testing.assert_array_equal(X, before)


def test_moments_are_those_of_numpy_far_from_zero_and_with_weights():
    rng = np.random.default_rng(0)
    X, v = rng.normal(size=(40_000, 3)) @ rng.normal(size=(3, 3)) + 1e8, rng.integers(0, 4, size=40_000)
    observations = Observations.from_data(X, sample_weight=v)
    np.testing.assert_allclose(observations.mean, np.average(X - 1e8, axis=0, weights=v) + 1e8, rtol=1e-15)
    np.testing.assert_allclose(observations.covariance, np.cov((X - 1e8).T, fweights=v, ddof=0), rtol=1e-9)
    np.testing.assert_array_equal(observations.ranges, np.ptp(X[v > 0], axis=0))


@pytest.mark.parametrize("most", [1, 3, 5, 100])
def test_distinct_rows_are_counted_up_to_what_is_asked(most):
    X = np.array([[0.0, 1.0], [0.0, 2.0], [-0.0, 1.0], [3.0, 4.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    observations = Observations.from_data(np.repeat(X, 5000, axis=0), sample_weight=np.repeat([1, 1, 1, 2, 1, 1, 0], 5000))
    assert observations.distinct_rows(most) == min(most, 4)


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1, -1, 1], [0, 0, 0], [1, np.nan, 1], [1, 1e-200, 1], [1e300] * 3])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match="sample_weight"):
        Observations.from_data(VALUES, sample_weight=weights)


def test_observations_pass_as_they_are_or_reweighted():
    observations = Observations.from_data(VALUES)
    assert Observations.from_data(observations) is observations
    weighted = Observations.from_data(observations, sample_weight=[1, 2, 3])
    assert weighted.total_weight == 6
    assert weighted.values is observations.values


def test_observations_that_do_not_vary_among_rows_that_count_are_refused():
    observations = Observations.from_data([[1.0, 1.0], [1.0, 2.0], [3.0, 3.0]])
    with pytest.raises(ValueError, match=r"do not vary .* 'x1' \(2 rows\)"):
        Observations.from_data(observations, sample_weight=[1, 1, 0])
    with pytest.raises(
        ValueError, match=r"hardly vary where sample_weight lets rows count: 'x1'\. Give weights that differ less"
    ):
        Observations.from_data(observations, sample_weight=[1, 1, 1e-30])
