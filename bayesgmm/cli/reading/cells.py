"""Cells: the chosen columns of a sheet as numbers, or a sentence that says which cell is none and where it stands."""

import re
import shlex

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.cli.options import parse_names
from bayesgmm.cli.reading.delimited import DECIMAL_COMMA
from bayesgmm.cli.reading.sheet import Sheet
from bayesgmm.validation import listed

SEVERAL = re.compile(r"\S+\s+\S.*")  # what spaces separate

type Mask = NDArray[np.bool_]


def numbers(sheet: Sheet, columns: list[str] | None = None) -> pd.DataFrame:
    """The chosen columns of a sheet, if they are all numbers and no cell is missing or infinite."""
    if sheet.table.empty:
        names = ", ".join(map(str, sheet.table.columns))
        raise ValueError(f"{sheet.name} has {f'a header ({names}) and no rows below it' if names else 'no columns'}.")
    numeric = {name: _numeric(sheet.table[name]) for name in sheet.table.columns}
    wanted = _chosen(sheet, columns)
    unread = {name: bad for name in wanted if (bad := numeric[name].isna() & sheet.table[name].notna()).any()}
    if unread:
        fitting = [name for name, column in numeric.items() if (column.notna() == sheet.table[name].notna()).all()]
        raise ValueError(_told_text(sheet, {name: bad.to_numpy() for name, bad in unread.items()}, fitting))
    table = pd.DataFrame({name: numeric[name] for name in wanted})
    _require_cells(sheet, table.isna(), "missing", "Leave these rows out, fill the cells, or choose other --columns.")
    _require_cells(sheet, table.isin([np.inf, -np.inf]), "infinite", "Mend them or leave these rows out.")
    return table


def _numeric(column: "pd.Series[object]") -> "pd.Series[float]":
    """A column as numbers; NaN where it holds something else."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column
    is_text = isinstance(column.dtype, pd.StringDtype) or column.dtype == object
    if not is_text or any(isinstance(cell, bool) for cell in column):
        return pd.Series(np.nan, index=column.index)
    return pd.to_numeric(column, errors="coerce")


def _chosen(sheet: Sheet, columns: list[str] | None) -> list[str]:
    """The names of the wanted columns; a name may hold a comma itself."""
    known = list(sheet.table.columns)
    if not columns:
        return known
    wanted = columns if set(columns) <= set(known) else [name for several in columns for name in parse_names(several)]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ValueError(f"{sheet.name} has no column {listed(missing)}; the columns are {listed(known, 20)}.")
    return list(dict.fromkeys(wanted))


def _told_text(sheet: Sheet, unread: dict[str, Mask], numeric: list[str]) -> str:
    """Why columns that hold something else than numbers cannot be fitted, and what to do."""
    name, bad = next(iter(unread.items()))
    raw = sheet.table[name].to_numpy()
    cells = [str(cell).strip() for cell in raw]
    decimal = bad & np.array([DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells])
    first = int((decimal if decimal.any() else bad).argmax())
    n_cells = int(sheet.table[name].notna().sum())
    if decimal.any():
        cure = (
            "write decimal points in place of decimal commas, for example pandas.read_csv(..., sep=';', decimal=',').to_csv(...)"
        )
    elif sheet.table.shape[1] == 1 and isinstance(raw[first], str) and SEVERAL.fullmatch(cells[first]):
        cure = "separate the columns by commas"
    elif 2 * bad.sum() <= n_cells:
        cure = f"mend what is no number ({bad.sum()} of {n_cells} cells in {name!r}), or choose other --columns"
    else:
        cure = f"choose others, such as --columns {shlex.quote(','.join(numeric))}" if numeric else "no column holds numbers"
    verb = "holds" if len(unread) == 1 else "hold"
    what = f"{listed([repr(name) for name in unread])} {verb} text such as {cells[first][:20]!r} ({sheet.place(first)})"
    return f"{sheet.name}: {what}, not numbers: {cure}."


def _require_cells(sheet: Sheet, bad: pd.DataFrame, kind: str, cure: str) -> None:
    """Refuse cells of a kind, with how many each column has and where the first one stands."""
    counts = bad.sum()
    total = int(counts.sum())
    if not total:
        return
    places = [
        f"{count} in {name!r} (first in {sheet.place(int(bad[name].to_numpy().argmax()))})"
        for name, count in counts.items()
        if count
    ]
    cells = "cell" if total == 1 else "cells"
    raise ValueError(f"{sheet.name} has {total} {kind} {cells}: {listed(places)}. {cure}")
