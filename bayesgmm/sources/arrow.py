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
PARQUET = (".parquet", ".pq")
# What names of files and folders begin with that hold no rows: marks of success, summaries, what is not done yet.
HIDDEN = ("_", ".")
READ_BYTES = 2**18  # at a time of each column of a Parquet file: of hundreds that together is still less than a block
CHUNK_BYTES = 2**24  # of a CSV file that is parsed at a time: about a block; column types are guessed from the first


def _arrow(module: str) -> Any:
    """A module of PyArrow."""
    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise ImportError("Parquet and large CSV files are read by pyarrow: install it, or bayesgmm[parquet].") from None


def chosen(known: Sequence[str], columns: Sequence[str] | None, path: Path) -> tuple[str, ...]:
    """The columns to be read of those that a file has; all where none are named."""
    unknown = [name for name in columns or () if name not in known]
    if unknown:
        raise ValueError(f"{path} has no column {listed([repr(name) for name in unknown])}; it has {', '.join(known)}.")
    names = tuple(columns or known)
    twice = sorted({name for name in names if names.count(name) > 1 or known.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path}: columns of one name, {listed([repr(name) for name in twice])}. Each may be there and read once."
        )
    return names


def _numeric(schema: Any, columns: Sequence[str] | None, path: Path, empty: bool = False) -> tuple[str, ...]:
    """The columns to be read, which hold numbers; or nothing so far, where that may be."""
    types = _arrow("types")
    names = chosen(schema.names, columns, path)
    kinds = {name: schema.field(name).type for name in names}
    fitting = [types.is_integer, types.is_floating, *[types.is_null] * empty]
    other = [f"{name!r} ({kind})" for name, kind in kinds.items() if not any(fits(kind) for fits in fitting)]
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


def parquet_files(path: Path) -> list[Path]:
    """The file itself, or all in a folder and below whose names say so, in their order."""
    if not path.is_dir():
        return [path]
    inside = ((file, file.relative_to(path).parts) for file in path.rglob("*") if file.is_file())
    return sorted(
        file for file, parts in inside if file.suffix.lower() in PARQUET and not any(part.startswith(HIDDEN) for part in parts)
    )


def parquet_cells(path: Path) -> int:
    """Rows times columns of a Parquet file or a folder of them, by what these say of themselves."""
    return sum(metadata.num_rows * metadata.num_columns for metadata in (_opened(file).metadata for file in parquet_files(path)))


def _opened(file: Path) -> Any:
    """A Parquet file."""
    parquet = _arrow("parquet")
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}.")
    try:
        return parquet.ParquetFile(file, memory_map=False, buffer_size=READ_BYTES, pre_buffer=False)
    except (OSError, ValueError) as error:  # Arrow has both
        raise OSError(f"{file} cannot be read as Parquet: {error}") from None


class Parquet(Source):
    """Columns of a Parquet file, or of all in a folder and below in the order of their names.

    Files and folders whose names begin with ``_`` or ``.`` are left out, as by other readers.

    Parameters
    ----------
    path : path
    columns : sequence of str, optional
        None: all, which must hold numbers.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.files = parquet_files(self.path)
        if not self.files:
            raise FileNotFoundError(f"There is no {' or '.join(PARQUET)} file in the folder {self.path}.")
        for file in self.files:
            names = _numeric(_opened(file).schema_arrow, columns, file)
            if file is self.files[0]:
                self.names = names
            elif names != self.names:
                raise ValueError(
                    f"{file} has columns {', '.join(names)}, {self.files[0]} has {', '.join(self.names)}: choose by columns=."
                )

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
            yield from self._batches_of(file)

    def _batches_of(self, file: Path) -> Iterator[Any]:
        n, opened = 0, _opened(file)
        batches = opened.iter_batches(self.block_rows, columns=list(self.names))
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except (OSError, ValueError, _arrow("lib").ArrowException) as error:
                raise OSError(f"{file}, {self._damaged(opened, n)}, cannot be read: {error}") from None
            n += batch.num_rows
            yield batch

    def _damaged(self, opened: Any, n: int) -> str:
        """Which row group cannot be read, of a file of which so many rows could; batches go across several."""
        last = 0
        for group in range(opened.num_row_groups):
            last += opened.metadata.row_group(group).num_rows
            if last <= n:
                continue
            try:
                for _ in opened.iter_batches(self.block_rows, row_groups=[group], columns=list(self.names)):
                    pass
            except (OSError, ValueError, _arrow("lib").ArrowException):
                return f"row group {group}"
        return f"after row {n}"

    def _place(self, first: int, row: int) -> tuple[str, int]:
        """The file and the row group of a row of a block, and its number there."""
        left = first + row
        for file in self.files:
            metadata = _opened(file).metadata
            for group in range(metadata.num_row_groups):
                size = metadata.row_group(group).num_rows
                if left < size:
                    return f"{file}, row group {group}", left
                left -= size
        raise IndexError(f"{self.path} has no row {first + row}.")


class Csv(Source):
    """Columns of a CSV file with a header.

    Parameters
    ----------
    path : path
    columns : sequence of str, optional
        None: all, which must hold numbers.
    separator : str, optional
        None: commas; tabs where the name ends in ``.tsv``.
    """

    def __init__(
        self, path: str | os.PathLike[str], columns: Sequence[str] | None = None, *, separator: str | None = None
    ) -> None:
        self.path = Path(path)
        self._separator = separator or ("\t" if self.path.suffix.lower() == ".tsv" else ",")
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no file {self.path}.")
        self._csv = _arrow("csv")
        with self._opened(None) as reader:
            self.names = _numeric(reader.schema, columns, self.path, empty=True)

    def _opened(self, types: dict[str, str] | None) -> Any:
        convert = self._csv.ConvertOptions(column_types=types, include_columns=None if types is None else list(types))
        read = self._csv.ReadOptions(block_size=CHUNK_BYTES)
        parse = self._csv.ParseOptions(delimiter=self._separator)
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
