import numpy as np
import pandas as pd
import polars
import pytest

from bayesgmm.observations import Observations

VALUES = np.array([[1.0, 10.0], [2.0, 30.0], [4.0, 20.0]])


@pytest.mark.parametrize(
    ("X", "names"),
    [
        (VALUES, ("x1", "x2")),
        (VALUES.tolist(), ("x1", "x2")),
        (np.asfortranarray(VALUES), ("x1", "x2")),
        (VALUES.astype(np.float32), ("x1", "x2")),
        (pd.DataFrame(VALUES, columns=["a", "b"]), ("a", "b")),
        (polars.DataFrame({"a": VALUES[:, 0], "b": VALUES[:, 1]}), ("a", "b")),
    ],
)
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


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        ([[1.0, np.nan], [2.0, 3.0]], "1 in 'x2'"),
        (pd.DataFrame({"a": [1.0, np.inf], "b": [np.nan, 2.0]}), "1 in 'a', 1 in 'b'"),
        (pd.DataFrame({"a": [1.0, 2.0], "species": ["u", "v"]}), "'species' holds"),
        ([["a", "b"]], "real numbers"),
        (np.zeros((2, 2, 2)), "one or two dimensions"),
        (5.0, "one or two dimensions"),
        (np.empty((0, 2)), "empty"),
        ([[1.0, 2.0], [1.0, 3.0]], "do not vary.*'x1'"),
        (np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0]), "masked"),
        (np.array([1 + 2j, 3.0]), "complex"),
        (pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["a", "a"]), "the same name: 'a'"),
    ],
)
def test_bad_data_are_refused_with_a_sentence(X, sentence):
    with pytest.raises(ValueError, match=sentence):
        Observations.from_data(X)


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1, -1, 1], [0, 0, 0], [1, np.nan, 1]])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match="sample_weight"):
        Observations.from_data(VALUES, sample_weight=weights)


def test_observations_pass_as_they_are_or_reweighted():
    observations = Observations.from_data(VALUES)
    assert Observations.from_data(observations) is observations
    weighted = Observations.from_data(observations, sample_weight=[1, 2, 3])
    assert weighted.total_weight == 6
    assert weighted.values is observations.values
