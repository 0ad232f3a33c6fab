"""Rows that need not fit into memory: files, Dask collections and functions that give blocks, read once for each pass.

A :class:`Source` yields blocks of rows; :class:`Stored` is what stands in the place of an array of values. One file a format;
PyArrow, Dask and JAX are loaded by those who use them.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bayesgmm.sources.absent import Absent
from bayesgmm.sources.arrow import Csv, Parquet
from bayesgmm.sources.device import OnDevice
from bayesgmm.sources.distributed import Distributed, current_client
from bayesgmm.sources.npy import Npy
from bayesgmm.sources.source import ROUNDING, Block, Source, Sums
from bayesgmm.sources.stored import Statistics, Stored
from bayesgmm.sources.streamed import Blocks, Partitions
from bayesgmm.sources.survey import Survey

FORMATS: dict[str, Callable[[Path, Sequence[str] | None], Source]] = {
    ".npy": Npy,
    ".parquet": Parquet,
    ".pq": Parquet,
    ".csv": Csv,
    ".tsv": Csv,
}

__all__ = [
    "FORMATS",
    "ROUNDING",
    "Absent",
    "Block",
    "Blocks",
    "Csv",
    "Distributed",
    "Npy",
    "OnDevice",
    "Parquet",
    "Partitions",
    "Source",
    "Statistics",
    "Stored",
    "Sums",
    "Survey",
    "described",
    "open_source",
    "source_of",
]


def open_source(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> Source:
    """Rows of a file, or of a folder of Parquet files, that are read block by block and never held all at once.

    Parameters
    ----------
    path : path
        ``.npy``, ``.parquet``, ``.csv``, or a folder of Parquet files.
    columns : sequence of str, optional
        Those to read; None: all, which must hold numbers. The columns of a NumPy file are called x1, x2 and so on.

    Returns
    -------
    Source
        For :func:`fit_em`, :func:`select_model` and a mixture's ``log_density`` and ``predict``, as an array would be.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    OSError
        If Parquet is damaged, or is none.
    ValueError
        If the format is not known, a file is cut short, or a column is missing or holds no numbers.
    """
    target = Path(path)
    if not target.exists():
        raise FileNotFoundError(f"There is no file or folder {target}.")
    kind = Parquet if target.is_dir() else FORMATS.get(target.suffix.lower())
    if kind is None:
        raise ValueError(
            f"{target} has a suffix that is none of {', '.join(FORMATS)}, and is no folder of Parquet files: "
            "write it as Parquet, or give blocks by bayesgmm.Blocks."
        )
    return kind(target, columns)


def source_of(X: Any) -> Source | None:
    """The source that data are, or nothing where they are a table in memory."""
    if isinstance(X, Source):
        return X
    if type(X).__module__.partition(".")[0] not in ("dask", "dask_expr"):
        return None
    return Partitions(X) if current_client() is None else Distributed(X)
