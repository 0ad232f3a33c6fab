"""Analyses to report on. None is sampled here but the suite's own K = 3 fit."""

import functools
from dataclasses import replace

import pytest

import bayesgmm as bg
from bayesgmm.observations import Observations
from bayesgmm.reporting import Analysis
from bayesgmm.reporting.check import NOT_ASKED
from bayesgmm.reporting.document import document
from bayesgmm.selection import Candidate, Selection
from tests.reporting.analyses import HOSTILE, analysed, judged, posterior_around


@pytest.fixture(scope="session")
def documents():
    """The whole document of an analysis, told once however many tests look at it."""
    return functools.cache(document)


@pytest.fixture(scope="session")
def hostile():
    """Six features with hostile names, three clear components among K = 2 and 3."""
    X, _, _ = bg.simulate(240, n_components=3, n_features=6, separation=6.0, seed=1)
    return analysed(X, (2, 3), names=HOSTILE, source="<b>bold</b> & $money$.csv")


@pytest.fixture(scope="session")
def faithful():
    """Two clear components, checked by another sampler."""
    return analysed(bg.load_dataset("faithful"), (1, 2), checked=True, source="Old Faithful")


@pytest.fixture(scope="session")
def iris():
    """Four features."""
    return analysed(bg.load_dataset("iris").drop(columns="species"), (3,), source="iris")


@pytest.fixture(scope="session")
def large():
    """Ten features and six components: more than pages have room for."""
    X, _, _ = bg.simulate(400, n_components=6, n_features=10, separation=6.0, seed=3)
    return analysed(X, (6,), covariance="diag", source="simulated")


@pytest.fixture(scope="session")
def density_alone(faithful):
    """A density that may be believed, of components that may not."""
    verdict = ("The density may be believed, the 2 components may not.", *faithful.diagnosis.verdict[1:])
    return judged(faithful, components_trusted=False, verdict=verdict)


@pytest.fixture(scope="session")
def unconverged(faithful):
    """Nothing that may be believed."""
    verdict = ("No: the chains have not converged.", *faithful.diagnosis.verdict[1:])
    return replace(judged(faithful, components_trusted=False, converged=False, verdict=verdict), check=NOT_ASKED)


@pytest.fixture(scope="session")
def withheld(faithful_three):
    """Components that may not be believed, by a sampler."""
    em = bg.fit_em(faithful_three.observations, 3)
    return Analysis.of(Selection({3: Candidate(em, faithful_three)}))


@pytest.fixture(scope="session")
def one_feature():
    """d = 1 and K = 1, with a prior of its own."""
    observations = Observations.from_data(bg.load_dataset("galaxies"))
    prior = bg.Prior.weakly_informative(observations, weights_concentration=2.0)
    em = bg.fit_em(observations, 1)
    return Analysis.of(Selection({1: Candidate(em, posterior_around(em, prior))}), source="galaxies")


@pytest.fixture(scope="session")
def galaxies():
    """d = 1 and K = 3."""
    return analysed(bg.load_dataset("galaxies"), (3,), covariance="spherical", source="galaxies")
