"""The classic data sets of the mixture literature, bundled."""

from importlib import resources

import pandas as pd

from bayesgmm.validation import known_name

GALAXY_78 = 77  # row of the galaxy whose velocity circulates in two versions

_COLUMNS = {
    "faithful": ("faithful.csv", ["eruptions", "waiting"]),
    "galaxies": ("galaxies.csv", ["velocity"]),
    "galaxies_26960": ("galaxies.csv", ["velocity"]),
    "acidity": ("acidity.csv", ["log_acidity"]),
    "iris": ("iris.csv", ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]),
}


def load_dataset(name: str) -> pd.DataFrame:
    """Load a classic data set.

    Parameters
    ----------
    name : {"faithful", "galaxies", "galaxies_26960", "acidity", "iris"}
        - ``faithful``: Old Faithful, 272 eruptions: duration and waiting time to the next, in minutes (Azzalini & Bowman 1990).
        - ``galaxies``: velocities of 82 galaxies in 1000 km/s, as in R's MASS, where observation 78 is 26.690 (Roeder 1990).
        - ``galaxies_26960``: the same with 26.960 for observation 78, as in most of the Bayesian literature.
        - ``acidity``: log of an acidity index in 155 lakes of Wisconsin (Crawford 1994).
        - ``iris``: 150 flowers, four measurements in cm and the species as text (Anderson 1935; Fisher 1936).

    Returns
    -------
    pandas.DataFrame
        A fresh copy, one row an observation.

    Raises
    ------
    ValueError
        If the name is not one of these.

    Examples
    --------
    >>> load_dataset("faithful").shape
    (272, 2)
    """
    file, columns = _COLUMNS[known_name(name, "data set", _COLUMNS)]
    with resources.files("bayesgmm").joinpath("data", file).open() as stream:
        table = pd.read_csv(stream)
    table.columns = pd.Index(columns)
    if name == "galaxies_26960":
        table.loc[GALAXY_78, "velocity"] = 26.960
    return table
