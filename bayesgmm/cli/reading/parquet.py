"""Parquet, by pandas and PyArrow, where that is installed."""

import importlib.util
from pathlib import Path

import pandas as pd

from bayesgmm.cli.reading.sheet import Sheet


def read(path: Path) -> Sheet:
    """The table in a Parquet file.

    Raises
    ------
    ValueError
        If PyArrow is not installed or the file is something else.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError(f"{path} is a Parquet file, to read which PyArrow is needed: pip install 'bayesgmm[parquet]'.")
    content = path.read_bytes()
    if not content:
        raise ValueError(f"{path} is empty.")
    if content[:4] != b"PAR1":
        raise ValueError(f"{path} is not a Parquet file, whatever its name says: it begins with {content[:4]!r}.")
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # PyArrow's errors are of these kinds
        raise ValueError(f"{path} cannot be read as Parquet: {' '.join(str(error).split()).rstrip('.')}.") from None
    return Sheet(str(path), table.rename(columns=str).reset_index(drop=True))
