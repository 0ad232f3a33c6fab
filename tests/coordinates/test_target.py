"""The posterior density in coordinates without bounds: its gradient beside differences, and its reach."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.coordinates import Target
from bayesgmm.observations import Observations
from tests.laws import PRIORS, problem, structures_with_priors

OF_PRECISIONS = [name for name in PRIORS if "lkj" not in name]
SIZES = [(1, 1), (3, 1), (1, 3), (3, 2)]  # components and features


def example(name, code, n_components, n_features, seed=0):
    """A target and a vector off its mode, in no special place."""
    X, _, truth = problem(code, n=40, n_components=max(n_components, 2), n_features=n_features, seed=seed, separation=1.0)
    prior = PRIORS[name](X, code, weights_concentration=0.6)
    target = Target(bg.Specification(n_components, code, prior), Observations.from_data(X))
    (drawn,) = prior.sample(1, n_components, code, n_features, seed=seed + 1)
    means = truth.means[:1] + np.linspace(0, 2, n_components)[:, None] * np.sqrt(truth.covariances[0].diagonal())
    covariances = drawn.mixture.covariances
    start = bg.Mixture(drawn.mixture.weights, means, 0.5 * (covariances + truth.covariances[:1]), truth.structure)
    start = bg.Mixture(start.weights, start.means, truth.structure.tied(start.covariances).copy(), truth.structure)
    return target, target.vector(start)


def differences(function, at, steps):
    """Fourth-order central differences."""
    moves = np.diag(steps)
    return np.array(
        [
            (8 * (function(at + m) - function(at - m)) - (function(at + 2 * m) - function(at - 2 * m))) / (12 * m.sum())
            for m in moves
        ]
    )


@structures_with_priors
@pytest.mark.parametrize("name", OF_PRECISIONS)
@pytest.mark.parametrize(("n_components", "n_features"), SIZES)
def test_the_gradient_is_that_of_the_density(name, code, n_components, n_features):
    """In units of the spread, in which a slope of 1 matters: differences are right to about 1e-8 there."""
    target, at = example(name, code, n_components, n_features)
    spreads = target.spreads(at)
    _, gradient = target.log_density_and_gradient(at)
    by_differences = differences(lambda x: target.log_density_and_gradient(x)[0], at, 1e-2 * spreads)
    np.testing.assert_allclose(gradient * spreads, by_differences * spreads, rtol=1e-6, atol=1e-6)
