"""What is measured, one registry; the order is that of the table."""

from collections.abc import Mapping

from benchmarks.rows import (
    em_dask,
    em_fit,
    em_grid,
    em_growth,
    em_memory,
    em_pass,
    engines,
    gibbs,
    importing,
    laplace,
    nuts_fresh,
    nuts_sampling,
    reporting,
)
from benchmarks.rows.row import Row

ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        importing.ROW,
        em_pass.ROW,
        em_growth.ROW,
        em_fit.ROW,
        em_grid.ROW,
        em_memory.ROW,
        em_dask.ROW,
        gibbs.ROW,
        engines.ROW,
        laplace.ROW,
        nuts_sampling.ROW,
        nuts_fresh.ROW,
        reporting.ROW,
    )
}
