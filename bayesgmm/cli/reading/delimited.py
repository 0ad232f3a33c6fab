"""Delimited text: CSV with commas, semicolons or tabs, in UTF-8."""

import csv
import io
import re
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from bayesgmm.cli.output import echo
from bayesgmm.cli.reading.sheet import Sheet
from bayesgmm.observations import DataWarning
from bayesgmm.table import default_names
from bayesgmm.validation import listed

DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*\d,\d+(e[+-]?\d+)?", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")  # characters that no text holds
STDIN_NAME = "Standard input"
OTHERS = {  # what files begin with that are often given for CSV, and the cure
    b"PK\x03\x04": "a zip archive or an Excel file: save the sheet as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV UTF-8",
    b"\x1f\x8b": "compressed: unpack it first, or give - and pipe it in",
    b"PAR1": "a Parquet file: let its name end in .parquet",
    b"\x89HDF": "a saved fit or another HDF5 file: bayesgmm compare takes saved fits",
}


def read(path: Path, separator: str | None = None) -> Sheet:
    """The table in a file; None: whichever of commas, semicolons and tabs the first line has most of."""
    return parsed(path.read_bytes(), str(path), separator)


def from_stdin() -> Sheet:
    """The table on standard input."""
    if sys.stdin.isatty():
        echo("Reading CSV from the keyboard; Ctrl-D ends it.", err=True)
    return parsed(sys.stdin.buffer.read(), STDIN_NAME)


def parsed(content: bytes, name: str, separator: str | None = None) -> Sheet:
    """The table in delimited text.

    A first column without a name holds the names of rows, as R and pandas write them. Text whose first line is all numbers has no
    header, unless they are 0, 1, 2, ..., which pandas writes for columns without names.

    Raises
    ------
    ValueError
        If it is no such text; the message says what it is, or in which line it breaks.
    """
    for begins, cure in OTHERS.items():
        if content.startswith(begins):
            raise ValueError(f"{name} is not a CSV file: it is {cure}.")
    try:
        line = _first_line(content, name)
        separator = separator or _separator(line)
        fields = _fields(content, separator, name)
        header = _header(fields, name)
        index = 0 if header == 0 and len(fields) > 1 and not fields[0].strip() else None
        how: dict[str, Any] = {"sep": separator, "header": header, "index_col": index, "encoding": "utf-8-sig"}
        table = pd.read_csv(io.BytesIO(content), low_memory=False, skipinitialspace=True, **how)
    except (UnicodeError, csv.Error):
        told = f"{_not_utf8(content)}it holds something else than text in UTF-8; save it as CSV UTF-8"
        raise ValueError(f"{name} is not a CSV file: {told}.") from None
    except pd.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{name} cannot be read as a table: {reason}.") from None
    if header is None:
        table.columns = pd.Index(default_names(table.shape[1]))
    else:
        table = _named(table, fields if index is None else fields[1:], name)
    return Sheet(name, table.reset_index(drop=True), partial(_place, content, separator, header))


def _first_line(content: bytes, name: str) -> str:
    """The first line that is not blank."""
    line = next(filter(str.strip, _lines(content)), "")
    if not line:
        raise ValueError(f"{name} is empty.")
    if CONTROL.search(line):
        raise UnicodeError
    return line


def _fields(content: bytes, separator: str, name: str) -> list[str]:
    """The fields of the first record; there may not be more in the one below, which pandas would take for names of rows."""
    fields, *below = (record for _, record in islice(_records(content, separator), 2))
    if below and len(below[0]) > len(fields):
        lengths = f"{len(fields)} in its first line and {len(below[0])} in the one below"
        raise ValueError(f"{name} cannot be read as a table: fields number {lengths}.")
    return fields


def _named(table: pd.DataFrame, fields: list[str], name: str) -> pd.DataFrame:
    """The table under the names in its header, without columns that have neither a name nor a cell."""
    names = [field.strip() or f"column {j + 1}" for j, field in enumerate(fields)]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise ValueError(f"{name} has several columns of the name {listed([repr(each) for each in twice])}: rename them.")
    table.columns = pd.Index(names)
    idle = [j for j, field in enumerate(fields) if not field.strip() and table.iloc[:, j].isna().all()]
    return table.drop(columns=[names[j] for j in idle])  # such as those of a separator at the end of each line


def _header(fields: list[str], name: str) -> int | None:
    """Where the names of columns stand: in the first line, unless it is all numbers."""
    if not all(map(_is_number, fields)):
        return 0
    told = listed([field.strip() for field in fields], 4)
    if len(fields) > 1 and [field.strip() for field in fields] == [str(j) for j in range(len(fields))]:
        _tell(f"The first line of {name} ({told}) is taken as names of columns, as pandas writes them.")
        return 0
    _tell(f"The first line of {name} ({told}) is all numbers and taken as data; the columns are called x1, x2 and so on.")
    return None


def _not_utf8(content: bytes) -> str:
    """In which line the first byte stands that is not UTF-8, as a clause; empty where all are."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"in line {content.count(b'\n', 0, error.start) + 1} "
    return ""


def _tell(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=2)


def _lines(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


def _records(content: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of each record with the line in which it begins, counted from 1; blank lines are none."""
    reader, start = csv.reader(_lines(content), delimiter=separator, skipinitialspace=True), 1
    for fields in reader:
        if len(fields) > 1 or "".join(fields).strip():
            yield start, fields
        start = reader.line_num + 1


def _place(content: bytes, separator: str, header: int | None, row: int) -> str:
    """The line of a row, as an editor counts them."""
    record = row if header is None else row + 1
    try:
        return f"line {next(islice(_records(content, separator), record, None))[0]}"
    except (StopIteration, csv.Error):
        return f"row {row}, counted from 0"


def _separator(line: str) -> str:
    """Whichever of commas, semicolons and tabs separates fields; commas between digits are none beside the other two."""
    return max(",;\t", key=DECIMAL_COMMA.sub("", line).count) if set(";\t") & set(line) else ","


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return "_" not in text
