"""Components as points: log weight, mean, log scales and correlations; and methods that relabel by where these lie."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.draws import Array, Draws
from bayesgmm.labels.assignment import best_draw, best_orders

MOST_ROUNDS = 100


def points(draws: Draws) -> Array:
    """Components as points, shape (n_chains, n_draws, n_components, n_coordinates), without coordinates that all share.

    Log weights, means, log scales and Fisher-transformed correlations. Means are in units of the scales: those of the data could
    be as small as the least spread that is told from a constant.
    """
    scales = np.sqrt(np.diagonal(draws.covariances, axis1=-2, axis2=-1))
    log_weights = np.log(np.maximum(draws.weights, np.finfo(float).tiny))
    means = (draws.means - draws.means.mean(axis=(0, 1, 2))) / scales.mean(axis=(0, 1, 2))
    parts = [log_weights[..., None], means]
    if not draws.structure.is_shared:
        i, j = np.tril_indices(draws.means.shape[-1], -1)
        correlations = draws.covariances[..., i, j] / (scales[..., i] * scales[..., j])
        parts += [np.log(scales)] if draws.structure.is_diagonal else [np.log(scales), np.arctanh(correlations)]
    return np.concatenate(parts, axis=-1)


def pivot(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    """The permutation that brings components nearest to those of the draw of the highest score, in units of all points' spread.

    References
    ----------
    Marin, Mengersen & Robert (2005), Bayesian modelling and inference on mixtures of distributions,
    doi:10.1016/S0169-7161(05)25016-2.
    """
    standard = _standard(points(draws))
    return best_orders(-_squares(standard, _of_best(draws, standard, scores)))


def kmeans(draws: Draws, values: Array, scores: Array) -> NDArray[np.int64]:
    """K-means of all components of all draws as points; begun at the draw of the highest score.

    A draw whose components do not fall into K different clusters takes the permutation of the least total distance; see
    :func:`non_permutation_rate`.

    References
    ----------
    Fruehwirth-Schnatter (2006), Finite Mixture and Markov Switching Models, doi:10.1007/978-0-387-35768-3, section 3.7.7.
    """
    return best_orders(-_clustered(draws, scores))


def non_permutation_rate(draws: Draws, scores: Array) -> float:
    """Share of draws of which K-means puts two components into one cluster."""
    nearest = _clustered(draws, scores).argmin(axis=-1)
    return float((np.sort(nearest, axis=-1) != np.arange(draws.n_components)).any(axis=-1).mean())


def _clustered(draws: Draws, scores: Array) -> Array:
    """Squared distances (n_chains, n_draws, n_components, K) of the points from the centres of their K clusters."""
    standard = _standard(points(draws))
    centres, before = _of_best(draws, standard, scores), None
    for _ in range(MOST_ROUNDS):
        distances = _squares(standard, centres)
        nearest = distances.argmin(axis=-1)
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        centres = np.stack([standard[nearest == k].mean(axis=0) if (nearest == k).any() else c for k, c in enumerate(centres)])
    return distances


def _of_best(draws: Draws, located: Array, scores: Array) -> Array:
    """The points of the draw of the highest score, from the largest weight down."""
    at = best_draw(scores)
    return np.asarray(located[at][np.argsort(-draws.weights[at])])


def _standard(located: Array) -> Array:
    centre, spread = located.mean(axis=(0, 1, 2)), located.std(axis=(0, 1, 2))
    return np.asarray((located - centre) / np.maximum(spread, 1e-8 * (1 + np.abs(centre))))


def _squares(standard: Array, centres: Array) -> Array:
    """Squared distances (..., n_components, n_centres), a centre at a time."""
    return np.stack([((standard - centre) ** 2).sum(axis=-1) for centre in centres], axis=-1)
