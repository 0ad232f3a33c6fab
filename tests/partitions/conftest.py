"""Posteriors of a few rows, drawn by hand around a mixture."""

import dataclasses
from types import SimpleNamespace

import pytest

import bayesgmm as bg
from bayesgmm.observations import Observations
from tests.reporting.conftest import posterior_around


def believed(posterior, converged=True):
    """The same, as if its chains had converged, or not; nothing is diagnosed, which takes longer than the test."""
    posterior = dataclasses.replace(posterior)
    posterior.__dict__["diagnosis"] = SimpleNamespace(converged=converged)
    return posterior


def around(X, mixture, spread, n_draws):
    """Two chains of draws about a mixture."""
    observations = Observations.from_data(X)
    em = SimpleNamespace(mixture=mixture, specification=SimpleNamespace(covariance="full"), observations=observations)
    return believed(posterior_around(em, bg.Prior.weakly_informative(X), spread, n_chains=2, n_draws=n_draws))


@pytest.fixture(scope="session")
def blurred():
    """Sixty rows of two features in three groups that meet, and a component that few draws fill; two rows are one twice."""
    X, _, truth = bg.simulate(60, 3, 2, 2.5, seed=4)
    X[1] = X[0]
    w, m, s = truth.weights, truth.means, truth.covariances
    loose = bg.Mixture.from_parameters([*(0.98 * w), 0.02], [*m, m.mean(axis=0)], [*s, 4 * s.mean(axis=0)], "full")
    return around(X, loose, 0.2, 150)


@pytest.fixture(scope="session")
def line():
    """Forty rows of one feature in two groups far apart, and their groups."""
    X, labels, truth = bg.simulate(40, 2, 1, 9.0, seed=5)
    return around(X, truth, 0.02, 50), labels


@pytest.fixture(scope="session")
def one_component():
    """Twenty rows of one feature, K = 1."""
    X, _, truth = bg.simulate(20, 1, 1, seed=6)
    return around(X, truth, 0.02, 50)
