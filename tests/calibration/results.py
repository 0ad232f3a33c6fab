"""The table of results, committed: each check's latest row, with its date and versions."""

import csv
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.calibration.simulations import SEED

PATH = Path(__file__).with_name("results.csv")
PROPERTY = "calibration"
KEY = (
    "check", "engine", "prior", "structure", "n_components", "n_features", "n_observations", "weights_concentration", "quantity",
)  # fmt: skip
FOUND = (
    "count", "worst", "p_value", "covered_50", "band_50", "covered_90", "band_90", "least_ess", "divergences", "verdict",
)  # fmt: skip
COLUMNS = (*KEY, *FOUND, "date", "versions")
HEADER = f"""\
# Rewritten by: uv run pytest -m calibration        (rows are replaced when their case runs; seed {SEED})
# sbc: count simulations; worst: largest deviation of the ranks' ECDF; p_value: exact, of uniform ranks; covered: share of
#   central intervals of 50% and 90% that hold the truth, with 99.9% binomial bands; least_ess: of the worst simulation.
#   A case that leaves a band is repeated, four times as often, from seed {SEED + 1}; at fault is what leaves its band again.
# agreement: count comparisons of posterior means; worst: largest difference in Monte Carlo standard errors; least_ess: of all.
# coverage of posterior intervals: count data sets, one interval of 90% from each; covered_90: share that hold the truth.
# likelihood ratio: count data sets from the smaller model; worst: Kolmogorov-Smirnov distance of p-values from uniform ones.
"""
PACKAGES = ("bayesgmm", "numpy", "numba", "arviz", "pymc", "pytensor", "nutpie")


def row(**fields):
    """A row as strings; columns that do not concern it stay empty."""
    unknown = set(fields) - set(COLUMNS)
    if unknown:
        raise TypeError(f"No such columns: {unknown}.")
    versions = " ".join(f"{package}={version(package)}" for package in PACKAGES)
    fields |= {"date": datetime.now(UTC).date().isoformat(), "versions": versions}
    return {column: _text(fields.get(column, "")) for column in COLUMNS}


def write(rows, path=PATH):
    """Put rows into the table in place of those that the same cases had, repetitions among them."""
    cases = {_case(new) for new in rows}
    table = {_key(one): one for one in [*(old for old in read(path) if _case(old) not in cases), *rows]}
    with path.open("w", newline="") as file:
        file.write(HEADER)
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table[key] for key in sorted(table))


def read(path=PATH):
    """The rows of the table as it is; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _key(row):
    return tuple(row[column] for column in KEY)


def _case(row):
    return (row["check"].removesuffix(", repeated"), *(row[column] for column in KEY[1:-1]))


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
