"""Losses between partitions: against scikit-learn, and the axioms of a metric."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, mutual_info_score, rand_score

from bayesgmm.partitions.contingency import in_order
from bayesgmm.partitions.drawn import DrawnPartitions
from bayesgmm.partitions.losses import LOSSES


def drawn_of(labels):
    """Drawn partitions from any labels (S, n)."""
    labels = np.asarray(labels, dtype=np.int32)
    return DrawnPartitions(np.arange(labels.shape[1]), *in_order(labels, int(labels.max()) + 1), doubt="")


def distance(name, one, other):
    return float(drawn_of([one]).losses(np.asarray(other), LOSSES[name])[0])


def by_scikit_learn(name, one, other):
    if name == "vi":
        entropies = mutual_info_score(one, one) + mutual_info_score(other, other)
        return (entropies - 2 * mutual_info_score(one, other)) / np.log(2)
    return 1 - {"binder": rand_score, "omari": adjusted_rand_score}[name](one, other)


labels = st.integers(1, 12).flatmap(lambda n: st.tuples(*3 * [st.lists(st.integers(0, 4), min_size=n, max_size=n)]))


@settings(max_examples=60, deadline=None)
@given(labels)
def test_losses_are_those_of_scikit_learn(three):
    one, other, _ = three
    for name in LOSSES:
        assert distance(name, one, other) == pytest.approx(by_scikit_learn(name, one, other), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(labels)
def test_metrics(three):
    one, other, third = three
    for name, loss in LOSSES.items():
        assert distance(name, one, other) == pytest.approx(distance(name, other, one), abs=1e-12)
        assert distance(name, one, one) == pytest.approx(0, abs=1e-12)
        same = np.array_equal(np.equal.outer(one, one), np.equal.outer(other, other))
        assert (distance(name, one, other) < 1e-9) == same
        if loss.is_metric:
            assert distance(name, one, third) <= distance(name, one, other) + distance(name, other, third) + 1e-12


def test_one_minus_the_adjusted_rand_index_is_no_metric():
    """Or else it would be kept from the ball for nothing."""
    triples = np.random.default_rng(0).integers(0, 3, (200, 3, 5))
    detours = [distance("omari", a, b) + distance("omari", b, c) - distance("omari", a, c) for a, b, c in triples]
    assert min(detours) < -0.1


def test_names_of_components_say_nothing():
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 4, (20, 30))
    renamed = np.stack([rng.permutation(4)[row] for row in drawn])
    one, other = drawn_of(drawn), drawn_of(renamed)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.numbers, [len(set(row)) for row in drawn.tolist()])
