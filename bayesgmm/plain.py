"""Values as JSON has them: plain ones, and null for what is missing or not finite."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> Any:
    """Any value as JSON has it; a data frame is a list of its rows, with the index as columns.

    Examples
    --------
    >>> plain({"k": np.int64(2), "sd": np.array([0.5, np.nan]), "fit": "a.nc"})
    {'k': 2, 'sd': [0.5, None], 'fit': 'a.nc'}
    """
    match value:
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case pd.DataFrame():
            named = value if isinstance(value.index, pd.RangeIndex) and value.index.name is None else value.reset_index()
            return [dict(zip(map(str, named.columns), map(plain, row), strict=True)) for row in named.itertuples(index=False)]
        case np.ndarray() | list() | tuple():
            return [plain(each) for each in value]
        case bool() | np.bool_():
            return bool(value)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case None:
            return None
    return str(value)
