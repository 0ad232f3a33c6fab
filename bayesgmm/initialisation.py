"""Where EM begins: mixtures made from the data, each from a random stream of its own; one registry."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import Structure
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.statistics import SufficientStatistics

SUBSET = 20_000  # rows that a start looks at, at most
LLOYD_STEPS = 10


def k_means(observations: Observations, n_components: int, structure: Structure, rng: np.random.Generator) -> Mixture:
    """k-means++ seeds improved by a few Lloyd steps on standardised features; the clusters share their pooled covariance.

    Pooling keeps a cluster of few points from starting collapsed.

    References
    ----------
    Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, doi:10.5555/1283383.1283494.
    """
    subset = _subset(observations, rng)
    standard = (subset.values - subset.midranges) / overall(subset).scatter.diagonal(axis1=1, axis2=2)[0] ** 0.5
    centres = _seeds(standard, subset.weights, n_components, rng)
    labels = _nearest(standard, centres)
    for _ in range(LLOYD_STEPS):
        for k in range(n_components):
            chosen = labels == k
            if subset.weights[chosen].sum() > 0:
                centres[k] = np.average(standard[chosen], axis=0, weights=subset.weights[chosen])
        previous, labels = labels, _nearest(standard, centres)
        if (labels == previous).all():
            break
    statistics = labelled_statistics(subset, labels, n_components)
    filled = np.maximum(statistics.counts, 1e-300)[:, None]  # an empty cluster stays at the midrange
    statistics = statistics.about(statistics.reference + statistics.sums / filled)
    pooled = structure.m_step(statistics.counts.sum(keepdims=True), statistics.scatter.sum(axis=0, keepdims=True))
    weights = (statistics.counts + 1) / (statistics.counts + 1).sum()
    return Mixture(weights, statistics.reference, np.repeat(pooled, n_components, axis=0), structure)


def random_rows(observations: Observations, n_components: int, structure: Structure, rng: np.random.Generator) -> Mixture:
    """Distinct random rows as means, equal weights, and the covariance of all rows."""
    everything = overall(observations)
    weights = observations.weights / observations.total_weight
    rows = rng.choice(len(weights), size=n_components, replace=False, p=weights if observations.is_weighted else None)
    covariance = structure.m_step(everything.counts, everything.scatter)
    means, covariances = observations.values[rows], np.repeat(covariance, n_components, axis=0)
    return Mixture(np.full(n_components, 1 / n_components), means, covariances, structure)


STARTS: dict[str, Callable[[Observations, int, Structure, np.random.Generator], Mixture]] = {
    "k-means++": k_means,
    "random": random_rows,
}


def overall(observations: Observations) -> SufficientStatistics:
    """Statistics of all rows as one component, about their mean."""
    one = labelled_statistics(observations, np.zeros(observations.n_observations, dtype=np.int64), 1)
    return one.about(one.means)


def labelled_statistics(observations: Observations, labels: NDArray[np.int64], n_components: int) -> SufficientStatistics:
    """Statistics about the midranges when each row's component is given; -1 leaves a row out."""
    reference = np.repeat(observations.midranges[None], n_components, axis=0)
    counts, sums, scatter = kernels.labelled_statistics(observations.values, observations.weights, labels, reference, False)
    return SufficientStatistics(counts, sums, scatter, reference)


def _subset(observations: Observations, rng: np.random.Generator) -> Observations:
    if observations.n_observations <= SUBSET:
        return observations
    rows = np.sort(rng.choice(observations.n_observations, size=SUBSET, replace=False))
    return Observations(observations.values[rows], np.ascontiguousarray(observations.weights[rows]), observations.names)


def _seeds(
    values: NDArray[np.float64], weights: NDArray[np.float64], n_components: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """k-means++: each next seed is a row, drawn with probability proportional to its squared distance to the nearest seed."""
    centres = np.empty((n_components, values.shape[1]))
    chance = weights / weights.sum()
    nearest = np.full(len(values), np.inf)
    for k in range(n_components):
        centres[k] = values[rng.choice(len(values), p=chance)]
        nearest = np.minimum(nearest, ((values - centres[k]) ** 2).sum(axis=1))
        total = (weights * nearest).sum()
        chance = weights * nearest / total if total > 0 else weights / weights.sum()
    return centres


def _nearest(values: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    distances = np.stack([((values - centre) ** 2).sum(axis=1) for centre in centres])
    return np.asarray(distances.argmin(axis=0))
