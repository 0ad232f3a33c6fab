"""Rows of a known mixture in a Parquet file, written block by block, with a start for EM beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import bayesgmm as bg
from benchmarks.problems import Array, simulated

BLOCK = 2**20


def write(path: Path, n: int, d: int, n_components: int) -> bg.Mixture:
    """Write the file with its default compression, row groups of a million or so; the start is returned as well."""
    start = simulated(1000, d, n_components).start
    truth = bg.simulate(1000, n_components, d, 2.0, seed=1)[2]
    schema = pa.schema([(f"x{j + 1}", pa.float64()) for j in range(d)])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, n, BLOCK):
            X, _ = truth.sample(min(BLOCK, n - first), seed=first)
            writer.write_table(pa.table([np.ascontiguousarray(column) for column in X.T], schema=schema))
    np.savez(_beside(path), weights=start.weights, means=start.means, covariances=start.covariances)
    return start


def start_of(path: Path) -> bg.Mixture:
    """The start that belongs to a file."""
    with np.load(_beside(path)) as kept:
        return bg.Mixture.from_parameters(kept["weights"], kept["means"], kept["covariances"])


def rows_of(path: Path) -> Array:
    """All rows of a file in memory, in C order, filled block by block."""
    file: Any = pq.ParquetFile(path)
    X, first = np.empty((file.metadata.num_rows, file.metadata.num_columns)), 0
    for batch in file.iter_batches(BLOCK):
        for j in range(X.shape[1]):
            X[first : first + batch.num_rows, j] = batch.column(j).to_numpy()
        first += batch.num_rows
    return X


def _beside(path: Path) -> Path:
    return path.with_suffix(".start.npz")
