"""Which rows come from the same component: products of responsibilities summed over draws, a tile of the matrix at a time.

Of some draws at a time the responsibilities are laid out so that a few rows of all of them lie together; then each tile of the
matrix takes all of these draws up while it stays in registers.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.block import BLOCK, aligned, joint_log_densities, load_rows, normalise, transposed, workspace
from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.lanes import ROWS, fma, load, spread, store
from bayesgmm.kernels.threads import WORTH_THREADS, called, threads_at_hand

AT_A_TIME = 512  # responsibilities of a row, of several draws together: a tile's part of them stays in the second level of cache


def similarity(
    values: NDArray[Any], log_constants: NDArray[Any], means: NDArray[Any], factors: NDArray[Any]
) -> NDArray[np.float64]:
    """Mean over draws of the probability that two rows come from the same component, sum_k r_ik r_jk: shape (n, n).

    Threads take rows of tiles, which have their places in the one matrix; their number changes no bit.
    """
    n, (n_draws, n_components) = len(values), log_constants.shape
    n_tiles, step = -(-n // ROWS), max(1, AT_A_TIME // n_components)
    out, packed = np.zeros((n, n)), np.zeros((n_tiles, min(step, n_draws) * n_components, ROWS))
    n_threads = min(n_tiles, threads_at_hand()) if n * n * float(n_draws * n_components) >= WORTH_THREADS else 1
    with ThreadPoolExecutor(n_threads) as pool:
        for first in range(0, n_draws, step):
            some = slice(first, first + step)
            arguments = log_constants[some], means[some], factors[some]
            n_some, edges = len(arguments[0]), np.linspace(0, len(arguments[0]), n_threads + 1).astype(int)

            def pack(one: int, other: int, arguments: tuple[NDArray[Any], ...] = arguments) -> None:
                called(pack_shares, values, *(part[one:other] for part in arguments), packed, one)

            def add(tile: int, used: int = n_some * n_components) -> None:
                called(add_products_of_tiles, packed, used, tile, out)

            list(pool.map(pack, edges[:-1].tolist(), edges[1:].tolist()))
            list(pool.map(add, range(n_tiles - 1, -1, -1)))  # the longest first
    called(mirror, out, n_draws)
    return out


@jit
def pack_shares(values, log_constants, means, factors, packed, first):
    """Responsibilities of draws into packed (tiles, draws x K, ROWS), from the place of this draw on."""
    n, n_components = values.shape[0], means.shape[1]
    for s in range(means.shape[0]):
        x, joint, _, norms, diff, _ = workspace(factors[s])
        transposes = transposed(factors[s])
        for start in range(0, n, BLOCK):
            size = min(BLOCK, n - start)
            load_rows(values, start, size, x)
            joint_log_densities(x, size, log_constants[s], means[s], transposes, diff, joint)
            normalise(joint, size, norms)
            for b in range(0, size, ROWS):
                for k in range(n_components):
                    lane = packed[(start + b) // ROWS, (first + s) * n_components + k]
                    for i in range(ROWS):
                        lane[i] = joint[k, b + i]


@jit
def add_products_of_tiles(packed, used, tile, out):
    """Add the products of one tile's rows with those of the tiles up to it; four rows at a time, so that loads serve four."""
    n, buffer = out.shape[0], aligned(4, ROWS)
    for other in range(tile + 1):
        columns = packed[other]
        width = min(ROWS, n - other * ROWS)
        for i in range(0, min(ROWS, n - tile * ROWS), 4):
            a, b, c, d = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
            for m in range(used):
                shares = load(columns, m * ROWS)
                a = fma(shares, packed[tile, m, i], a)
                b = fma(shares, packed[tile, m, i + 1], b)
                c = fma(shares, packed[tile, m, i + 2], c)
                d = fma(shares, packed[tile, m, i + 3], d)
            store(buffer, 0, a)
            store(buffer, ROWS, b)
            store(buffer, 2 * ROWS, c)
            store(buffer, 3 * ROWS, d)
            for row in range(min(4, n - tile * ROWS - i)):
                for column in range(width):
                    out[tile * ROWS + i + row, other * ROWS + column] += buffer[row, column]


@jit
def mirror(out, n_draws):
    """Sums to means, and the lower triangle to the upper; a row is in its own company."""
    n = out.shape[0]
    for start in range(0, n, ROWS):
        for other in range(0, start + 1, ROWS):
            for i in range(start, min(start + ROWS, n)):
                for j in range(other, min(other + ROWS, i)):
                    out[i, j] /= n_draws
                    out[j, i] = out[i, j]
    for i in range(n):
        out[i, i] = 1.0
