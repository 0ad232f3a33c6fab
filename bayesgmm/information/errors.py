"""Standard errors of the parameters of a mixture, by the delta method from the covariance of its coordinates."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from bayesgmm.information.chart import Array, Chart


@dataclass(frozen=True, eq=False)
class StandardErrors:
    """Standard errors, each in the units of its parameter. What a structure holds at a constant has 0.

    Attributes
    ----------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)
    scales : ndarray of shape (n_components, n_features)
        Of the standard deviations.
    correlations : ndarray of shape (n_components, n_features, n_features)
    """

    weights: Array
    means: Array
    covariances: Array
    scales: Array
    correlations: Array

    @classmethod
    def of(cls, chart: Chart, covariance: Array) -> Self:
        """From the covariance (p, p) of the coordinates at the chart's origin."""
        m = chart.reference
        k, d = m.means.shape
        ratios = (np.diag(m.weights) - np.outer(m.weights, m.weights))[:, 1:]
        means, covariances, correlations = np.zeros((k, d)), np.zeros((k, d, d)), np.zeros((k, d, d))
        for component in range(k):
            frame, places = chart.frames[component], chart.places[component]
            own = covariance[np.ix_(places, places)]
            means[component] = _deviations(frame, own[:d, :d])
            moved = (frame @ chart.tangents(component) @ frame.T).reshape(-1, d * d).T
            covariances[component] = _deviations(moved, own[d:, d:]).reshape(d, d)
            turned = _of_correlations(m.covariances[component], moved)
            correlations[component] = _deviations(turned, own[d:, d:]).reshape(d, d)
        scales = np.diagonal(covariances, axis1=1, axis2=2) / (2 * np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2)))
        return cls(_deviations(ratios, covariance[: k - 1, : k - 1]), means, covariances, scales, correlations)

    @classmethod
    def missing(cls, n_components: int, n_features: int) -> Self:
        """NaN for each parameter: of a fit that has no standard errors."""
        each, matrices = (n_components, n_features), (n_components, n_features, n_features)
        shapes = ((n_components,), each, matrices, each, matrices)
        return cls(*(np.full(shape, np.nan) for shape in shapes))


def _of_correlations(covariance: Array, moved: Array) -> Array:
    """Derivatives of the correlations (d^2, q) from those of the covariances."""
    d = len(covariance)
    scales = np.sqrt(covariance.diagonal())
    relative = moved.reshape(d, d, -1) / np.outer(scales, scales)[..., None]
    variances = relative[np.arange(d), np.arange(d)]
    correlations = (covariance / np.outer(scales, scales))[..., None]
    return np.asarray((relative - 0.5 * correlations * (variances[:, None] + variances[None])).reshape(d * d, -1))


def _deviations(derivatives: Array, covariance: Array) -> Array:
    """Square roots of the diagonal of J C J'."""
    return np.sqrt(np.maximum(((derivatives @ covariance) * derivatives).sum(axis=1), 0.0))
