"""Several runs of the search, side by side, of which the best counts."""

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from bayesgmm.interruption import Interrupted
from bayesgmm.kernels.threads import called, threads_at_hand
from bayesgmm.partitions.clusters import NOWHERE, Problem
from bayesgmm.partitions.drawn import DrawnPartitions, Labels
from bayesgmm.partitions.losses import Loss
from bayesgmm.partitions.search import SAME, search
from bayesgmm.streams import Use, stream

CANDIDATES = 64  # drawn partitions, the best of which is a start
POLL_SECONDS = 0.05  # between looks at whether Ctrl-C has come


def best_partition(
    drawn: DrawnPartitions, loss: Loss, n_runs: int, max_clusters: int | None, seed: np.random.SeedSequence
) -> Labels:
    """Labels of least expected loss, by falling size of the clusters, that any run found.

    The first run starts from the best of some drawn partitions, the others from nothing. Each has a random stream of its own, so
    that their order in time, and the number of threads, change no bit.

    Raises
    ------
    Interrupted
        At Ctrl-C after a run was finished, with the best labels so far and the number of finished runs.
    """
    problem, most = drawn.problem(loss), drawn.n_rows if max_clusters is None else max_clusters
    stopped, running = np.zeros(1, np.bool_), list[Future[Labels | None]]()
    with ThreadPoolExecutor(min(threads_at_hand(), n_runs)) as pool:
        try:  # from the first start on, for Ctrl-C may come before the last one
            for run in range(n_runs):
                rng = stream(seed, Use.PARTITION, run)
                running.append(pool.submit(_run, drawn, problem, loss, run, most, rng, stopped))
            while wait(running, POLL_SECONDS).not_done:
                pass
        except BaseException as error:  # no thread goes on searching for nobody
            stopped[0] = True
            for future in running:
                future.cancel()
            if not isinstance(error, KeyboardInterrupt):
                raise
    found = [labels for future in running if (labels := _result(future)) is not None]
    if not found:
        raise KeyboardInterrupt
    expected = np.array([drawn.losses(labels, loss).mean() for labels in found])
    best = by_size(found[int(np.flatnonzero(expected <= expected.min() + SAME)[0])])  # the first, whatever rounding says
    if stopped[0]:
        raise Interrupted((best, len(found)))
    return best


def _result(future: Future[Labels | None]) -> Labels | None:
    try:
        return future.result()
    except CancelledError:
        return None


def _run(
    drawn: DrawnPartitions,
    problem: Problem,
    loss: Loss,
    run: int,
    max_clusters: int,
    rng: np.random.Generator,
    stopped: NDArray[np.bool_],
) -> Labels | None:
    """Labels; None where the run was stopped before it came to its end."""
    start = np.full(drawn.n_rows, NOWHERE) if run else _best_drawn(drawn, loss, max_clusters, stopped)
    labels, is_finished = called(search, problem, start, rng, max_clusters, stopped)
    return labels if is_finished else None


def _best_drawn(drawn: DrawnPartitions, loss: Loss, max_clusters: int, stopped: NDArray[np.bool_]) -> Labels:
    """The best of some drawn partitions, evenly spaced; nothing put where all of them have too many clusters."""
    allowed = np.flatnonzero(drawn.numbers <= max_clusters)
    some = np.unique(allowed[np.linspace(0, len(allowed) - 1, CANDIDATES).round().astype(int)]) if len(allowed) else allowed
    best, least = np.full(drawn.n_rows, NOWHERE), np.inf
    for s in some:
        if stopped[0]:
            break
        labels = drawn.labels[s].astype(np.int64)
        expected = drawn.losses(labels, loss).mean()
        if expected < least - SAME:
            best, least = labels, expected
    return best


def by_size(labels: NDArray[np.integer]) -> Labels:
    """The same partition with clusters numbered by falling size, those of one size in the order of their first rows."""
    _, first, codes, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return np.asarray(places[codes.ravel()], dtype=np.int64)
