"""The point partition of a posterior: what it says of rows, and that names, threads and interruptions do no harm."""

import dataclasses
import os
import re
import signal
import time

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg
from bayesgmm.interruption import PartialWarning
from bayesgmm.partitions import UnconvergedWarning, partition, runs
from bayesgmm.partitions.drawn import DrawnPartitions
from bayesgmm.partitions.losses import LOSSES
from bayesgmm.streams import seed_sequence
from tests.partitions.conftest import believed
from tests.partitions.exhaustive import losses_from

losses = pytest.mark.parametrize("loss", LOSSES)


def drawn(posterior, rows=None, n_draws=4000):
    return DrawnPartitions.of(posterior, rows, n_draws, seed_sequence(0))


@losses
def test_the_expected_loss_is_the_mean_of_losses(blurred, loss):
    found = partition(blurred, loss)
    each = losses_from(drawn(blurred).labels.astype(int), found.labels)[loss]
    assert found.expected_loss == pytest.approx(each.mean(), abs=1e-12)
    assert found.expected_loss > 0.01
    assert found.n_draws == 300


@losses
def test_what_rows_say(blurred, loss):
    found = partition(blurred, loss)
    table, labels, z = found.table, found.labels, drawn(blurred).labels
    assert list(table.columns) == ["cluster", "together", "nearest", "nearest_together", "uncertainty"]
    np.testing.assert_array_equal(table["cluster"], labels)
    np.testing.assert_array_equal(table.index, np.arange(60))
    matrix = np.mean([np.equal.outer(each, each) for each in z], axis=0)
    np.fill_diagonal(matrix, np.nan)
    means = np.column_stack([np.nanmean(matrix[:, labels == k], axis=1) for k in range(found.n_clusters)])
    np.testing.assert_allclose(table["together"], means[np.arange(60), labels], atol=1e-12)
    means[np.arange(60), labels] = -1
    np.testing.assert_array_equal(table["nearest"], means.argmax(axis=1))
    np.testing.assert_allclose(table["nearest_together"], means.max(axis=1), atol=1e-12)
    assert table["uncertainty"].mean() == pytest.approx(drawn(blurred).losses(labels, LOSSES["vi"]).mean(), abs=1e-12)
    assert (table["uncertainty"] >= 0).all()
    assert table["uncertainty"].corr(table["together"]) < -0.5


def test_drawn_allocations_agree_with_summed_ones(blurred):
    """Similarity with the allocations summed out is the same but for the error of 300 draws: 5 standard errors of a share."""
    table, matrix = partition(blurred).table, bg.similarity_matrix(blurred)
    for i, k in enumerate(table["cluster"]):
        others = (table["cluster"] == k).to_numpy() & (np.arange(60) != i)
        assert table["together"][i] == pytest.approx(matrix[i, others].mean(), abs=5 * np.sqrt(0.25 / 300))


def test_relabelling_changes_nothing(blurred):
    relabelled = believed(bg.relabel(blurred, "ordering"))
    assert (relabelled.permutation != np.arange(4)).any(axis=(1, 2)).all()
    one, other = partition(blurred), partition(relabelled)
    assert one.table.equals(other.table)
    assert one.expected_loss == other.expected_loss


@losses
def test_threads_change_no_bit(blurred, loss, monkeypatch):
    found = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("BAYESGMM_THREADS", threads)
        found.append(partition(blurred, loss))
    for other in found[1:]:
        assert other.table.equals(found[0].table)
        assert other.expected_loss == found[0].expected_loss


def test_binder_is_readier_for_small_clusters():
    """Galaxies by a mixture with more components than clusters: Wade and Ghahramani (2018) find the same of their examples."""
    X = bg.load_dataset("galaxies_26960")
    post = bg.fit_bayes(X, 5, covariance="spherical", engine="gibbs", draws=500, chains=2, seed=1, progress=False)
    vi, binder = (partition(believed(post), loss) for loss in ("vi", "binder"))
    assert 3 <= vi.n_clusters <= binder.n_clusters
    velocity = X.to_numpy()[:, 0]
    assert {tuple(np.flatnonzero(vi.labels == k)) for k in range(vi.n_clusters)} >= {tuple(np.flatnonzero(velocity > 30))}


def test_an_unknown_number_of_components():
    X, labels, _ = bg.simulate(60, 2, 2, 8.0, seed=1)
    post = bg.fit_mfm(X, draws=100, tune=50, progress=False)
    found = partition(believed(post))
    assert adjusted_rand_score(found.labels, labels) == 1
    assert found.n_draws == 400


def test_two_groups_on_a_line(line):
    posterior, labels = line
    found = partition(posterior)
    assert adjusted_rand_score(found.labels, labels) == 1
    assert list(found.sizes) == sorted(np.bincount(labels), reverse=True)
    assert found.expected_loss == pytest.approx(0, abs=1e-3)
    assert re.match(r"2 clusters of 40 rows, with \d+, \d+ of them.\nExpected loss by 100 drawn partitions: 0 bits", str(found))


def test_the_same_row_twice_is_one_cluster(blurred):
    found = partition(blurred)
    assert found.labels[0] == found.labels[1]


def test_some_rows(blurred):
    rows = [50, 7, 9, 30, 11]
    found = partition(blurred, rows=rows)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.table.index, rows)
    assert len(found.labels) == 5


@losses
def test_one_row(blurred, loss):
    found = partition(blurred, loss, rows=[3])
    assert found.expected_loss == 0
    assert found.n_clusters == 1
    assert found.table.loc[3, ["cluster", "nearest", "uncertainty"]].tolist() == [0, -1, 0]
    assert found.table[["together", "nearest_together"]].isna().all(axis=None)
    assert str(found).startswith("One row, one cluster.")


@losses
def test_one_component(one_component, loss):
    found = partition(one_component, loss)
    assert found.n_clusters == 1
    assert found.expected_loss == 0
    assert (found.table["together"] == 1).all()
    assert (found.table["nearest"] == -1).all()


def test_no_more_clusters_than_are_allowed(blurred):
    assert partition(blurred).n_clusters > 2
    two = partition(blurred, max_clusters=2)
    assert two.n_clusters == 2
    assert partition(blurred, max_clusters=1).expected_loss >= two.expected_loss >= partition(blurred).expected_loss


def test_chains_that_have_not_converged_are_told(blurred):
    with pytest.warns(UnconvergedWarning, match=r"chains \(2 of 150 draws\) have not converged"):
        found = partition(believed(blurred, converged=False))
    assert found.doubt in str(found)


def test_a_row_between_clusters_is_told_of(blurred):
    table = partition(blurred).table
    row = table["together"].idxmin()
    assert f"the lowest is {table['together'][row]:.2f}, of row {row} in cluster {table['cluster'][row]} (with" in str(
        partition(blurred)
    )


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"loss": "VI"}, ValueError, "Unknown loss 'VI'; known are 'binder', 'omari', 'vi'. Did you mean 'vi'?"),
        ({"n_draws": 0}, ValueError, "n_draws must be at least 1"),
        ({"n_runs": 2.5}, TypeError, "n_runs must be an integer"),
        ({"max_clusters": 0}, ValueError, "max_clusters must be at least 1"),
        ({"rows": [99]}, ValueError, "rows must be from 0 to 59"),
        ({"seed": "a"}, TypeError, "seed must be"),
    ],
)
def test_what_makes_no_sense_is_refused(blurred, arguments, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        partition(blurred, **arguments)
    with pytest.raises(TypeError, match="Posterior or an MfmPosterior, got ndarray"):
        partition(np.zeros((3, 2)))


def test_too_many_rows_and_draws_are_refused(blurred, monkeypatch):
    observations = dataclasses.replace(blurred.observations, values=np.zeros((100_000, 2)))
    many = believed(bg.Posterior(blurred.tree, blurred.specification, observations))
    with pytest.raises(ValueError, match=r"100,000 rows are more than the 65,535 .*rows=numpy.arange\(0, 100000, 2\)"):
        partition(many)
    monkeypatch.setattr("bayesgmm.partitions.drawn.MOST_NUMBERS", 12_000)
    with pytest.raises(ValueError, match=r"60 rows at 300 draws are more .*take fewer draws \(n_draws=200\), or some of"):
        partition(blurred)


@pytest.fixture
def interrupted_after(monkeypatch):
    """Ctrl-C when so many runs are finished, one at a time."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    whole = runs._run

    def at(number):
        def run(drawn, problem, loss, place, max_clusters, rng, stopped):
            if place == number:
                os.kill(os.getpid(), signal.SIGINT)
                while not stopped[0]:
                    time.sleep(0.01)
            return whole(drawn, problem, loss, place, max_clusters, rng, stopped)

        monkeypatch.setenv("BAYESGMM_THREADS", "1")
        monkeypatch.setattr(runs, "_run", run)

    yield at
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_returns_the_best_so_far(blurred, interrupted_after):
    first = partition(blurred, n_runs=2)
    interrupted_after(2)
    with pytest.warns(PartialWarning, match="2 of 9 runs"):
        found = partition(blurred, n_runs=9)
    np.testing.assert_array_equal(found.labels, first.labels)
    assert "Partial: Ctrl-C came" in str(found)


def test_ctrl_c_in_the_first_run_has_nothing_to_return(blurred, interrupted_after):
    interrupted_after(0)
    with pytest.raises(KeyboardInterrupt):
        partition(blurred)


def test_ctrl_c_while_runs_are_being_started_ends_those_that_run(blurred, monkeypatch):
    ended, whole = [], runs.stream

    def stream(seed, use, number):
        if number == 1:
            raise KeyboardInterrupt
        return whole(seed, use, number)

    def run(*arguments):
        stopped, end = arguments[-1], time.monotonic() + 10
        while not stopped[0] and time.monotonic() < end:
            time.sleep(0.01)
        ended.append(bool(stopped[0]))

    monkeypatch.setattr(runs, "stream", stream)
    monkeypatch.setattr(runs, "_run", run)
    with pytest.raises(KeyboardInterrupt):
        partition(blurred)
    assert ended == [True]
