"""What ranks say of a case: one row a quantity, and whether all is well."""

import numpy as np

from tests.calibration.ranks import band, coverage, uniformity
from tests.calibration.results import PROPERTY, row
from tests.calibration.simulations import CASES, N_DRAWS, simulate

MOST_QUANTITIES = 9
FALSE_ALARM = 1e-3 / (len(CASES) * MOST_QUANTITIES)  # of a test of uniformity; 1e-3 of a whole run
BAND_ERROR = 1e-3  # of a band of coverage


def check(case, n_simulations, record_property):
    """Simulate, record the rows of the table, and fail where one of them is at fault."""
    rows = judge(case, simulate(case, n_simulations))
    assert len(rows) <= MOST_QUANTITIES
    for one in rows:
        record_property(PROPERTY, one)
    faults = {one["quantity"]: one["verdict"] for one in rows if one["verdict"] != "calibrated"}
    assert not faults, faults


def judge(case, found):
    """Rows of the table for the ranks of a case."""
    return [_judge(case, found, quantity, ranks) for quantity, ranks in found.ranks.items()]


def _judge(case, found, quantity, ranks):
    n, p = len(ranks), uniformity(ranks, N_DRAWS)
    ecdf = np.cumsum(np.bincount(ranks, minlength=N_DRAWS + 1)) / n
    deviation = np.abs(ecdf - np.arange(1, N_DRAWS + 2) / (N_DRAWS + 1)).max()
    numbers, faults = {}, [] if p > FALSE_ALARM else ["ranks are not uniform"]
    for percent in (50, 90):
        least, most = band(n, percent / 100, BAND_ERROR)
        covered = coverage(ranks, N_DRAWS, percent / 100)
        numbers |= {f"covered_{percent}": covered / n, f"band_{percent}": f"{least / n:.3f}..{most / n:.3f}"}
        if not least <= covered <= most:
            faults.append(f"{percent}% intervals cover wrongly")
    return row(
        check="sbc",
        **case.fields,
        quantity=quantity,
        count=n,
        worst=float(deviation),
        p_value=p,
        **numbers,
        least_ess=round(float(found.least_ess.min())),
        divergences=found.divergences,
        verdict="; ".join(faults) or "calibrated",
    )
