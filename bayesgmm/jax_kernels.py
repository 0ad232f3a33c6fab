"""The pass over the data in JAX, for rows that lie in a GPU's memory and for samplers that follow JAX's gradients.

This floor knows arrays only, and components as :mod:`bayesgmm.kernels` takes them: log constants, means and precision factors. It
is imported, and JAX with it, when somebody asks for JAX. Sums over rows are kept in float64 whatever the rows are kept in.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

FULL = jax.lax.Precision.HIGHEST  # otherwise GPUs multiply float32 with fewer digits than it has
WIDE = "float64"

type Moments = tuple[jax.Array, jax.Array, jax.Array]


def block_entries(platform: str) -> int:
    """Entries of an array (K, rows, d) that is made of one block of rows: a CPU's cache holds them, or they keep a GPU busy."""
    return 2**18 if platform == "cpu" else 2**22


def block_rows(n: int, entries: int, platform: str) -> int:
    """Rows of a block for so many entries a row: about as many in each block, all in one where they are few."""
    return math.ceil(n / math.ceil(n * entries / block_entries(platform)))


def pointwise_statistics(
    values: jax.Array, weights: jax.Array, log_constants: jax.Array, means: jax.Array, factors: jax.Array
) -> tuple[jax.Array, Moments]:
    """Weighted log densities of rows (n,); counts (K,), sums (K, d) and scatter about the means. For use in compiled code.

    Weights (n,), or (1,) for all, may be negative: the gradient of a weighted sum of log densities uses them.
    """
    n = len(values)
    rows = block_rows(n, means.size, jax.default_backend())

    def told(terms: jax.Array, shares: jax.Array, residuals: jax.Array, _: jax.Array) -> tuple[jax.Array, Moments]:
        return terms, _moments(shares, residuals, factors)

    terms, moments = _over_blocks(told, values, weights, (log_constants, means, factors), rows)
    return jnp.concatenate([terms[:-1].ravel(), terms[-1, len(terms) * rows - n :]]), moments


def whitened_statistics(
    values: jax.Array, weights: jax.Array, log_constants: NDArray[Any], means: NDArray[Any], factors: NDArray[Any]
) -> tuple[NDArray[Any], ...]:
    """Weighted log-likelihood; counts, sums and scatter of L' (x - mu). In NumPy; rows and weights lie on one device.

    Components are rounded to what rows are kept in. Whitened, rows are of one size in all directions, and so are errors of sums:
    where features are correlated, those of plain residuals would be as large as what there is in the direction that varies least.
    """
    platform = next(iter(values.devices())).platform
    rounded = tuple(np.asarray(part, values.dtype) for part in (log_constants, means, factors))
    with jax.enable_x64(True):
        found: tuple[NDArray[Any], ...] = jax.device_get(
            _whitened(values, weights, rounded, block_rows(len(values), means.size, platform))
        )
    return found


def placed(array: NDArray[Any], device: Any) -> jax.Array:
    """An array in a device's memory, that of JAX's default device where it is None."""
    with jax.enable_x64(True):
        there: jax.Array = jax.device_put(array, device)
    return there


def fetched(array: jax.Array, first: int, last: int) -> NDArray[Any]:
    """Some rows of an array on a device; nothing is compiled but for each number of rows."""
    with jax.enable_x64(True):
        return np.asarray(jax.lax.dynamic_slice_in_dim(array, first, last - first))


@partial(jax.jit, static_argnames="rows")
def _whitened(values: jax.Array, weights: jax.Array, components: Any, rows: int) -> tuple[jax.Array, ...]:
    def told(terms: jax.Array, shares: jax.Array, _: jax.Array, whitened: jax.Array) -> tuple[jax.Array, Moments]:
        return terms.sum(dtype=WIDE), _moments(shares, whitened, components[-1])

    log_likelihoods, moments = _over_blocks(told, values, weights, components, rows)
    return log_likelihoods.sum(), *moments


def _over_blocks(
    told: Callable[..., tuple[jax.Array, Moments]], values: jax.Array, weights: jax.Array, components: Any, rows: int
) -> tuple[jax.Array, Moments]:
    """What is told of blocks of so many rows: the first part of each, the sum of the second ones.

    The last block reaches back so that it is full, and rows that were in the block before weigh nothing in it.
    """
    n, (_, means, factors) = len(values), components

    def add(totals: Moments, number: jax.Array) -> tuple[Moments, jax.Array]:
        begin = number * rows
        first = jnp.minimum(begin, n - rows)
        x = jax.lax.dynamic_slice_in_dim(values, first, rows)
        v = weights if weights.shape[0] == 1 else jax.lax.dynamic_slice_in_dim(weights, first, rows)
        kept, moments = told(*_block(x, jnp.where(first + jnp.arange(rows) < begin, 0, v), *components))
        return jax.tree.map(lambda total, moment: total + moment.astype(WIDE), totals, moments), kept

    nothing = jnp.zeros(len(means), WIDE), jnp.zeros(means.shape, WIDE), jnp.zeros(factors.shape, WIDE)
    totals, kept = jax.lax.scan(add, nothing, jnp.arange(math.ceil(n / rows)))
    return kept, totals


def _block(
    values: jax.Array, weights: jax.Array, log_constants: jax.Array, means: jax.Array, factors: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Weighted log densities of rows, weighted shares (K, rows), residuals and the same whitened (K, rows, d)."""
    residuals = values - means[:, None, :]  # the component first: then matrices are multiplied as they lie
    whitened = residuals * factors[:, None, :] if factors.ndim == 2 else jnp.matmul(residuals, factors, precision=FULL)
    joint = log_constants[:, None] - 0.5 * (whitened**2).sum(-1)
    largest = joint.max(0)
    # Where all are minus infinity, beyond the range of floats, no preference can be told: equal shares.
    shares = jnp.exp(jnp.where(largest > -jnp.inf, joint - largest, 0.0))
    totals = shares.sum(0)
    return weights * (largest + jnp.log(totals)), weights * (shares / totals), residuals, whitened


def _moments(shares: jax.Array, rows: jax.Array, factors: jax.Array) -> Moments:
    """Counts, sums and scatter of rows (K, rows, d), of the scatter the diagonal where factors are no more."""
    weighted = shares[:, :, None] * rows
    scatter = (weighted * rows).sum(1) if factors.ndim == 2 else jnp.matmul(weighted.mT, rows, precision=FULL)
    return shares.sum(1), weighted.sum(1), scatter
