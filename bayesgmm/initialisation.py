"""Where EM begins: mixtures made from the data, each from a random stream of its own; one registry."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm import kernels
from bayesgmm.agglomeration import Agglomeration
from bayesgmm.covariance import Structure
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.statistics import SufficientStatistics

SUBSET = 20_000  # rows that a start looks at, at most
LLOYD_STEPS = 10
NOISE, LEAST_NOISE = 0.05, 1e-6  # the noise's weight at a start, where there is none or next to none
APART = 0.8  # standard deviations from the middle to each half of a component that is split


def k_means(observations: Observations, n_components: int, structure: Structure, rng: np.random.Generator) -> Mixture:
    """k-means++ seeds improved by a few Lloyd steps on standardised features; the clusters share their pooled covariance.

    Pooling keeps a cluster of few points from starting collapsed.

    References
    ----------
    Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, doi:10.5555/1283383.1283494.
    """
    subset = observations.sample(SUBSET, rng)
    standard = (subset.values - observations.mean) / np.sqrt(observations.covariance.diagonal())
    centres = _seeds(standard, subset.weights, n_components, rng)
    labels = kernels.lloyd(standard, subset.weights, centres, LLOYD_STEPS)
    statistics = labelled_statistics(subset, labels, n_components)
    filled = np.maximum(statistics.counts, 1e-300)[:, None]  # an empty cluster stays at the midrange
    statistics = statistics.about(statistics.reference + statistics.sums / filled)
    weights = (statistics.counts + 1) / (statistics.counts + 1).sum()
    covariances = _shared_by_all(observations, n_components, structure, statistics.counts.sum(), statistics.scatter.sum(axis=0))
    return Mixture(weights, statistics.reference, covariances, structure)


def random_rows(observations: Observations, n_components: int, structure: Structure, rng: np.random.Generator) -> Mixture:
    """Random rows as means, equal weights, and the covariance of all rows."""
    n = observations.total_weight
    chance = observations.weights / n if observations.is_weighted else None
    rows = rng.choice(observations.n_observations, size=n_components, replace=False, p=chance)
    covariances = _shared_by_all(observations, n_components, structure, n, n * observations.covariance)
    return Mixture(np.full(n_components, 1 / n_components), observations.values[rows], covariances, structure)


def agglomeration(observations: Observations, n_components: int, structure: Structure, rng: np.random.Generator) -> Mixture:
    """The clusters of a tree of the rows, see :class:`bayesgmm.agglomeration.Agglomeration`."""
    return cut(Agglomeration.of(observations, rng), observations, n_components, structure)


def cut(tree: Agglomeration, observations: Observations, n_components: int, structure: Structure) -> Mixture:
    """A tree cut into clusters, each with a few more rows of their pooled covariance: a cluster of few rows would be flat."""
    subset, labels = observations.rows(tree.rows), tree.labels(n_components)
    statistics = labelled_statistics(subset, labels, n_components)
    statistics = statistics.centred()
    counts, more = statistics.counts, observations.n_features + 1
    pooled = statistics.scatter.sum(axis=0) + np.diag(observations.covariance.diagonal())
    scatter = statistics.scatter + more * pooled / (counts.sum() + 1)
    covariances = structure.m_step(counts + more, scatter)
    return Mixture(counts / counts.sum(), statistics.reference, covariances, structure)


def split(mixture: Mixture, component: int) -> Mixture:
    """The same mixture with one component cut in two, across its longest axis and with the same moments."""
    order = [*range(mixture.n_components), component]
    weights, means, covariances = mixture.weights[order], mixture.means[order], mixture.covariances[order]
    scales = np.sqrt(covariances[-1].diagonal())
    sizes, axes = np.linalg.eigh(covariances[-1] / np.outer(scales, scales))
    shift = APART * np.sqrt(sizes[-1]) * axes[:, -1] * scales
    halves = [component, -1]
    weights[halves] /= 2
    means[halves] += np.outer([1, -1], shift)
    covariances[halves] -= np.outer(shift, shift)
    tied = mixture.structure.m_step(weights, weights[:, None, None] * covariances)
    return replace(mixture, weights=weights, means=means, covariances=tied)


def splits(mixture: Mixture) -> list[tuple[str, Mixture]]:
    """The same mixture with each component in turn cut in two, as named starts."""
    return [(f"component {k} split", split(mixture, k)) for k in range(mixture.n_components)]


def fitted(mixture: Mixture, observations: Observations, specification: Specification) -> Mixture:
    """A start made from the data, with its components where labels and frozen ones are, and with what else the model has."""
    k, labels, held = mixture.n_components, observations.labels, []
    order = np.arange(k)
    if specification.frozen is not None and specification.frozen.components:
        order, held = specification.frozen.nearest(mixture), list(specification.frozen.components)
    if labels is not None:
        known, free = np.flatnonzero(labels >= 0), [g for g in range(k) if g not in held]
        alike = np.zeros((k, k))
        shares = mixture.permuted(order).responsibilities(observations.rows(known))
        np.add.at(alike, labels[known], observations.weights[known, None] * shares)
        order[free] = order[free][linear_sum_assignment(-alike[np.ix_(free, free)])[1]]
    return completed(mixture.permuted(order), specification)


def completed(mixture: Mixture, specification: Specification) -> Mixture:
    """The same with noise where the model has it, and frozen parameters in their places."""
    if specification.noise is None:
        mixture = mixture.without_noise
    else:
        share = mixture.noise_weight if mixture.noise_weight > LEAST_NOISE else NOISE  # from nothing EM never leads away
        weights = (1 - share) * mixture.without_noise.weights
        mixture = replace(mixture, weights=weights, noise=specification.noise, noise_weight=share)
    return mixture if specification.frozen is None else specification.frozen.onto(mixture)


def _shared_by_all(
    observations: Observations, n_components: int, structure: Structure, count: float, scatter: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One covariance for every component, (K, d, d), with one more row's worth of the data's variances.

    That row keeps it positive definite where rows are few or columns collinear.
    """
    more = scatter + np.diag(observations.covariance.diagonal())
    return np.repeat(structure.m_step(np.array([count + 1]), more[None]), n_components, axis=0)


STARTS: dict[str, Callable[[Observations, int, Structure, np.random.Generator], Mixture]] = {
    "k-means++": k_means,
    "random": random_rows,
}

NAMED = {**STARTS, "hc": agglomeration}  # a start of its own kind, one for all data: it is not among those taken in turn


def labelled_statistics(observations: Observations, labels: NDArray[np.int64], n_components: int) -> SufficientStatistics:
    """Statistics about the midranges when each row's component is given; -1 leaves a row out."""
    reference = np.repeat(observations.midranges[None], n_components, axis=0)
    counts, sums, scatter = kernels.labelled_statistics(observations.values, observations.weights, labels, reference)
    return SufficientStatistics(counts, sums, scatter, reference)


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
