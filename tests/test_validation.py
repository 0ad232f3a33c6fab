import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bayesgmm.validation import (
    finite_array,
    integer_array,
    known_name,
    listed,
    non_negative,
    positive,
    positive_array,
    positive_definite,
    positive_integer,
    positive_integers,
    real_array,
    told,
)

HUGE = pytest.param(-(10**5000), id="huge")
KNOWN = {"alpha": 1, "beta": 2, "Gamma": 3}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("alpa", "Unknown letter 'alpa'; known are 'Gamma', 'alpha', 'beta'. Did you mean 'alpha'?"),
        ("GAMMA", "Unknown letter 'GAMMA'; known are 'Gamma', 'alpha', 'beta'. Did you mean 'Gamma'?"),
        ("omikron", "Unknown letter 'omikron'; known are 'Gamma', 'alpha', 'beta'."),
        (None, "Unknown letter None; known are 'Gamma', 'alpha', 'beta'."),
        (["alpha"], "Unknown letter ['alpha']; known are 'Gamma', 'alpha', 'beta'."),
    ],
)
def test_unknown_names_are_told_with_the_known_ones(name, sentence):
    with pytest.raises(ValueError) as raised:
        known_name(name, "letter", KNOWN)
    assert str(raised.value) == sentence
    assert known_name("Gamma", "letter", KNOWN) == "Gamma"


@pytest.mark.parametrize("value", ["x" * 1000, "two\nlines", np.zeros((50, 50)), HUGE, pd.DataFrame({"a": range(99)})])
def test_any_value_is_told_on_one_short_line(value):
    assert len(told(value)) < 80
    assert "\n" not in told(value)


def test_many_items_are_counted():
    assert listed(list("abc")) == "a, b, c"
    assert listed([str(i) for i in range(100)], most=3) == "0, 1, 2 and 97 more"


@pytest.mark.parametrize("value", [1, 10**30, np.int8(3), np.uint64(5)])
def test_integers_of_any_kind(value):
    assert positive_integer(value, "n") == value
    assert type(positive_integer(value, "n")) is int


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        pytest.param(-(10**5000), ValueError, id="huge"),
        (11, ValueError),
        (1.0, TypeError),
        (True, TypeError),
        (np.True_, TypeError),
    ]
    + [(value, TypeError) for value in (None, "1", [1], np.array(1), np.array([1]), Decimal(1), np.timedelta64(1, "s"))],
)
def test_other_things_are_no_positive_integers(value, error):
    with pytest.raises(error, match=r"^n must be "):
        positive_integer(value, "n", most=10)


def test_several_integers():
    assert positive_integers((3, 1, np.int64(3)), "n") == [1, 3]
    for values in (3, "12", b"12", None):
        with pytest.raises(TypeError, match="n must be several integers"):
            positive_integers(values, "n")


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), Fraction(1, 2), np.int64(3), 10**30])
def test_numbers_of_any_kind(value):
    assert non_negative(value, "x") == float(value)


@pytest.mark.parametrize("value", [-1, np.nan, math.inf, 10**400, -(10**400), 1e301, np.longdouble("1e4000")])
def test_numbers_out_of_range(value):
    with pytest.raises(ValueError, match=r"^x must be a finite number of at least 0 and at most 1e"):
        non_negative(value, "x")


@pytest.mark.parametrize("value", [None, "1", True, np.False_, 1j, [1.0], np.array(1.0), pd.NA])
def test_other_things_are_no_numbers(value):
    with pytest.raises(TypeError, match=r"^x must be a number of at least 0, got .* of type"):
        non_negative(value, "x")


def test_positive_is_above_zero():
    assert positive(1e-300, "x") == 1e-300
    with pytest.raises(ValueError, match="x must be above 0, got 0"):
        positive(0, "x")
    for value in (0.0, -1.0, [1.0, 1e-200], [[1.0]], []):
        with pytest.raises(ValueError, match="x must be above 0"):
            positive_array(value, "x")


def test_arrays_of_float64_are_not_copied_where_none_is_asked_for():
    x = np.ones((3, 2))
    assert real_array(x, "x") is x
    assert not np.shares_memory(finite_array(x, "x"), x)


@pytest.mark.parametrize(
    "value", [None, "x", [1, "x"], [[1], [1, 2]], {"a": 1}, {1.0}, [1j], [True], [None], [np.nan], [10**400]]
)
@pytest.mark.parametrize("shape", [(1,), None])
def test_no_finite_arrays(value, shape):
    with pytest.raises((ValueError, TypeError), match=r"^x must "):
        finite_array(value, "x", shape)


def test_masked_entries_are_missing():
    with pytest.raises(ValueError, match="x must be finite, got 1 entries"):
        finite_array(np.ma.masked_array([1.0, 2.0], mask=[True, False]), "x")


def test_shapes_and_integers():
    with pytest.raises(ValueError, match=r"x must have shape \(2,\), got \(3,\)"):
        finite_array([1, 2, 3], "x", (2,))
    np.testing.assert_array_equal(integer_array([1.0, 2.0], "x", (2,)), [1, 2])
    for value in ([0.5, 1], [np.nan, 1], [1e300, 1], [math.inf, 1]):
        with pytest.raises(ValueError, match="x must hold integers"):
            integer_array(value, "x", (2,))


NOT_POSITIVE_DEFINITE = {
    "a vector": ([1.0, 2.0], "square matrices, got shape"),
    "not square": (np.ones((2, 3)), "square matrices, got shape"),
    "empty": (np.ones((0, 0)), "square matrices, got shape"),
    "zero": (np.zeros((2, 2)), "positive definite, with diagonals of at least 1e-300; the least is 0"),
    "negative": (-np.eye(2), "the least is -1"),
    "singular": (np.ones((2, 2)), "positive definite; give matrices with positive eigenvalues"),
    "nearly singular": ([[1.0, 1.0], [1.0, 1.0 + 3e-16]], "positive definite"),
    "indefinite": ([[1.0, 2.0], [2.0, 1.0]], "positive definite"),
    "not symmetric": ([[1.0, 0.5], [0.2, 1.0]], "symmetric; taken as correlations, two entries differ by 0.3"),
    "not symmetric in one of two": ([np.eye(2), [[1e-40, 5e-21], [0.0, 1.0]]], "symmetric"),
    "too large": (1e301 * np.eye(2), r"stay within 1e\+300"),
    "too large off the diagonal": ([[1e-300, 1e300], [1e300, 1e-300]], "positive definite"),
    "too small": (1e-301 * np.eye(2), "at least 1e-300"),
}


@pytest.mark.parametrize(("value", "sentence"), NOT_POSITIVE_DEFINITE.values(), ids=NOT_POSITIVE_DEFINITE)
def test_not_positive_definite(value, sentence):
    with pytest.raises(ValueError, match=f"^x must .*{sentence}"):
        positive_definite(value, "x")


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    factor=hnp.arrays(float, (3, 3), elements=st.floats(-1, 1)).map(lambda a: a + 3 * np.eye(3)),
    exponents=st.lists(st.integers(-140, 140), min_size=3, max_size=3),
)
def test_units_of_measurement_do_not_matter_to_positive_definiteness(factor, exponents):
    units = 10.0 ** np.array(exponents)
    matrix = factor @ factor.T * np.outer(units, units)
    np.testing.assert_array_equal(positive_definite(matrix, "x"), matrix)
    np.linalg.cholesky(matrix)
