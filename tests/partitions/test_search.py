"""The search: against all partitions there are where rows are few, and against other methods where they are many."""

import threading
import time

import numpy as np
import pytest
from scipy.cluster.hierarchy import average, cut_tree
from scipy.spatial.distance import squareform

from bayesgmm.partitions.clusters import NOWHERE
from bayesgmm.partitions.losses import LOSSES
from bayesgmm.partitions.runs import best_partition, by_size
from bayesgmm.partitions.search import search
from bayesgmm.streams import seed_sequence
from tests.partitions.exhaustive import all_partitions, expected_losses, posteriors
from tests.partitions.test_losses import drawn_of

losses = pytest.mark.parametrize("name", LOSSES)


def found(drawn, name, n_runs=16, max_clusters=None, seed=0):
    return best_partition(drawn, LOSSES[name], n_runs, max_clusters, seed_sequence(seed))


@pytest.fixture(scope="module", params=[1, 2, 5, 8, pytest.param(9, marks=pytest.mark.grid)])
def small(request):
    """All partitions of n rows, several posteriors of them, and their expected losses by brute force."""
    partitions = all_partitions(request.param)
    return partitions, {name: (drawn, expected_losses(partitions, drawn)) for name, drawn in posteriors(request.param).items()}


def test_there_are_as_many_partitions_as_bell_says():
    assert [len(all_partitions(n)) for n in (1, 2, 3, 5, 8, 9)] == [1, 2, 5, 52, 4140, 21147]


@losses
def test_the_best_of_all_partitions_is_found(small, name):
    partitions, cases = small
    for drawn, expected in cases.values():
        best = found(drawn_of(drawn), name)
        place = int(np.flatnonzero((partitions == first_order(best)).all(axis=1))[0])
        assert expected[name][place] == pytest.approx(expected[name].min(), abs=1e-12)


@losses
def test_the_best_of_all_partitions_into_few_clusters_is_found(small, name):
    partitions, cases = small
    few = partitions.max(axis=1) < 2
    for drawn, expected in cases.values():
        best = found(drawn_of(drawn), name, max_clusters=2)
        place = int(np.flatnonzero((partitions == first_order(best)).all(axis=1))[0])
        assert best.max() < 2
        assert expected[name][place] == pytest.approx(expected[name][few].min(), abs=1e-12)


def first_order(labels):
    """Numbered in the order of their first rows."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return first.argsort().argsort()[codes]


@pytest.fixture(scope="module")
def many():
    """Three hundred rows about as sure of their cluster as a mixture's: some are halfway to another."""
    rng = np.random.default_rng(2)
    truth, other = rng.integers(0, 6, (2, 300))
    leaves = rng.random((150, 300)) < rng.beta(0.3, 0.9, 300)
    return drawn_of(np.where(leaves, other, truth))


@losses
def test_average_linkage_finds_nothing_better(many, name):
    """Of the co-clustering matrix, cut anywhere; nor is any drawn partition better."""
    together = np.mean([np.equal.outer(z, z) for z in many.labels], axis=0)
    tree = average(squareform(1 - together, checks=False))
    cuts = cut_tree(tree, range(1, 30)).T
    others = [*cuts, *(z.astype(int) for z in many.labels)]
    ours = many.losses(found(many, name, n_runs=4), LOSSES[name]).mean()
    assert ours <= min(many.losses(other, LOSSES[name]).mean() for other in others) + 1e-12


@losses
def test_no_move_of_a_row_and_no_merger_gains(many, name):
    labels, loss = found(many, name, n_runs=2), LOSSES[name]
    least, number = many.losses(labels, loss).mean(), labels.max() + 1
    rng = np.random.default_rng(0)
    for i in rng.choice(len(labels), 40, replace=False):
        for k in range(number + 1):
            moved = labels.copy()
            moved[i] = k
            assert many.losses(first_order(moved), loss).mean() >= least - 1e-11
    for k in range(number):
        for other in range(k):
            merged = first_order(np.where(labels == k, other, labels))
            assert many.losses(merged, loss).mean() >= least - 1e-11


@losses
def test_the_order_of_rows_says_nothing(many, name):
    order = np.random.default_rng(3).permutation(300)
    there = found(many, name, n_runs=6)
    back = found(drawn_of(many.labels[:, order]), name, n_runs=6)
    np.testing.assert_array_equal(by_size(there[order]), back)


@losses
def test_threads_change_no_bit(many, name, monkeypatch):
    labels = []
    for threads in ("1", "3"):
        monkeypatch.setenv("BAYESGMM_THREADS", threads)
        labels.append(found(many, name, n_runs=5))
    np.testing.assert_array_equal(*labels)


@losses
def test_there_is_room_for_many_clusters(name):
    truth = np.repeat(np.arange(40), 3)
    rng = np.random.default_rng(4)
    noise = rng.random((50, 120)) < 0.05
    best = found(drawn_of(np.where(noise, rng.integers(0, 40, (50, 120)), truth)), name, n_runs=2)
    np.testing.assert_array_equal(best, truth)


def test_a_drawn_start_has_no_more_clusters_than_are_allowed():
    drawn = drawn_of(np.tile(np.arange(6), (5, 1)))
    assert found(drawn, "vi", n_runs=1, max_clusters=3).max() < 3
    np.testing.assert_array_equal(found(drawn, "vi", n_runs=1), np.arange(6))


def test_labels_fall_by_size():
    np.testing.assert_array_equal(by_size(np.array([7, 3, 3, 9, 9, 1])), [2, 0, 0, 1, 1, 3])


def test_a_search_stops_when_it_is_told():
    rng = np.random.default_rng(5)
    drawn, stopped, results = drawn_of(rng.integers(0, 9, (800, 3000))), np.zeros(1, np.bool_), []
    problem = drawn.problem(LOSSES["binder"])
    search(problem, np.full(3000, NOWHERE), rng, 3000, np.ones(1, np.bool_))  # compiled

    def run():
        results.append(search(problem, np.full(3000, NOWHERE), rng, 3000, stopped))

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.05)
    stopped[0] = True
    thread.join(timeout=10)
    assert not thread.is_alive()
    ((_, is_finished),) = results
    assert not is_finished
