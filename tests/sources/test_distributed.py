"""Rows on the workers of a cluster are the rows of a file: the same bits, whoever holds them and whoever dies."""

import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import time
from functools import partial

import cloudpickle
import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm.em import ConvergenceWarning
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import Observations
from bayesgmm.sources import Npy, Partitions, source_of
from bayesgmm.sources.distributed import GATHERED, Distributed, pieces_of, run_blocks, shared_out
from bayesgmm.sources.source import Source

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers need not load pytest
N, K = 6000, 3
QUIET = {"dashboard_address": ":0", "silence_logs": 50}


@pytest.fixture(scope="module")
def rows():
    X, _, _ = bg.simulate(N, K, 3, 3.0, seed=3)
    return X


@pytest.fixture(scope="module")
def file(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "x.npy"
    np.save(path, rows)
    return path


@pytest.fixture(scope="module")
def client():
    """Two workers, forked from a process that has loaded what they need: to be loaded by each would take most of the time."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["distributed", "bayesgmm.mixture", "dask.dataframe"])
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **QUIET) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(params=[700, 100])
def block_rows(request, monkeypatch):
    """Nine blocks, of which each is a run of its own; or sixty, in runs."""
    monkeypatch.setattr(Source, "block_rows", request.param)


@pytest.fixture
def sizes(client, monkeypatch):
    """Bytes that tasks take along, and that results bring back."""
    found = {"there": [], "sent": [], "back": []}
    there, submitted, back = client.map, client.submit, client.gather

    def map_(*arguments, **settings):
        found["there"].append(len(distributed.protocol.pickle.dumps(arguments)))
        return there(*arguments, **settings)

    def submit(task, *arguments, **settings):
        found["sent" if task is bytes else "there"].append(len(distributed.protocol.pickle.dumps(arguments)))
        return submitted(task, *arguments, **settings)

    def gather(*arguments, **settings):
        results = back(*arguments, **settings)
        found["back"].append(len(pickle.dumps(results)))
        return results

    for method in (map_, submit, gather):
        monkeypatch.setattr(client, method.__name__.rstrip("_"), method)
    return found


def collections(rows):
    frame = pd.DataFrame(rows, columns=["x1", "x2", "x3"])
    frames = dd.from_pandas(frame, npartitions=4)
    yield frames.astype({"x1": "float64"})
    yield dd.concat([frames[frames.x1 > 1e9], frames])  # whose first partitions are empty
    yield da.from_array(rows, chunks=((1, 3000, N - 3001), 3))


def fitted(source, **settings):
    em = bg.fit_em(source, K, n_init=2, **settings)
    return em.objective, em.icl, *map(np.ndarray.tolist, (em.mixture.weights, em.mixture.means, em.mixture.covariances))


def test_a_fit_has_the_bits_of_one_from_a_file(client, rows, file, block_rows):
    expected = fitted(Npy(file))
    for collection in collections(rows):
        assert isinstance(source_of(collection), Distributed)
        assert fitted(collection) == expected


def test_what_is_said_of_rows_is_the_same(client, rows, file, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)
    there, here = Distributed(da.from_array(rows, chunks=(999, 3))), Npy(file)
    m, weights = bg.fit_em(here, K, n_init=1).mixture, np.arange(N) % 3.0
    np.testing.assert_array_equal(m.log_density(there), m.log_density(here))
    np.testing.assert_array_equal(m.predict(there), m.predict(here))
    np.testing.assert_array_equal(np.concatenate([block.values for block in there.blocks()]), rows)
    far, near = (Observations.from_data(source, weights) for source in (there, here))
    for name in ("mean", "covariance", "ranges"):
        np.testing.assert_array_equal(getattr(far, name), getattr(near, name))
    assert far.distinct_rows(10_000) == near.distinct_rows(10_000) == 4000
    chosen = np.random.default_rng(0).permutation(N)[:50]
    np.testing.assert_array_equal(far.values[chosen], rows[chosen])


def test_only_sums_travel(client, rows, sizes, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 100)
    data = Observations.from_data(Distributed(client.persist(da.from_array(rows, chunks=(1000, 3)))))
    m = bg.fit_em(rows[:500], K, n_init=1).mixture
    sizes["there"].clear()
    sizes["back"].clear()
    m.expected_statistics(data)
    one = len(pickle.dumps(m.expected_statistics(Observations.from_data(rows))))
    assert len(sizes["back"]) == 1
    assert max(sizes["back"]) < GATHERED * (one + 200)
    assert max(sizes["there"]) < 10_000 < rows.nbytes / 10


def test_weights_go_to_the_workers_once(client, rows, file, sizes, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)
    weights = np.random.default_rng(0).integers(0, 3, N) * 1.0
    assert fitted(Distributed(da.from_array(rows, chunks=(1000, 3))), sample_weight=weights) == fitted(
        Npy(file), sample_weight=weights
    )
    assert len(sizes["sent"]) == 9


def test_a_large_task_goes_once(client, rows, sizes, monkeypatch):
    monkeypatch.setattr("bayesgmm.sources.distributed.SMALL", 1000)
    monkeypatch.setattr("bayesgmm.sources.distributed.PIECE", 4000)
    monkeypatch.setattr(Source, "block_rows", 100)
    source = Distributed(da.from_array(rows, chunks=(1000, 3)))
    sizes["there"].clear()
    assert source.reduced(partial(_sum_beside, np.ones(1000))) == N * 1000
    assert sum(sizes["sent"]) < 9000
    assert sum(sizes["there"]) < 9000


def _sum_beside(numbers, rows, values):
    return numbers.sum() * len(values)


def test_it_is_said_where_a_value_is_not_usable(client, rows, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)
    holes = rows.copy()
    holes[2050, 1] = np.nan
    with pytest.raises(ValueError, match="Partition 2 has a missing value in column 'x2', row 50 "):
        bg.fit_em(da.from_array(holes, chunks=(1000, 3)), K)
    with pytest.raises(ValueError, match=r"Partition [01]: Column 'b' must hold real numbers"):
        bg.fit_em(dd.from_pandas(pd.DataFrame({"a": [1.0, 2.0], "b": ["u", "v"]}), npartitions=2), 1)
    with pytest.raises(ValueError, match="no row arrived"):
        bg.fit_em(dd.from_pandas(pd.DataFrame({"a": [1.0, 2.0]}), npartitions=1).query("a > 5"), 1)


def test_a_killed_worker_changes_no_bit(client, rows, file, monkeypatch, tmp_path):
    monkeypatch.setattr(Source, "block_rows", 100)
    passes, reduced = [], Distributed.reduced

    def deadly_at_third(self, task, *along):
        passes.append(1)
        return reduced(self, partial(_deadly, str(tmp_path / "killed"), task) if len(passes) == 3 else task, *along)

    monkeypatch.setattr(Distributed, "reduced", deadly_at_third)
    before = set(client.run(os.getpid).values())
    there = fitted(da.from_array(rows, chunks=(1000, 3)))
    assert len(passes) > 3
    assert (tmp_path / "killed").exists()
    monkeypatch.undo()
    monkeypatch.setattr(Source, "block_rows", 100)
    assert there == fitted(Npy(file))
    client.wait_for_workers(2, timeout=120)
    assert len(before & set(client.run(os.getpid).values())) == 1


def test_rows_over_which_workers_die_are_told(client, rows, monkeypatch):
    source = Distributed(da.from_array(rows, chunks=(1000, 3)))
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    with pytest.raises(RuntimeError, match="1 workers have died one after another over the same rows"):
        source.reduced(_fatal)
    client.wait_for_workers(2, timeout=120)


def test_an_interrupt_leaves_nothing_to_do(client, rows, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 100)
    source = Distributed(da.from_array(rows, chunks=(1000, 3)))
    gathered, n_gathered = client.gather, []

    def interrupted(futures, **settings):
        n_gathered.append(1)
        if len(n_gathered) < 6:
            return gathered(futures, **settings)
        raise KeyboardInterrupt

    start = bg.fit_em(rows, K, n_init=1).mixture
    monkeypatch.setattr(client, "gather", interrupted)
    with pytest.warns(PartialWarning, match="Ctrl-C"), pytest.warns(ConvergenceWarning, match="Interrupted after"):
        em = bg.fit_em(source, K, start=start, tolerance=0.0, accelerate=False)
    assert em.partial
    for _ in range(1000):  # futures are given up by another thread
        if not any(key.startswith(("_on_run", "_added")) for key in client.futures):
            break
        time.sleep(0.01)
    else:
        pytest.fail(f"still wanted: {set(client.futures)}")


def _fatal(rows, values):
    os.kill(os.getpid(), signal.SIGKILL)


def _deadly(path, task, *arguments):
    """A task that takes the first worker which does it along into death."""
    try:
        with open(path, "x"):
            os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        return task(*arguments)


def test_a_lost_scheduler_is_told(rows, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),  # a cluster that is closed looks for its scheduler
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", **QUIET) as cluster,
        distributed.Client(cluster, timeout="1s") as client,
    ):
        source = Distributed(da.from_array(rows, chunks=(1000, 3)), client)
        source.survey()
        passing = source.mapped(_slow)
        next(passing)
        cluster.sync(cluster.scheduler.close)
        with pytest.raises(ConnectionError, match=r"cluster is lost.*checkpoint="):
            list(passing)
        with pytest.raises(ConnectionError, match="cluster is lost"):
            source.survey()


def _slow(rows, values):
    time.sleep(0.1)


def test_without_a_client_partitions_are_computed_here(rows, monkeypatch):
    monkeypatch.setattr("bayesgmm.sources.current_client", lambda: None)
    collection = da.from_array(rows, chunks=(1000, 3))
    assert isinstance(source_of(collection), Partitions)
    monkeypatch.setattr("bayesgmm.sources.distributed.current_client", lambda: None)
    with pytest.raises(ValueError, match="There is no client"):
        Distributed(collection)


def test_partitions_are_computed_once_a_pass_and_may_be_empty(rows):
    computed = []

    def counted(part):
        computed.append(len(part))
        return part

    frame = pd.DataFrame(rows[:40], columns=["a", "b", "c"])
    delayed = [dask.delayed(counted)(part) for part in (frame[:0], frame[:30], frame[30:])]
    source = Partitions(dd.from_delayed(delayed, meta=frame[:0], verify_meta=False))
    for _ in range(2):
        computed.clear()
        with dask.config.set(scheduler="synchronous"):
            np.testing.assert_array_equal(np.concatenate([block.values for block in source.blocks()]), rows[:40])
        assert sorted(computed) == [0, 10, 30]


def test_a_series_keeps_its_name():
    for name, expected in (("s", "s"), (None, "x1")):
        source = Partitions(dd.from_pandas(pd.Series([1.0, 2.0, 4.0], name=name), npartitions=2))
        assert source.names == (expected,)
        assert source.survey().extents.tolist() == [[1.0], [4.0]]


@pytest.mark.parametrize("make", [lambda: importlib.import_module("dask.bag").from_sequence([1]), lambda: dask.delayed([1])])
def test_what_has_no_rows_and_columns_is_refused(make):
    with pytest.raises(TypeError, match="has no rows and columns is no table: make a DataFrame"):
        Partitions(make())
    with pytest.raises(TypeError, match="has 3 dimensions is no table"):
        Partitions(da.zeros((2, 2, 2)))


@pytest.mark.parametrize(("there", "what"), [(None, "has no"), ("0.0.1", r"has version 0\.0\.1 of")])
def test_a_cluster_without_the_package_is_told(client, rows, monkeypatch, there, what):
    asked = client.get_versions

    def lacking(**settings):
        told = asked(**settings)
        told["workers"][min(told["workers"])]["packages"]["bayesgmm"] = there
        return told

    monkeypatch.setattr(client, "get_versions", lacking)
    with pytest.raises(ImportError, match=rf"cluster's worker tcp://.* {what} bayesgmm: install bayesgmm, of this version"):
        Distributed(da.from_array(rows, chunks=(1000, 3)))


def test_a_late_worker_without_the_package_is_told(client, rows):
    source = Distributed(da.from_array(rows, chunks=(3000, 3)))
    with pytest.raises(ImportError, match=r"cannot load bayesgmm .* install bayesgmm, of this version"):
        source.reduced(partial(_failing, "No module named 'bayesgmm'"))
    with pytest.raises(ModuleNotFoundError, match="No module named 'other'"):
        source.reduced(partial(_failing, "No module named 'other'"))


def _failing(sentence, rows, values):
    raise ModuleNotFoundError(sentence)


@pytest.mark.parametrize(
    ("n_blocks", "n_threads", "expected"),
    [(1, 2, 1), (9, 2, 1), (16, 2, 8), (24, 2, 4), (25, 1, 8), (60, 2, 8), (240, 7, 4), (9, 99, 1)],
)
def test_runs_are_whole_parts_of_the_tree(n_blocks, n_threads, expected):
    assert run_blocks(n_blocks, n_threads) == expected


def test_pieces_are_the_rows():
    edges = np.array([0, 0, 3, 3, 10, 11])
    for first in range(11):
        for last in range(first + 1, 12):
            found = np.concatenate([np.arange(edges[i], edges[i + 1])[part] for i, part in pieces_of(edges, first, last)])
            np.testing.assert_array_equal(found, np.arange(first, last))


def test_shares_are_those_of_the_threads():
    assert shared_out(["a"] * 6, {"a": 1, "b": 2}) == ["a", "a", "b", "b", "b", "b"]
    assert shared_out(["lost"] * 2, {"a": 1, "b": 1}) == ["a", "b"]
    assert shared_out(["a"] * 2, {}) == ["", ""]
