"""Simulation-based calibration of NUTS, see test_sbc; a file of its own, so that it runs beside that of Gibbs."""

import pytest

from tests.calibration.simulations import CASES
from tests.calibration.verdicts import check

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.observations.DataWarning")


@pytest.mark.calibration
@pytest.mark.parametrize("case", [case for case in CASES if case.engine == "nuts"], ids=str)
def test_truths_rank_uniformly(case, record_property):
    check(case, 320, record_property)
