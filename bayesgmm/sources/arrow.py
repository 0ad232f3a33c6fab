"""Parquet and CSV by PyArrow, which is loaded when such a file is opened."""

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import Block, Source
from bayesgmm.validation import listed

type Array = NDArray[np.float64]

NUMERIC = "real numbers"


def _arrow(module: str) -> Any:
    """A module of PyArrow."""
    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise ImportError("Parquet and large CSV files are read by pyarrow: install it, or bayesgmm[parquet].") from None


def _chosen(schema: Any, columns: Sequence[str] | None, path: Path) -> tuple[str, ...]:
    """The columns to be read, which hold numbers."""
    types = _arrow("types")
    unknown = [name for name in columns or () if name not in schema.names]
    if unknown:
        raise ValueError(f"{path} has no column {listed([repr(name) for name in unknown])}; it has {', '.join(schema.names)}.")
    names = tuple(columns or schema.names)
    kinds = {name: schema.field(name).type for name in names}
    other = [f"{name!r} ({kind})" for name, kind in kinds.items() if not (types.is_integer(kind) or types.is_floating(kind))]
    if other:
        raise ValueError(f"Columns of {path} must hold {NUMERIC}: {listed(other)} do not. Choose others by columns=.")
    return names


def _whole(batches: Iterable[Any], names: Sequence[str], block_rows: int) -> Iterator[Array]:
    """Record batches of any sizes as blocks of so many rows, the last of what is left; each column is copied once."""
    held: list[Any] = []
    n = 0
    for given in batches:
        batch = given
        while batch.num_rows:
            held.append(batch.slice(0, block_rows - n))
            n += held[-1].num_rows
            batch = batch.slice(held[-1].num_rows)
            if n == block_rows:
                yield _values(held, n, names)
                held, n = [], 0
    if n:
        yield _values(held, n, names)


def _values(batches: Sequence[Any], n: int, names: Sequence[str]) -> Array:
    """The columns of record batches of n rows side by side, in Fortran order; nulls become NaN."""
    values, first = np.empty((n, len(names)), order="F"), 0
    for batch in batches:
        for j, name in enumerate(names):
            values[first : first + batch.num_rows, j] = batch.column(name).to_numpy(zero_copy_only=False)
        first += batch.num_rows
    return values


class Parquet(Source):
    """Columns of a Parquet file, or of all Parquet files in a folder in the order of their names.

    Parameters
    ----------
    path : path
    columns : sequence of str, optional
        None: all, which must hold numbers.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self._parquet = _arrow("parquet")
        self.files = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]
        if not self.files:
            raise FileNotFoundError(f"There is no .parquet file in the folder {self.path}.")
        for file in self.files:
            names = _chosen(self._opened(file).schema_arrow, columns, file)
            if file is self.files[0]:
                self.names = names
            elif names != self.names:
                raise ValueError(
                    f"{file} has columns {', '.join(names)}, {self.files[0]} has {', '.join(self.names)}: choose by columns=."
                )

    def _opened(self, file: Path) -> Any:
        if not file.exists():
            raise FileNotFoundError(f"There is no file {file}.")
        try:
            return self._parquet.ParquetFile(file, memory_map=False, buffer_size=2**18, pre_buffer=False)
        except OSError as error:
            raise OSError(f"{file} cannot be read as Parquet: {error}") from None

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def blocks(self) -> Iterator[Block]:
        """Of as many rows as tasks get, across row groups and files."""
        first = 0
        for values in _whole(self._batches(), self.names, self.block_rows):
            yield Block(values, partial(self._place, first))
            first += len(values)

    def _batches(self) -> Iterator[Any]:
        for file in self.files:
            yield from self._opened(file).iter_batches(self.block_rows, columns=list(self.names))

    def _place(self, first: int, row: int) -> tuple[str, int]:
        """The file and the row group of a row of a block, and its number there."""
        left = first + row
        for file in self.files:
            metadata = self._opened(file).metadata
            for group in range(metadata.num_row_groups):
                size = metadata.row_group(group).num_rows
                if left < size:
                    return f"{file}, row group {group}", left
                left -= size
        raise IndexError(f"{self.path} has no row {first + row}.")


class Csv(Source):
    """Columns of a CSV file with a header; ``.tsv`` has tabs.

    Parameters
    ----------
    path : path
    columns : sequence of str, optional
        None: all, which must hold numbers.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no file {self.path}.")
        self._csv = _arrow("csv")
        with self._opened(None) as reader:
            self.names = _chosen(reader.schema, columns, self.path)

    def _opened(self, types: dict[str, str] | None) -> Any:
        convert = self._csv.ConvertOptions(column_types=types, include_columns=None if types is None else list(types))
        read = self._csv.ReadOptions(block_size=2**24)
        parse = self._csv.ParseOptions(delimiter="\t" if self.path.suffix.lower() == ".tsv" else ",")
        try:
            return self._csv.open_csv(self.path, read_options=read, parse_options=parse, convert_options=convert)
        except Exception as error:
            raise ValueError(f"{self.path} cannot be read as CSV: {error}") from None

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def blocks(self) -> Iterator[Block]:
        """By runs of rows."""
        first = 0
        for values in _whole(self._batches(), self.names, self.block_rows):
            yield Block.within(values, str(self.path), first)
            first += len(values)

    def _batches(self) -> Iterator[Any]:
        n = 0
        with self._opened(dict.fromkeys(self.names, "double")) as reader:
            while True:
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
                except Exception as error:
                    raise ValueError(f"{self.path}, after row {n}: {error}") from None
                n += batch.num_rows
                yield batch
