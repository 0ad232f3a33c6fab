"""What the machine can do at best, in the package's own lanes, on as many threads as EM uses."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.block import BLOCK, aligned
from bayesgmm.kernels.compilation import compiler
from bayesgmm.kernels.exponential import exp
from bayesgmm.kernels.lanes import ROWS, fma, load, spread, store
from bayesgmm.kernels.threads import threads_at_hand
from benchmarks.timing import seconds_of

jit = compiler(Path(__file__).parent)
TRIES = 15  # short ones, of which the best counts: a limit is what can be reached
MULTIPLY_ADDS, EXPONENTIALS = 2**26, 2**22  # a thread and try


@dataclass(frozen=True)
class Limits:
    """Rates of all threads together, a second."""

    doubles_read: float
    multiply_adds: float
    exponentials: float

    def __str__(self) -> str:
        read, added, raised = (rate / 1e9 for rate in (self.doubles_read, self.multiply_adds, self.exponentials))
        return f"{read:.2f}e9 doubles read, {added:.1f}e9 multiply-adds, {raised:.2f}e9 exponentials"

    def seconds_a_pass(self, n: int, d: int, n_components: int) -> float:
        r"""The least time of a pass of EM with full covariances.

        Whitening a row for a component takes d(d+1)/2 + d multiply-adds (the triangle and the norm), the scatter as many
        again; each row takes K exponentials. These share the arithmetic units and depend on one another, so their times add
        up. The data are read once, meanwhile: of reading and reckoning the slower counts.

        .. math:: \max\{nd/B,\; nK\,(d(d+1) + 2d)/F + nK/E\}
        """
        rows = n * n_components
        reckoning = rows * (d * (d + 1) + 2 * d) / self.multiply_adds + rows / self.exponentials
        return max(n * d / self.doubles_read, reckoning)


def measure(X: NDArray[np.float64]) -> Limits:
    """Rates on this machine now; reading is over an array as large as X, from whatever cache holds it."""
    threads, flat = threads_at_hand(), X.reshape(-1)
    edges = np.linspace(0, len(flat), threads + 1).astype(int)
    repeats = max(1, 2**24 // len(flat))  # so that starting threads does not count
    pieces = [(flat[a:b], repeats) for a, b in pairwise(edges)]
    return Limits(
        doubles_read=len(flat) * repeats / fastest(read, pieces),
        multiply_adds=threads * MULTIPLY_ADDS / fastest(multiply_add, [(MULTIPLY_ADDS,)] * threads),
        exponentials=threads * EXPONENTIALS / fastest(exponentiate, [(EXPONENTIALS,)] * threads),
    )


def fastest(work: Callable[..., Any], pieces: list[tuple[Any, ...]]) -> float:
    """Seconds until all pieces are done, each in a thread of its own, in the best of the tries."""
    with ThreadPoolExecutor(len(pieces)) as pool:
        list(pool.map(lambda piece: work(*piece), pieces))
        return min(seconds_of(lambda: list(pool.map(lambda piece: work(*piece), pieces))) for _ in range(TRIES))


@jit
def read(values, repeats):
    """Add up all values, four sums of lanes at a time."""
    out, step = aligned(4, ROWS), 4 * ROWS
    a, b, c, e = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
    for _ in range(repeats):
        for i in range(0, len(values) - step + 1, step):
            a = a + load(values, i)
            b = b + load(values, i + ROWS)
            c = c + load(values, i + 2 * ROWS)
            e = e + load(values, i + 3 * ROWS)
    store(out, 0, a)
    store(out, ROWS, b)
    store(out, 2 * ROWS, c)
    store(out, 3 * ROWS, e)
    return out.sum()


@jit
def multiply_add(count):
    """As many multiply-adds as ``count``, in lanes that do not wait for one another and never leave the registers.

    The numbers begin beside 1: of a number that is 1 the compiler would see that it stays so, and leave its lanes out.
    """
    out, step = aligned(2, ROWS), 2 * ROWS
    a, b, factor, term = spread(0.5), spread(2.0), spread(0.999), spread(0.001)
    for _ in range(count // step):
        a = fma(a, factor, term)
        b = fma(b, factor, term)
    store(out, 0, a)
    store(out, ROWS, b)
    return out.sum()


@jit
def exponentiate(count):
    """As many exponentials as ``count``, of a block that stays in the first cache."""
    block, out = aligned(1, BLOCK), aligned(1, BLOCK)
    for i in range(BLOCK):
        block[0, i] = -i / 100.0
    for _ in range(count // BLOCK):
        for i in range(0, BLOCK, ROWS):
            store(out, i, exp(load(block, i)))
    return out.sum()
