"""Whether relabelled components are the same components in every draw: four signs that can say no, and a margin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.draws import Array, Draws
from bayesgmm.labels.assignment import Places, best_draw
from bayesgmm.labels.ecr import indicators
from bayesgmm.labels.modes import is_multimodal
from bayesgmm.labels.points import non_permutation_rate, points

TRUSTED_RATE = 0.01  # draws with a component that looks like another before component rows are withheld
LEAST_AGREEMENT = 0.95  # of relabelling methods on the order of a draw
MOST_NON_PERMUTATIONS = 0.05  # draws
MOST_DRAWS, MOST_ROWS = 1000, 2000  # that methods are compared on

type Method = Callable[[Draws, Array, Array], NDArray[np.int64]]


@dataclass(frozen=True)
class Trust:
    """What speaks for components and against them.

    Attributes
    ----------
    misplaced_rate : float
        Share of draws in which some component looks more like another one than like itself.
    non_permutation_rate : float
        Share of draws of which K-means, over all components of all draws, puts two components into one cluster.
    agreement : mapping of str to float
        For other relabelling methods: the share of draws for which they find the same order.
    multimodal : tuple of str
        Weights, means and variances of relabelled components that have two modes.
    mean_margin : float
        How many rows fewer the second-best order of a draw agrees on, as a share of all rows, on average.
    """

    misplaced_rate: float
    non_permutation_rate: float
    agreement: Mapping[str, float]
    multimodal: tuple[str, ...]
    mean_margin: float

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against the components, in sentences; none where they may be trusted."""
        sentences = []
        if self.misplaced_rate > TRUSTED_RATE:
            sentences.append(
                f"In {self.misplaced_rate:.2%} of the draws some component looks more like another one than like itself "
                f"(at most {TRUSTED_RATE:.0%})."
            )
        if self.non_permutation_rate > MOST_NON_PERMUTATIONS:
            sentences.append(
                f"In {self.non_permutation_rate:.2%} of the draws two components fall into one cluster of components "
                f"(at most {MOST_NON_PERMUTATIONS:.0%})."
            )
        unlike = {name: share for name, share in self.agreement.items() if share < LEAST_AGREEMENT}
        if unlike:
            told = ", ".join(f"{name} {share:.2%}" for name, share in unlike.items())
            sentences.append(f"Relabelling methods do not agree on the order of a draw: {told} (at least {LEAST_AGREEMENT:.0%}).")
        if self.multimodal:
            sentences.append(
                f"{len(self.multimodal)} of the weights, means and variances of relabelled components have two modes (at most 0)."
            )
        return tuple(sentences)

    @property
    def verdict(self) -> str:
        """The same in one sentence, where there is no doubt."""
        methods = ", ".join(self.agreement)
        least = min(self.agreement.values(), default=1.0)
        return (
            f"Components are the same ones in every draw: {self.misplaced_rate:.1%} of the draws have one that looks like "
            f"another, {self.non_permutation_rate:.1%} are no permutation of clusters, other methods ({methods}) find the same "
            f"order in at least {least:.1%}, and the second-best order agrees on {self.mean_margin:.0%} fewer rows."
        )


def trust(relabelled: Draws, values: Array, scores: Array, methods: Mapping[str, Method]) -> Trust:
    """Look for the signs; draws and rows are thinned where they are many.

    Parameters
    ----------
    relabelled : Draws
    values : ndarray of shape (n_observations, n_features)
    scores : ndarray of shape (n_chains, n_draws)
        By which methods choose a pivot.
    methods : mapping of str to callable
        Relabelling methods to be held against the one that was used.
    """
    step = -(-scores.size // MOST_DRAWS)
    some, few_scores = relabelled.between(slice(None, None, step)), scores[:, ::step]
    rows = values[:: -(-len(values) // MOST_ROWS)]
    return Trust(
        misplaced_rate(relabelled),
        non_permutation_rate(relabelled, scores),
        {name: _share_of_commonest(method(some, rows, few_scores)) for name, method in methods.items()},
        _multimodal(some),
        _mean_margin(some, rows, few_scores),
    )


def misplaced_rate(draws: Draws) -> float:
    """Share of relabelled draws in which some component looks more like another component than like itself.

    Each component of each draw is a point: its log weight, mean, log scales and Fisher-transformed correlations; over the draws
    the points of a relabelled component are summarised by their centre and spread. A draw is misplaced when a point is
    likelier under another component's normal law than under its own. Where the components are the same ones throughout, that
    is rare; where the posterior moves between different ways to divide the data, it is not. (The point process representation
    of Fruehwirth-Schnatter 2006, section 3.7.7, with the relabelling in the place of k-means.)
    """
    located = points(draws)
    located = located.reshape(-1, *located.shape[2:])
    likeliest = Places.of(located).unlikelihood(located).argmin(axis=2)
    return float((likeliest != np.arange(draws.n_components)).any(axis=1).mean())


def _share_of_commonest(orders: NDArray[np.int64]) -> float:
    """The share of draws that have the commonest order: methods number components as they like."""
    _, counts = np.unique(orders.reshape(-1, orders.shape[-1]), axis=0, return_counts=True)
    return float(counts.max() / counts.sum())


def _multimodal(draws: Draws) -> tuple[str, ...]:
    """Weights, means and variances that have two modes."""
    with np.errstate(divide="ignore"):
        log_weights = np.log(draws.weights)[..., None]
    kinds = {"log weight": log_weights, "mean": draws.means}
    if not draws.structure.is_shared:
        kinds["log variance"] = np.log(np.diagonal(draws.covariances, axis1=-2, axis2=-1))
    found = []
    for kind, located in kinds.items():
        for k in range(draws.n_components):
            for j in range(located.shape[-1]):
                feature = f", feature {j}" if located.shape[-1] > 1 else ""
                if is_multimodal(located[:, :, k, j].ravel()):
                    found.append(f"{kind} of component {k}{feature}")
    return tuple(found)


def _mean_margin(draws: Draws, values: Array, scores: Array) -> float:
    """Mean difference between the rows that the best and the second-best order of a draw agree on with the best draw."""
    pivot = draws.mixture(*best_draw(scores)).predict(values)
    tables = draws.agreement(values, indicators(pivot, draws.n_components)).reshape(-1, draws.n_components, draws.n_components)
    return float(np.mean([_margin(table) for table in tables]) / len(values))


def _margin(table: Array) -> float:
    """The total of the best order less that of the second best, which lacks some pair of the best."""
    rows, columns = linear_sum_assignment(table, maximize=True)
    best, second = table[rows, columns].sum(), -np.inf
    for pair in zip(rows, columns, strict=True):
        without = table.copy()
        without[pair] = -len(table) * (1 + table.max())
        others = linear_sum_assignment(without, maximize=True)
        second = max(second, without[others].sum())
    return float(best - second)
