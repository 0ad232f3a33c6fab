"""Files that need not fit into memory, NumPy files, and folders of Parquet files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bayesgmm.cli.options import parse_names
from bayesgmm.cli.reading.sheet import Sheet
from bayesgmm.sources import FORMATS, Source, open_source

LARGEST_IN_MEMORY = 2**30  # bytes; what is larger is read block by block


def is_large(path: Path) -> bool:
    """Whether a file, or the files in a folder, are read block by block."""
    is_known = path.is_dir() or (path.is_file() and path.suffix.lower() in FORMATS)
    files = path.rglob("*") if path.is_dir() else [path]
    return is_known and sum(file.stat().st_size for file in files if file.is_file()) > LARGEST_IN_MEMORY


def source(path: Path, columns: Sequence[str] | None) -> Source:
    """The chosen columns, which are read again in each pass."""
    return open_source(path, [name for several in columns for name in parse_names(several)] if columns else None)


def read(path: Path) -> Sheet:
    """A NumPy file or a folder of Parquet files as a table in memory."""
    found = open_source(path)
    parts = [block.values for block in found.blocks()]
    values = np.concatenate(parts) if parts else np.empty((0, len(found.names)))
    return Sheet(str(path), pd.DataFrame(values, columns=list(found.names)))
