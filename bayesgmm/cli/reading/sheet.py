"""A table as it stands in a file, before anybody asks whether it can be fitted."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


def _row(i: int) -> str:
    return f"row {i}, counted from 0"


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table with what a message needs to point into its file.

    Attributes
    ----------
    name : str
        What a message calls the file.
    table : pandas.DataFrame
        Each column with a name of its own, cells as they were found.
    place : callable
        Where the row of a number, counted from 0, stands in the file.
    """

    name: str
    table: pd.DataFrame
    place: Callable[[int], str] = _row
