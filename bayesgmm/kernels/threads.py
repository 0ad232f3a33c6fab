"""The pass over many rows in threads. Rows are cut, and sums added, in an order that does not depend on how many there are."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.block import BLOCK
from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.incomplete import Pieces, incomplete_statistics
from bayesgmm.kernels.shared import DONE, TAKEN, count, reaches
from bayesgmm.kernels.statistics import expected_statistics, sampled_statistics

PIECE = 8192  # rows
MOST_PIECES = 64
MOST_NUMBERS = 2**21  # in the statistics of all pieces together
MOST_SUMS = 16  # of parts of the draws
WORTH_THREADS = 2e7  # multiply-adds or so: below a millisecond to start threads does not pay
WORTH_TASKS = 4e6  # the same where threads are kept from pass to pass, and for passes side by side, which share the interpreter

_KEPT: ContextVar[ThreadPoolExecutor | None] = ContextVar("kept", default=None)
_ALONE: ContextVar[bool] = ContextVar("alone", default=False)

Statistics = tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
Mixtures = tuple[NDArray[Any], ...]  # log constants, means and factors of many draws, and what else a kernel needs of each


def threads_at_hand() -> int:
    """As many as the environment variable BAYESGMM_THREADS says, or as there are processors that this process may use."""
    asked = os.environ.get("BAYESGMM_THREADS")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"The environment variable BAYESGMM_THREADS must be an integer of at least 1, got {asked!r}.")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def called(kernel: Callable[..., Any], *arguments: Any) -> Any:
    """What a kernel returns. Ctrl-C on its way back, which Numba's dispatcher hides behind SystemErrors, is Ctrl-C again."""
    try:
        return kernel(*arguments)
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__
        if cause is None:
            raise
        raise KeyboardInterrupt from None


def protected(array: NDArray[Any]) -> NDArray[Any]:
    """A view that cannot be written to: to Numba the two kinds are two types, and each is compiled for."""
    view = array.view()
    view.flags.writeable = False
    return view


def threaded_statistics(
    values: NDArray[Any],
    row_weights: NDArray[Any],
    log_constants: NDArray[Any],
    means: NDArray[Any],
    factors: NDArray[Any],
    threads: int | None = None,
) -> Statistics:
    """What ``expected_statistics`` returns, in threads where rows are many."""
    rows = piece_rows(len(values), factors.size)
    arguments = (values, row_weights, log_constants, means, factors)
    n_pieces = -(-len(values) // rows)
    if n_pieces <= 1:
        alone: Statistics = called(expected_statistics, *arguments)
        return alone

    shapes = ((), log_constants.shape, means.shape, factors.shape)
    size = work(len(values), factors.size, len(means))
    log_likelihood, counts, sums, scatter = _over_pieces(
        _piecewise_statistics, (*arguments, rows), shapes, n_pieces, size, threads
    )
    return float(log_likelihood), counts, sums, scatter


def threaded_samples(
    values: NDArray[Any],
    keys: NDArray[np.int64],
    log_constants: NDArray[Any],
    means: NDArray[Any],
    factors: NDArray[Any],
    first: int = 0,
    threads: int | None = None,
) -> tuple[NDArray[np.float64], ...]:
    """What ``sampled_statistics`` returns but for the allocations, for several draws of the parameters with a key each.

    Each piece of the rows is gone through for all draws while it is near, in threads where rows are many.

    Parameters
    ----------
    keys : ndarray of int64, shape (n_draws,)
    log_constants, means, factors : ndarray
        With a leading axis of draws.
    first : int
        Number of the first row.

    Returns
    -------
    log_likelihood, counts, sums, scatter
        With a leading axis of draws.
    """
    rows = piece_rows(len(values), factors[0].size)
    arguments = (values, np.int64(first), keys, log_constants, means, factors, rows)
    shapes = (keys.shape, log_constants.shape, means.shape, factors.shape)
    size = work(len(values), factors.size, means.shape[0] * means.shape[1])
    return tuple(_over_pieces(_piecewise_samples, arguments, shapes, -(-len(values) // rows), size, threads))


def _over_pieces(
    kernel: Callable[..., None],
    arguments: tuple[Any, ...],
    shapes: Sequence[tuple[int, ...]],
    n_pieces: int,
    size: float,
    threads: int | None,
) -> list[NDArray[np.float64]]:
    """The sums over all pieces of what a kernel writes for each, arrays of these shapes; in threads where it is worth it."""
    counters, parts = np.zeros(2, np.int64), [np.empty((n_pieces, *shape)) for shape in shapes]

    def work_on() -> None:
        called(kernel, *arguments, counters, *parts)

    with _threads_for(size, n_pieces, threads) as (n_threads, pool):
        others = [pool.submit(work_on) for _ in range(n_threads - 1)] if pool else []
        try:
            work_on()
        except BaseException:
            counters[TAKEN] = n_pieces  # nobody goes on for nothing
            raise
        if not called(reaches, counters, n_pieces):  # else no piece is missing, whatever has become of the others
            for other in others:
                if not other.cancel():  # one that has not begun has nothing to do any more
                    other.result()
    return [np.add.reduce(part, axis=0) for part in parts]


def threaded_incomplete(
    pieces: Pieces, mixture: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]], noise: NDArray[Any]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """What ``incomplete_statistics`` returns of all pieces, in threads where rows are many.

    Pieces are added up in parts that do not depend on how many threads there are.
    """
    n, (_, means, _, factors) = len(pieces.weights), mixture
    n_parts = max(1, min(MOST_PIECES, n // PIECE, MOST_NUMBERS // factors.size))
    edges = np.unique(np.searchsorted(pieces.rows, np.linspace(0, n, n_parts + 1))).tolist()

    def part(ends: tuple[int, int]) -> tuple[Any, ...]:
        return called(incomplete_statistics, *pieces, *mixture, noise, *ends)  # type: ignore[no-any-return]

    with _threads_for(work(n, factors.size, len(means)), n_parts) as (_, pool):
        parts = list((pool.map if pool else map)(part, pairwise(edges)))
    log_likelihood, counts, sums, scatter, noise_count = (
        np.add.reduce(np.array(each), axis=0) for each in zip(*parts, strict=True)
    )
    return float(log_likelihood), counts, sums, scatter, float(noise_count)


def threaded_draws(
    kernel: Callable[..., NDArray[Any]], values: NDArray[Any], mixtures: Mixtures, *more: NDArray[Any]
) -> NDArray[Any]:
    """What a kernel returns that gives each draw a place in front, in threads that take draws where these are many."""
    n_draws, size = len(mixtures[1]), _work_of_draws(values, mixtures)
    with _threads_for(size, n_draws) as (n_threads, pool):
        edges = np.linspace(0, n_draws, 4 * n_threads + 1 if pool else 2).astype(int).tolist()
        return np.concatenate(list(_of_draws(kernel, values, mixtures, more, edges, pool)))


def summed_draws(kernel: Callable[..., NDArray[np.float64]], values: NDArray[Any], mixtures: Mixtures) -> NDArray[np.float64]:
    """What a kernel returns that sums over draws, as the sum of parts which do not depend on the number of threads."""
    n_draws, n_components = mixtures[0].shape
    n_parts = min(n_draws, max(1, min(MOST_SUMS, MOST_NUMBERS // (len(values) * n_components))))
    edges = np.linspace(0, n_draws, n_parts + 1).astype(int).tolist()
    with _threads_for(_work_of_draws(values, mixtures), n_parts) as (_, pool):
        parts = _of_draws(kernel, values, mixtures, (), edges, pool)
        total = next(parts)
        for part in parts:
            total += part
    return total


def _work_of_draws(values: NDArray[Any], mixtures: Mixtures) -> float:
    """Of all draws together."""
    means, factors = mixtures[1:3]
    return work(len(values), factors.size, means.shape[0] * means.shape[1])


def _of_draws(
    kernel: Callable[..., NDArray[Any]],
    values: NDArray[Any],
    mixtures: Mixtures,
    more: tuple[NDArray[Any], ...],
    edges: list[int],
    pool: ThreadPoolExecutor | None,
) -> Iterator[NDArray[Any]]:
    """What the kernel returns for the draws between the edges, in their order."""
    values, mixtures = protected(values), tuple(map(protected, mixtures))

    def of(first: int, last: int) -> NDArray[Any]:
        return called(kernel, values, *(part[first:last] for part in mixtures), *more)  # type: ignore[no-any-return]

    return iter((pool.map if pool else map)(of, edges[:-1], edges[1:]))


@contextmanager
def _threads_for(size: float, most: int, asked: int | None = None) -> Iterator[tuple[int, ThreadPoolExecutor | None]]:
    """How many threads work of a size in so many parts at most is worth, and a pool that has them; None for this thread alone."""
    kept = _KEPT.get()
    worth = size >= (WORTH_THREADS if kept is None else WORTH_TASKS) and not _ALONE.get()
    n_threads = max(1, min(most, asked or (threads_at_hand() if worth else 1)))
    if n_threads == 1:
        yield 1, None
    elif kept is not None and not asked:
        yield n_threads, kept
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            yield n_threads, pool


@contextmanager
def kept_threads() -> Iterator[None]:
    """Keep threads from pass to pass, for passes of this thread, until the block ends.

    Not longer: a process that has threads warns when it is forked.
    """
    with ThreadPoolExecutor(threads_at_hand()) as pool:
        token = _KEPT.set(pool)
        try:
            yield
        finally:
            _KEPT.reset(token)


@contextmanager
def alone() -> Iterator[None]:
    """Passes of this thread take no other one, for their neighbours do."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def work(n: int, n_numbers: int, n_components: int) -> float:
    """Multiply-adds of a pass, or so: an exponential takes as long as twenty of them."""
    return n * (n_numbers + 20.0 * n_components)


def passes_abreast(most: int, n: int, n_features: int, n_components: int, is_diagonal: bool) -> int:
    """How many passes from different starts, of so many at most, are best made at a time.

    One where passes are short, for they take turns at the interpreter; or where they are fewer than threads, which each pass can
    have for itself. Else side by side is better than a pass in threads: nobody waits for the slowest piece.
    """
    size, threads = work(n, n_components * n_features ** (1 if is_diagonal else 2), n_components), threads_at_hand()
    return threads if size >= WORTH_TASKS and most >= threads else 1


def piece_rows(n: int, n_numbers: int) -> int:
    """Rows of a piece, whole blocks: a function of the numbers of rows and of the scatter's entries, not of the threads."""
    n_pieces = max(1, min(MOST_PIECES, n // PIECE, MOST_NUMBERS // n_numbers))
    return max(BLOCK, -(-n // (n_pieces * BLOCK)) * BLOCK)


@jit
def _piecewise_statistics(
    values, row_weights, log_constants, means, factors, rows, counters, log_likelihood, counts, sums, scatter
):
    """Write expected statistics of pieces that nobody has taken yet, one after the other, until all are taken."""
    n_pieces = len(log_likelihood)
    p = count(counters, TAKEN)
    while p < n_pieces:
        piece = slice(p * rows, (p + 1) * rows)
        log_likelihood[p], counts[p], sums[p], scatter[p] = expected_statistics(
            values[piece], row_weights[piece], log_constants, means, factors
        )
        count(counters, DONE)
        p = count(counters, TAKEN)


@jit
def _piecewise_samples(
    values, first_row, keys, log_constants, means, factors, rows, counters, log_likelihood, counts, sums, scatter
):
    """The same of sampled allocations for each draw."""
    n_pieces = len(log_likelihood)
    p = count(counters, TAKEN)
    while p < n_pieces:
        piece = values[p * rows : (p + 1) * rows]
        for s in range(len(keys)):
            found = sampled_statistics(piece, keys[s], log_constants[s], means[s], factors[s], first_row + p * rows)
            log_likelihood[p, s], counts[p, s], sums[p, s], scatter[p, s] = found[:4]
        count(counters, DONE)
        p = count(counters, TAKEN)
