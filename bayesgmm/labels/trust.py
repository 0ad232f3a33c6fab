"""Whether relabelled components are the same components in every draw."""

import numpy as np

from bayesgmm.draws import Array, Draws

TRUSTED_RATE = 0.01  # draws with a component that looks like another before component rows are withheld


def misplaced_rate(draws: Draws) -> float:
    """Share of relabelled draws in which some component looks more like another component than like itself.

    Each component of each draw is a point: its log weight, mean, log scales and Fisher-transformed correlations; over the draws
    the points of a relabelled component are summarised by their centre and spread. A draw is misplaced when a point is
    likelier under another component's normal law than under its own. Where the components are the same ones throughout, that
    is rare; where the posterior moves between different ways to divide the data, it is not. (The point process representation
    of Fruehwirth-Schnatter 2006, section 3.7.7, with the relabelling in the place of k-means.)
    """
    n_components = draws.n_components
    points = _points(draws)
    centres = points.mean(axis=0)
    spreads = np.maximum(points.std(axis=0), 1e-8 * (1 + np.abs(centres)))  # a coordinate may be constant
    distances = ((points[:, :, None] - centres) / spreads) ** 2
    discrepancy = (distances + 2 * np.log(spreads)).sum(axis=-1)  # (draws, component, component it is held against)
    return float((discrepancy.argmin(axis=2) != np.arange(n_components)).any(axis=1).mean())


def _points(draws: Draws) -> Array:
    """Components as points, shape (all draws, n_components, n_coordinates), without coordinates that all components share.

    Means are in units of the scales: those of the data could be as small as the least spread that is told from a constant.
    """
    scales = np.sqrt(np.diagonal(draws.covariances, axis1=-2, axis2=-1))
    log_weights = np.log(np.maximum(draws.weights, np.finfo(float).tiny))
    means = (draws.means - draws.means.mean(axis=(0, 1, 2))) / scales.mean(axis=(0, 1, 2))
    parts = [log_weights[..., None], means]
    if not draws.structure.is_shared:
        i, j = np.tril_indices(draws.means.shape[-1], -1)
        correlations = draws.covariances[..., i, j] / (scales[..., i] * scales[..., j])
        parts += [np.log(scales)] if draws.structure.is_diagonal else [np.log(scales), np.arctanh(correlations)]
    return np.concatenate(parts, axis=-1).reshape(-1, draws.n_components, sum(part.shape[-1] for part in parts))
