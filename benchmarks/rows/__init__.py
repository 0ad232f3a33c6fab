"""What is measured, one registry; the order is that of the table."""

from collections.abc import Mapping

from benchmarks.rows import (
    em_dask,
    em_device,
    em_fit,
    em_grid,
    em_growth,
    em_memory,
    em_pass,
    engines,
    gibbs,
    gibbs_sweep,
    importing,
    laplace,
    nuts_fresh,
    nuts_sampling,
    reporting,
    sizes,
    spark,
    stepwise,
    stored,
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
        em_device.ROW,
        gibbs.ROW,
        gibbs_sweep.ROW,
        engines.ROW,
        laplace.ROW,
        sizes.ROW,
        stored.ROW,
        spark.ROW,
        stepwise.ROW,
        nuts_sampling.ROW,
        nuts_fresh.ROW,
        reporting.ROW,
    )
}
