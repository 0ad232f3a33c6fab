"""The map between parameters and vectors: there and back, and its volume."""

import numpy as np
import pytest

from bayesgmm.coordinates import Coordinates
from bayesgmm.covariance import STRUCTURES
from bayesgmm.draws import Draws
from bayesgmm.prior import Lkj
from tests.laws import random_covariances, structures_with_priors


def example(code, n_components, n_features, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(n_components))[None, None]
    means = rng.normal(size=(1, 1, n_components, n_features))
    covariances = random_covariances(code, n_components, n_features, rng)[None, None]
    draws = Draws(weights, means, covariances, STRUCTURES[code])
    return Coordinates(STRUCTURES[code], n_components, n_features), draws


@structures_with_priors
@pytest.mark.parametrize(("n_components", "n_features"), [(1, 1), (1, 3), (3, 1), (3, 2), (2, 4)])
def test_there_and_back(code, n_components, n_features):
    coordinates, draws = example(code, n_components, n_features)
    flat = coordinates.flat(coordinates.points(draws))
    assert flat.shape == (
        1,
        n_components - 1 + n_components * n_features + STRUCTURES[code].n_parameters(n_components, n_features),
    )
    back = coordinates.draws(coordinates.points_of(flat))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(back, name), getattr(draws, name), rtol=1e-10, atol=1e-12)


def free(draws):
    """K - 1 weights, means, and the distinct entries of the distinct precisions."""
    structure, d = draws.structure, draws.means.shape[-1]
    precisions = np.linalg.inv(draws.covariances[0, 0])
    some = precisions[:1] if structure.is_shared else precisions
    if structure.block.order(d) > 1:
        entries = some[:, *np.tril_indices(d)]
    else:
        entries = np.diagonal(some, axis1=1, axis2=2)[:, : structure.block.n_parameters(d)]
    return np.concatenate([draws.weights[0, 0, :-1], draws.means[0, 0].ravel(), entries.ravel()])


def numerical_jacobian(function, at, step=1e-5):
    columns = [(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))]
    return np.stack(columns, axis=1)


@structures_with_priors
@pytest.mark.parametrize(("n_components", "n_features"), [(1, 2), (3, 1), (2, 3)])
def test_the_volume_is_the_jacobian(code, n_components, n_features):
    coordinates, draws = example(code, n_components, n_features)
    points = coordinates.points(draws)
    jacobian = numerical_jacobian(lambda x: free(coordinates.draws(coordinates.points_of(x[None]))), coordinates.flat(points)[0])
    assert np.linalg.slogdet(jacobian)[1] == pytest.approx(coordinates.log_volume(points)[0], abs=1e-6)


@structures_with_priors
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_volume_of_scales_and_correlations(code, d):
    """Beside the numerical derivative of scales and correlations by precisions."""
    structure = STRUCTURES[code]
    covariances = random_covariances(code, 1, d, np.random.default_rng(1))
    prior, lower = Lkj("lognormal", 0.0, 1.0, 2.0), np.tril_indices(d, -1)
    full = structure.block.order(d) > 1

    def scales_and_correlations(entries):
        precision = np.zeros((d, d))
        precision[np.tril_indices(d) if full else np.diag_indices(d)] = entries
        covariance = np.linalg.inv(precision + np.tril(precision, -1).T)
        parts = prior.coordinates(structure, covariance[None])
        correlations = parts["correlations"].reshape(d, d)[lower] if "correlations" in parts else np.empty(0)
        return np.concatenate([parts["scales"].ravel(), correlations])

    precision = np.linalg.inv(covariances[0])
    entries = precision[np.tril_indices(d)] if full else np.diagonal(precision)
    if not full:
        entries = entries[: structure.block.n_parameters(d)]
    jacobian = numerical_jacobian(scales_and_correlations, entries)
    assert np.linalg.slogdet(jacobian)[1] == pytest.approx(float(prior.log_volume(structure, covariances)), abs=1e-5)
