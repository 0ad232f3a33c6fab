"""What EM climbs from: the usual starts of a model, and those that a user gives, all of the specified structure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bayesgmm import initialisation
from bayesgmm.collapse import Yardstick
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.streams import Use, stream
from bayesgmm.validation import integer_array, known_name


def default_starts(
    observations: Observations, specification: Specification, n_init: int, seed: np.random.SeedSequence
) -> Iterator[tuple[str, Mixture]]:
    """The kinds of start in turn, start i from stream i; one is enough for a single component.

    Starts that are equal, as k-means often comes to the same clusters, are one: EM makes the same of them.
    """
    kinds, seen = list(initialisation.STARTS.items()), set[bytes]()
    are_exchangeable = observations.labels is None and specification.frozen is None
    for i in range(n_init if specification.n_components > 1 else 1):
        name, make = kinds[i % len(kinds)]
        rng = stream(seed, Use.EM_START, i)
        start = make(observations.filled, specification.n_components, specification.structure, rng)
        mixture = initialisation.fitted(start, observations, specification)
        order = np.lexsort(mixture.means.T) if are_exchangeable else np.arange(mixture.n_components)
        numbers = b"".join(part[order].tobytes() for part in (mixture.weights, mixture.means, mixture.covariances))
        if numbers not in seen:
            seen.add(numbers)
            yield name, mixture


def given_start(
    start: Any, observations: Observations, specification: Specification, seed: np.random.SeedSequence
) -> tuple[str, Mixture]:
    """The user's start, a Mixture, labels or the name of a kind, as a mixture of the specified structure."""
    n_components = specification.n_components
    if isinstance(start, Mixture):
        return from_mixture(start, observations, specification)
    if isinstance(start, str):
        make = initialisation.NAMED[known_name(start, "kind of start", initialisation.NAMED)]
        made = make(observations.filled, n_components, specification.structure, stream(seed, Use.EM_START, 0))
        return start, initialisation.fitted(made, observations, specification)
    if observations.is_stored:
        raise ValueError("Labels are no start for rows that are not in memory: give a Mixture, or how to make one.")
    labels = integer_array(start, "start (a Mixture, or a label for each row)", (observations.n_observations,))
    found = np.unique(labels)
    if not np.array_equal(found, np.arange(n_components)):
        raise ValueError(f"The labels in start must use each of 0..{n_components - 1}, they use {found[:10].tolist()}.")
    statistics = initialisation.labelled_statistics(observations.filled, labels, n_components)
    statistics = statistics.centred()
    covariances = specification.structure.m_step(statistics.counts, statistics.scatter)
    reason = Yardstick.of(observations).collapse(covariances)
    if reason:
        raise ValueError(f"The labels in start give no proper covariances: {reason} Put more rows into it or pass a Mixture.")
    mixture = Mixture(statistics.counts / statistics.counts.sum(), statistics.reference, covariances, specification.structure)
    return "given labels", initialisation.completed(mixture, specification)


def from_mixture(start: Mixture, observations: Observations, specification: Specification) -> tuple[str, Mixture]:
    """Another mixture's parameters as a start, made to be of the specified structure."""
    shape = (specification.n_components, observations.n_features)
    if start.means.shape != shape:
        raise ValueError(f"start has means of shape {start.means.shape}; the model needs {shape}.")
    if has_twins(start):
        raise ValueError("Two components of start are equal, and EM could never tell them apart: move one of them.")
    shares = np.maximum(start.weights, 1e-8)  # a component that nobody comes from still has a covariance
    covariances = specification.structure.m_step(shares, shares[:, None, None] * start.covariances)
    mixture = replace(start, covariances=covariances, structure=specification.structure)
    return "given mixture", initialisation.completed(mixture, specification)


def has_twins(mixture: Mixture) -> bool:
    """Whether two components have the same mean and covariance."""
    rows = np.concatenate([mixture.means, mixture.covariances.reshape(mixture.n_components, -1)], axis=1)
    return len(np.unique(rows, axis=0)) < len(rows)
