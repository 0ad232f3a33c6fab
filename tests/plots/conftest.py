"""What the tests of pictures draw."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import bayesgmm as bg
from bayesgmm.draws import Draws
from bayesgmm.observations import Observations


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


def posterior(n, n_components, n_features, seed=3):
    """Rows, fifty draws in two chains around the mixture that they come from, and that mixture."""
    X, _, truth = bg.simulate(n, n_components=n_components, n_features=n_features, separation=4.0, seed=seed)
    rng, shape = np.random.default_rng(0), (2, 25)
    means = truth.means + 0.1 * rng.standard_normal((*shape, *truth.means.shape))
    covariances = truth.covariances * rng.uniform(0.8, 1.25, (*shape, n_components))[..., None, None]
    weights = np.broadcast_to(truth.weights, (*shape, n_components))
    return Observations.from_data(X), Draws(weights, means, covariances, truth.structure), truth


@pytest.fixture(scope="session")
def problem():
    """Three features, two components."""
    return posterior(200, 2, 3)


@pytest.fixture(scope="session")
def ten():
    """One feature, ten components."""
    return posterior(300, 10, 1)
