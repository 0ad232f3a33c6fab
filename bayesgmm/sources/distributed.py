"""Rows that stay on the workers of a Dask cluster: tasks go to them, and only what tasks give comes back.

Dask is loaded by those who use it. What runs on the workers stands at the end, in functions that know no cluster.
"""

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, reduce
from importlib.metadata import version
from itertools import batched, chain
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.sources.source import FAN, Block, Source, added_up
from bayesgmm.sources.streamed import partitions, values_of
from bayesgmm.sources.survey import Survey

type Array = NDArray[np.float64]

PACKAGE = "bayesgmm"
UNEVEN = 1.1  # times its share of blocks that a thread may get, so that they are handed out in few runs
GATHERED = 16  # futures whose sums are added here, since that is sooner than by more tasks
SMALL = 2**16  # bytes of a task that is told to each run of rows; a larger one goes to the cluster once
PIECE = 2**22  # bytes of one message: Dask warns of large ones


class Distributed(Source):
    """A Dask array, DataFrame or Series whose rows lie on the workers of a cluster, where tasks run.

    That is what becomes of a Dask collection wherever data are taken, as long as there is a client::

        client = Client(cluster)
        em = fit_em(dask_dataframe, 5)

    The collection is computed once. Its rows then stay in the workers' memory (or on their disks, where Dask spills them there)
    while this object lives; so to use them several times, make one and give that. A pass sends parameters to the rows, and brings
    back sums that the workers have added up as a tree: it has the same bits however the collection is partitioned, however many
    workers there are, and as from a file in one process, on processors of one kind. The package must be
    installed, of the same version, on the workers and for the scheduler, which reads tasks too.

    Each task takes one thread. Rows that are lost with a worker are made again from the collection's own graph; data in it that
    a client has scattered are gone with the last worker that held them. Row weights are kept by the scheduler for that purpose.

    Parameters
    ----------
    collection : dask.array.Array, dask.dataframe.DataFrame or dask.dataframe.Series
    client : distributed.Client, optional
        None: the current one.

    Raises
    ------
    ImportError
        If the package is not on the cluster, or not of this version.
    TypeError
        If the collection is no table.
    ValueError
        If there is no client, or a partition holds no table of numbers.
    ConnectionError
        If the cluster is lost, here or in a pass.
    RuntimeError
        If workers die whenever they get some of the rows.
    """

    def __init__(self, collection: Any, client: Any = None) -> None:
        self._client = client or current_client()
        if self._client is None:
            raise ValueError(
                "There is no client: make one by distributed.Client(address of the cluster's scheduler), and keep it."
            )
        self.names, parts = partitions(collection)
        self._there: list[tuple[NDArray[Any], list[Any]]] = []  # what went along last, in parts for the runs
        with self._kept() as kept:
            _require_package(self._client)
            self._threads: dict[str, int] = self._client.nthreads()
            self._take(parts, kept)

    def blocks(self) -> Iterator[Block]:
        """Run by run, each brought here."""
        for first, run in zip(self._firsts, self._runs, strict=True):
            with self._kept():
                values = self._client.gather(run)
            for start in range(0, len(values), self.block_rows):
                yield Block.within(values[start : start + self.block_rows], "The collection", first + start)

    def survey(self, *weights: Array) -> Survey:
        """Check and measure all rows where they are."""
        return self.reduced(partial(_surveyed, self.names, self._edges), *weights) or super().survey()

    def mapped[T](self, task: Callable[..., T], *along: NDArray[Any]) -> Iterator[T]:
        """What the task gives for each block of rows, in their order; no more than two runs a thread are under way."""
        with self._kept() as kept:
            told, beside = self._told(task, kept), self._beside(along)
            coming: list[Any] = []
            for numbers in chain(batched(range(len(self._runs)), self._n_threads), [()]):
                here, coming = coming, self._submitted(told, beside, numbers, False, kept)
                yield from chain.from_iterable(self._client.gather(here))
                for future in here:
                    future.release()

    def reduced[T](self, task: Callable[..., T], *along: NDArray[Any]) -> T | None:
        """The sum of what the task gives for all blocks, by the tree of ``added_up``, as in one process."""
        with self._kept() as kept:
            width = self._run_blocks % FAN or 1  # sums that a future holds, all of one level of the tree
            told, beside = self._told(task, kept), self._beside(along)
            level = self._submitted(told, beside, range(len(self._runs)), self._run_blocks == FAN, kept)
            while len(level) > GATHERED:
                groups = [list(group) for group in batched(level, FAN // width)]
                level, width = self._client.map(_added, groups, pure=False), 1
                kept += level
            return added_up(chain.from_iterable(self._client.gather(level)))

    @property
    def _n_threads(self) -> int:
        return max(1, sum(self._threads.values()))

    def _take(self, parts: Sequence[Any], kept: list[Any]) -> None:
        """Have the collection computed, and its rows cut into runs of so many blocks, of which each worker gets its share."""
        delayed, client = importlib.import_module("dask").delayed(_values, pure=False), self._client
        values = client.compute([delayed(self.names, number, part) for number, part in enumerate(parts)])
        kept += values
        self._edges = np.cumsum([0, *client.gather(client.map(len, values, pure=False))])
        n_rows = int(self._edges[-1])
        self._run_blocks = run_blocks(-(-n_rows // self.block_rows), self._n_threads)
        self._firsts = range(0, n_rows, self._run_blocks * self.block_rows)
        pieces = [pieces_of(self._edges, first, min(first + self._firsts.step, n_rows)) for first in self._firsts]
        holders = client.who_has(values)
        nearest = [next(iter(holders[values[max(some, key=_length)[0]].key]), "") for some in pieces]
        self._runs = [
            client.submit(
                _joined,
                [values[number] for number, _ in some],
                [rows for _, rows in some],
                pure=False,
                workers=[worker] if worker else None,
                allow_other_workers=bool(worker),
            )
            for some, worker in zip(pieces, shared_out(nearest, self._threads), strict=True)
        ]

    def _told(self, task: Callable[..., Any], kept: list[Any]) -> Any:
        """A task in the form in which the workers get it."""
        packed: bytes = importlib.import_module("cloudpickle").dumps(task)
        if len(packed) <= SMALL:
            return packed
        kept.append(self._sent(packed))
        return kept[-1]

    def _beside(self, along: tuple[NDArray[Any], ...]) -> list[tuple[Any, ...]]:
        """For each run its parts of what goes along with all rows, which stay on the cluster until something else goes along."""
        if not along:
            return [()] * len(self._runs)
        there = {id(array): (array, parts) for array, parts in self._there}
        now = [there.get(id(array)) or (array, self._parts(array)) for array in along]
        self._there = now  # which another thread's pass may replace at any time
        return list(zip(*(parts for _, parts in now), strict=True))

    def _parts(self, array: NDArray[Any]) -> list[Any]:
        """An array cut as the runs are."""
        size = self._firsts.step
        return [self._sent(pickle.dumps(np.ascontiguousarray(array[first : first + size]))) for first in self._firsts]

    def _sent(self, packed: bytes) -> Any:
        """Bytes on the cluster, in messages of moderate size; not scattered, for then they would be lost with a worker."""
        pieces = [self._client.submit(bytes, packed[i : i + PIECE], pure=False) for i in range(0, len(packed), PIECE)]
        return self._client.submit(b"".join, pieces, pure=False)

    def _submitted(
        self, told: Any, beside: list[tuple[Any, ...]], numbers: Sequence[int], fold: bool, kept: list[Any]
    ) -> list[Any]:
        """Futures of what a task gives for these runs."""
        firsts, runs, more = ([items[number] for number in numbers] for items in (self._firsts, self._runs, beside))
        on_run = partial(_on_run, self.block_rows, fold)
        level: list[Any] = self._client.map(on_run, [told] * len(runs), firsts, runs, more, pure=False) if runs else []
        kept += level
        return level

    @contextmanager
    def _kept(self) -> Iterator[list[Any]]:
        """A list of futures that are given up at the end, whatever it is: what has not begun by then never will.

        Errors are told in the caller's terms.
        """
        distributed, kept = importlib.import_module("distributed"), list[Any]()
        try:
            yield kept
        except ModuleNotFoundError as error:  # of a worker that joined after all were asked
            if PACKAGE not in str(error):
                raise
            raise ImportError(f"A worker of the Dask cluster cannot load {PACKAGE} ({error}): {_cure()}") from None
        except distributed.KilledWorker as error:
            raise RuntimeError(
                f"{error.allowed_failures + 1} workers have died one after another over the same rows, most likely for want of "
                f"memory: give them more, or make partitions smaller than now. Dask says: {error}"
            ) from None
        except (distributed.CancelledError, distributed.client.ClosedClientError, distributed.comm.CommClosedError) as error:
            raise ConnectionError(
                "The cluster is lost, or rows that only a lost worker had: connect to it anew, and make the collection again. "
                f"A fit with checkpoint= goes on from its last one. Dask says: {' '.join(str(error).split())}"
            ) from None
        finally:
            for future in kept:
                future.release()


def current_client() -> Any:
    """The client in whose cluster Dask computes; None where there is none."""
    distributed = sys.modules.get("distributed")  # which whoever has a client has loaded
    if distributed is None:
        return None
    try:
        return distributed.Client.current()
    except ValueError:
        return None


def _require_package(client: Any) -> None:
    """Refuse a cluster without the package: a worker that cannot load a task says so in its log alone, and rows never come."""
    told = client.get_versions(packages=[PACKAGE])
    places = {"scheduler": told["scheduler"]} | {f"worker {worker}": of for worker, of in told["workers"].items()}
    found = {place: (of or {}).get("packages", {}).get(PACKAGE) for place, of in places.items()}
    for place, there in found.items():
        if there != told["client"]["packages"][PACKAGE]:
            what = "has no" if there is None else f"has version {there} of"
            raise ImportError(f"The Dask cluster's {place} {what} {PACKAGE}: {_cure()}")


def _cure() -> str:
    return f"install {PACKAGE}, of this version ({version(PACKAGE)}), on the workers and for the scheduler."


def run_blocks(n_blocks: int, n_threads: int) -> int:
    """Blocks of a run: a divisor of :data:`bayesgmm.sources.source.FAN`, so that runs are whole parts of the tree of sums.

    The largest that leaves no thread with much more than its share, since each run takes a millisecond or two to hand out.
    """

    def most(size: int) -> int:
        return min(n_blocks, size * -(-n_blocks // (size * n_threads)))

    sizes = [size for size in range(FAN, 1, -1) if FAN % size == 0]
    return next((size for size in sizes if most(size) <= UNEVEN * n_blocks / n_threads), 1)


def pieces_of(edges: NDArray[np.int64], first: int, last: int) -> list[tuple[int, slice]]:
    """Which partitions hold these rows, and where: of each the number its rows among them.

    Examples
    --------
    >>> pieces_of(np.array([0, 3, 3, 10]), 2, 5)
    [(0, slice(2, 3, None)), (2, slice(0, 2, None))]
    """
    numbers = range(int(np.searchsorted(edges, first, side="right")) - 1, int(np.searchsorted(edges, last)))
    cuts = [(i, slice(max(0, first - int(edges[i])), int(min(last, edges[i + 1]) - edges[i]))) for i in numbers]
    return [(i, rows) for i, rows in cuts if rows.stop > rows.start]


def _length(piece: tuple[int, slice]) -> int:
    return int(piece[1].stop - piece[1].start)


def shared_out(nearest: Sequence[str], threads: dict[str, int]) -> list[str]:
    """A worker for each run: the one that has its rows, unless that has its share of runs; empty where there are no workers.

    Examples
    --------
    >>> shared_out(["a", "a", "a", "b"], {"a": 1, "b": 1})
    ['a', 'a', 'b', 'b']
    """
    total = sum(threads.values())
    room = {worker: -(-len(nearest) * n // total) for worker, n in threads.items()}
    chosen = []
    for wished in nearest:
        worker = wished if room.get(wished) else max(room, key=room.__getitem__, default="")
        if worker:
            room[worker] -= 1
        chosen.append(worker)
    return chosen


def _values(names: tuple[str, ...], number: int, part: Any) -> Array:
    """The numbers of a partition."""
    return values_of(part, names, f"Partition {number}")


def _joined(parts: list[Array], ranges: list[slice]) -> Array:
    """Rows of several partitions; a copy unless they are one of these, for what is cut out would keep all of it in memory."""
    if len(parts) == 1 and ranges[0] == slice(0, len(parts[0])):
        return parts[0]
    return np.concatenate([part[rows] for part, rows in zip(parts, ranges, strict=True)])


def _on_run(block_rows: int, fold: bool, told: bytes, first: int, run: Array, beside: tuple[bytes, ...]) -> list[Any]:
    """What a task gives for each block of a run, or where they are one node of the tree the sum of that."""
    task, *along = map(pickle.loads, (told, *beside))  # which the client has sent
    values = run.view()
    values.flags.writeable = False

    def on_block(start: int) -> Any:
        inside = slice(start, min(start + block_rows, len(values)))
        return task(slice(first + start, first + inside.stop), values[inside], *(part[inside] for part in along))

    with kernels.alone():  # a worker does as many tasks at a time as it has threads
        found = map(on_block, range(0, len(values), block_rows))
        return [reduce(add, found)] if fold else list(found)


def _added(parts: list[list[Any]]) -> list[Any]:
    """The sum of some nodes of the tree, which is the next one."""
    return [reduce(add, chain.from_iterable(parts))]


def _surveyed(
    names: tuple[str, ...], edges: NDArray[np.int64], rows: slice, values: Array, weights: Array | None = None
) -> Survey:
    """Of a block; what is wrong is said of the partition that it is in."""
    return Survey.of(values, names, partial(_partition, edges, rows.start), weights)


def _partition(edges: NDArray[np.int64], first: int, row: int) -> tuple[str, int]:
    """The partition of a row of a block, and its number there."""
    number = int(np.searchsorted(edges, first + row, side="right")) - 1
    return f"Partition {number}", first + row - int(edges[number])
