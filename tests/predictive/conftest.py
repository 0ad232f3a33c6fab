"""Posteriors that need no long fit, and one that is fitted."""

import pytest

import bayesgmm as bg
from tests.handmade import drawn_around


@pytest.fixture(scope="package")
def faithful():
    """Old Faithful by Gibbs: 4 chains of 500 draws."""
    return bg.fit_bayes(bg.load_dataset("faithful"), 2, engine="gibbs", draws=500, tune=200, thin=5, seed=3, progress=False)


@pytest.fixture(scope="package")
def handmade():
    """60 draws around an EM estimate: 4 features, 3 components."""
    X, _, _ = bg.simulate(90, 3, 4, 2.5, seed=1)
    return drawn_around(bg.fit_em(X, 3, n_init=1))


@pytest.fixture(scope="package")
def unknown():
    """A number of components that is unknown."""
    X, _, _ = bg.simulate(80, 2, 2, 5.0, seed=2)
    return bg.fit_mfm(X, draws=100, tune=100, progress=False)
