"""Files that need not fit into memory, NumPy files, and folders of Parquet files."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bayesgmm.cli.options import parse_names
from bayesgmm.cli.reading.sheet import Sheet
from bayesgmm.sources import FORMATS, Csv, Source, open_source
from bayesgmm.sources.arrow import PARQUET, parquet_cells, parquet_files
from bayesgmm.validation import listed

LARGEST_IN_MEMORY = 2**30  # bytes; what is larger is read block by block
NUMBER_BYTES = 8


def is_large(path: Path) -> bool:
    """Whether a file, or the files in a folder, take so much memory as numbers that they are read block by block."""
    if path.is_dir():
        return _parquet_bytes(path) > LARGEST_IN_MEMORY
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in FORMATS:
        return False
    return (_parquet_bytes(path) if suffix in PARQUET else path.stat().st_size) > LARGEST_IN_MEMORY


def _parquet_bytes(path: Path) -> int:
    """Of all columns in memory, which may be many times the files' size; of what is no Parquet this, for readers will say so."""
    try:
        return NUMBER_BYTES * parquet_cells(path)
    except (OSError, ImportError):
        return sum(file.stat().st_size for file in parquet_files(path))


def source(path: Path, columns: Sequence[str] | None) -> Source:
    """The chosen columns, which are read again in each pass."""
    names = list(dict.fromkeys(name for several in columns for name in parse_names(several))) if columns else None
    if path.suffix.lower() != ".csv":
        return open_source(path, names)
    separator, header = _header(path)
    if names is None and len(header) > 1 and not header[0].strip():  # names of rows, as R and pandas write them
        names = header[1:]
    return Csv(path, names, separator=separator)


def _header(path: Path) -> tuple[str, list[str]]:
    """What separates fields, the one of commas, semicolons and tabs that the first line has most of, and what that holds."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline()
    except UnicodeError:
        raise ValueError(f"{path} is not a CSV file: it holds something else than text in UTF-8; save it as CSV UTF-8.") from None
    separator = max(",;\t", key=line.count)
    fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    if all(map(_is_number, fields)) and fields != [str(j) for j in range(len(fields))]:
        told = f"The first line of {path} ({listed(fields, 4)}) is"
        raise ValueError(f"{told} all numbers: write names of columns above it, which files of more than a gigabyte need.")
    return separator, fields


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read(path: Path) -> Sheet:
    """A NumPy file or a folder of Parquet files as a table in memory."""
    found = open_source(path)
    parts = [block.values for block in found.blocks()]
    values = np.concatenate(parts) if parts else np.empty((0, len(found.names)))
    return Sheet(str(path), pd.DataFrame(values, columns=list(found.names)))
