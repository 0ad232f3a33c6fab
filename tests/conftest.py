"""Fits that several test files look at, each made once a session (a compile costs far more than the draws)."""

import pytest

import bayesgmm as bg
from tests.calibration.results import PROPERTY, write


@pytest.fixture(scope="session")
def faithful_two():
    """Old Faithful, K = 2: two clear groups."""
    return bg.fit_bayes(bg.load_dataset("faithful"), 2, engine="nuts", seed=1, progress=False)


@pytest.fixture(scope="session")
def faithful_three():
    """Old Faithful, K = 3: a third component that the data do not pin down."""
    return bg.fit_bayes(bg.load_dataset("faithful"), 3, engine="nuts", seed=1, progress=False)


@pytest.fixture(scope="session")
def galaxies_three():
    """Galaxies, d = 1, K = 3, variances of their own."""
    return bg.fit_bayes(bg.load_dataset("galaxies_26960"), 3, covariance="spherical", engine="nuts", seed=1, progress=False)


@pytest.fixture(scope="session")
def eruptions_one():
    """Eruptions alone: d = 1, K = 1."""
    return bg.fit_bayes(bg.load_dataset("faithful")[["eruptions"]], 1, engine="nuts", seed=1, draws=500, tune=500, progress=False)


def pytest_terminal_summary(terminalreporter):
    """Rows of the table of calibration that tests have recorded, from whichever process, go into the committed file."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    rows = [value for report in reports if report.when == "call" for name, value in report.user_properties if name == PROPERTY]
    if rows:
        write(rows)
