import dataclasses

import numpy as np
import pytest

from bayesgmm.observations import Observations
from tests.laws import problem, structures


def parts(statistics):
    return [getattr(statistics, field.name) for field in dataclasses.fields(statistics)]


@structures
def test_halves_add_up_to_the_whole(code):
    X, _, truth = problem(code)
    whole = truth.expected_statistics(Observations.from_data(X))
    first, second = (truth.expected_statistics(Observations.from_data(half)) for half in (X[:130], X[130:]))
    for a, b in zip(parts(first + second), parts(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-9)


@structures
def test_adding_about_different_references_is_the_same(code):
    X, _, truth = problem(code)
    whole = truth.expected_statistics(Observations.from_data(X))
    first, second = (truth.expected_statistics(Observations.from_data(half)) for half in (X[:130], X[130:]))
    moved = second.about(second.reference + np.array([1.0, -2.0, 3.0]))
    for a, b in zip(parts(first + moved), parts(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-8)


@structures
def test_integer_weights_are_replication(code):
    X, _, truth = problem(code, n=100)
    v = np.random.default_rng(0).integers(0, 4, size=100)
    weighted = truth.expected_statistics(Observations.from_data(X, sample_weight=v))
    repeated = truth.expected_statistics(Observations.from_data(np.repeat(X, v, axis=0)))
    for a, b in zip(parts(weighted), parts(repeated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-9)


def test_statistics_do_not_add_to_other_things():
    X, _, truth = problem("VVV")
    with pytest.raises(TypeError):
        truth.expected_statistics(Observations.from_data(X)) + 1
