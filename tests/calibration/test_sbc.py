"""Simulation-based calibration of Gibbs: with truths from the prior, their ranks among posterior draws are uniform.

A whole run of `pytest -m calibration`, NUTS included, gives a false alarm at most once in a thousand: it has at most 171 tests of
uniformity and as many repeated ones, by the exact law of the ECDF's bands, at 3e-4 / 171 each; and 342 central intervals, of 50%
and of 90%, each at fault that covers outside its 99.9% binomial band and outside that of four times as many simulations from
another seed as well.

References
----------
Talts, Betancourt, Simpson, Vehtari & Gelman (2018), Validating Bayesian inference algorithms with simulation-based calibration,
arXiv:1804.06788.
Modrak, Moon, Kim, Buerkner, Huurre, Faltejskova, Gelman & Vehtari (2025), Simulation-based calibration checking for Bayesian
computation: the choice of test quantities shapes sensitivity, doi:10.1214/23-BA1404.
"""

import pytest

from bayesgmm.engines import gibbs
from tests.calibration.ranks import uniformity
from tests.calibration.simulations import CASES, N_DRAWS, Case, simulate
from tests.calibration.verdicts import check

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.observations.DataWarning")


@pytest.mark.calibration
@pytest.mark.parametrize("case", [case for case in CASES if case.engine == "gibbs"], ids=str)
def test_truths_rank_uniformly(case, record_property):
    check(case, 400, record_property)


SMALL = Case("gibbs", "inverse_wishart", "VVV", n_observations=8)


def test_few_truths_rank_uniformly():
    """The covering case of every run: eight tests, 1e-3 for a false alarm."""
    found = simulate(SMALL, 40)
    assert min(uniformity(ranks, N_DRAWS) for ranks in found.ranks.values()) > 1e-3 / len(found.ranks)


def test_a_planted_error_is_found(monkeypatch):
    """A sampler that counts two degrees of freedom too many (c is half of them) fails the same test."""
    laws_of = gibbs.laws_of

    def wrong(*arguments):
        laws = laws_of(*arguments)
        return laws._replace(concentration=laws.concentration + 1.0)

    monkeypatch.setattr(gibbs, "laws_of", wrong)
    found = simulate(SMALL, 80)
    assert uniformity(found.ranks["mean log |precision|"], N_DRAWS) < 1e-3 / len(found.ranks)
