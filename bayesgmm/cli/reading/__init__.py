"""Tables in: a file of any known format becomes Observations, or one sentence that names file, column and line."""

from collections.abc import Callable
from pathlib import Path

import bayesgmm as bg
from bayesgmm.cli.options import STDIN
from bayesgmm.cli.reading import delimited, parquet, stored
from bayesgmm.cli.reading.cells import numbers
from bayesgmm.cli.reading.sheet import Sheet
from bayesgmm.observations import Observations

OLD_FAITHFUL = "Old Faithful, the bundled data"
READERS: dict[str, Callable[[Path], Sheet]] = {  # by suffix; delimited text is what else there is
    ".parquet": parquet.read,
    ".pq": parquet.read,
    ".npy": stored.read,
    ".tsv": lambda path: delimited.read(path, "\t"),
}


def observations(path: Path | None, columns: list[str] | None = None, may_be_stored: bool = False) -> Observations:
    """The data that a command is about: the chosen columns of a file, or Old Faithful.

    What is large is read block by block, again in each pass, by a command that takes rows which are not in memory.

    Raises
    ------
    OSError, ValueError
        If they cannot be read or fitted; the message names the file, and column and line where it can.
    """
    if may_be_stored and path is not None and stored.is_large(path):
        return Observations.from_data(stored.source(path, columns))
    sheet = Sheet("Old Faithful", bg.load_dataset("faithful")) if path is None else read(path)
    table = numbers(sheet, columns)
    try:
        return Observations.from_data(table)
    except ValueError as error:
        raise ValueError(f"{sheet.name}: {error}") from error


def source(path: Path | None) -> str:
    """What the data are called."""
    if path is None:
        return OLD_FAITHFUL
    return "standard input" if path == STDIN else path.name


def read(path: Path) -> Sheet:
    """A table by the suffix of its file; ``-`` is CSV on standard input."""
    if path == STDIN:
        return delimited.from_stdin()
    if path.is_dir():
        return stored.read(path)
    try:
        return READERS.get(path.suffix.lower(), delimited.read)(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    except PermissionError:
        raise PermissionError(f"{path} may not be read: its permissions forbid it.") from None
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}.") from None
