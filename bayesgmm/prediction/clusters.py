"""From components to clusters: how sure a row's component is, and components that together make one cluster."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prediction.normal import normal_mixture
from bayesgmm.validation import instance_of, known_name, positive_integer

type Array = NDArray[np.float64]
type Cluster = tuple[int, ...]  # its components, in order

ABSCISSAE = ("rows", "clusters")


def uncertainty(mixture: Mixture, X: Any) -> Array:
    r"""Probability that a row does not come from its most probable component, as mclust's ``uncertainty``.

    .. math:: u_i = 1 - \max_k r_{ik}

    Parameters
    ----------
    mixture : Mixture
    X : array-like of shape (n_observations, n_features)
        Data, in the units used for fitting.

    Returns
    -------
    ndarray of shape (n_observations,)
        Between 0 and 1 - 1/K; noise is one more component.

    Raises
    ------
    ValueError
        If ``X`` is not finite or has another number of features than the mixture.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])
    >>> uncertainty(m, [[0.0], [1.5]]).round(4)
    array([0.011, 0.5  ])
    """
    instance_of(mixture, Mixture, "mixture")
    shares = np.sort(mixture.all_responsibilities(X), axis=1)
    return np.asarray(shares[:, :-1].sum(axis=1))  # the sum of the others keeps the digits that 1 - max would lose


@dataclass(frozen=True, eq=False)
class Merging:
    """Components of a mixture merged into clusters, one pair at a time.

    Attributes
    ----------
    responsibilities : ndarray of shape (n_observations, n_components)
        Of the components.
    merges : tuple of pairs of clusters
        From K clusters to 1; a cluster is the tuple of its components.
    entropies : ndarray of shape (n_components,)
        Entropy of the classification into g clusters at place g - 1, in nats: lower is clearer. It never rises as clusters merge.
    counts : ndarray of shape (n_components - 1,)
        Rows (their weights) that the merge which left g clusters put together, at place g - 1.
    """

    responsibilities: Array
    merges: tuple[tuple[Cluster, Cluster], ...]
    entropies: Array
    counts: Array

    def __repr__(self) -> str:
        return f"Components merged by entropy, with an elbow at {self.suggestion()} clusters:\n{self.summary().to_string()}"

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.entropies)

    def clusters(self, n_clusters: int) -> tuple[Cluster, ...]:
        """The components of each cluster; clusters are numbered by their first component."""
        n_clusters = positive_integer(n_clusters, "n_clusters", self.n_components)
        found: set[Cluster] = {(k,) for k in range(self.n_components)}
        for one, other in self.merges[: self.n_components - n_clusters]:
            found = (found - {one, other}) | {_joined(one, other)}
        return tuple(sorted(found))

    def probabilities(self, n_clusters: int) -> Array:
        """P(cluster | x_i), shape (n_observations, n_clusters)."""
        return np.column_stack([_shares(self.responsibilities, cluster) for cluster in self.clusters(n_clusters)])

    def labels(self, n_clusters: int) -> NDArray[np.int64]:
        """Most probable cluster of each row, shape (n_observations,)."""
        return np.asarray(self.probabilities(n_clusters).argmax(axis=1))

    def suggestion(self, by: str = "rows") -> int | None:
        """The number of clusters at the elbow of the entropy: where two straight lines that meet at it fit best.

        It is never 1 nor K, and None for fewer than three components, whose entropies have no elbow. It is a help to the eye:
        entropies that are next to nothing at K already ask for no merge at all.

        Parameters
        ----------
        by : {"rows", "clusters"}
            What the entropy is drawn against: the cumulated count of merged rows, as Baudry et al. advise since it is fair to
            merges of unequal size (mclust's normalised ``entPlot``), or the number of clusters (mclust's ``clustCombiOptim``).
        """
        by = known_name(by, "abscissa", ABSCISSAE)
        if self.n_components < 3:
            return None
        x = np.append(0.0, self.counts.cumsum()) if by == "rows" else np.arange(1.0, self.n_components + 1)
        breaks = range(self.n_components - 1, 1, -1)  # of equals the first is taken: more clusters, fewer merges
        return min(breaks, key=lambda g: _misfit(x[:g], self.entropies[:g]) + _misfit(x[g - 1 :], self.entropies[g - 1 :]))

    def summary(self) -> pd.DataFrame:
        """One row a number of clusters: entropy, what was merged to come there, and the count of rows in it."""
        merged = [f"{one} + {other}" for one, other in self.merges]
        columns = {"entropy": self.entropies[::-1], "merged": ["", *merged], "count": [0.0, *self.counts[::-1]]}
        return pd.DataFrame(columns, index=pd.Index(range(self.n_components, 0, -1), name="n_clusters"))


def merge_components(mixture: Mixture, X: Any, sample_weight: Any = None) -> Merging:
    r"""Combine components into clusters, so that the classification becomes clear with the fewest merges.

    A cluster that is not normal takes several components to be described. At each step the two clusters merge whose union lowers
    the entropy of the classification most,

    .. math:: E = -\sum_i v_i \sum_c t_{ic} \log t_{ic}, \qquad t_{ic} = \sum_{k \in c} r_{ik}

    The density stays what it was.

    Parameters
    ----------
    mixture : Mixture
    X : array-like of shape (n_observations, n_features)
        Data that it was fitted to.
    sample_weight : array-like of shape (n_observations,), optional
        Row weights v_i, 1 by default.

    Returns
    -------
    Merging
        ``labels(n_clusters)``, ``suggestion()``, ``summary()``.

    Raises
    ------
    ValueError
        If ``X`` is not finite or has another number of features than the mixture, or weights do not fit it.

    References
    ----------
    Baudry, Raftery, Celeux, Lo & Gottardo (2010), Combining mixture components for clustering, doi:10.1198/jcgs.2010.08111.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X = bg.load_dataset("faithful")
    >>> merging = merge_components(bg.fit_em(X, 3).mixture, X)
    >>> merging.clusters(2), merging.entropies[1:].round(1)
    (((0,), (1, 2)), array([ 0.6, 26.5]))
    """
    mixture = normal_mixture(mixture, "The merging of components")
    observations = Observations.from_data(X, sample_weight)
    shares, v = mixture.responsibilities(observations), observations.weights

    @cache
    def entropy(cluster: Cluster) -> float:
        return float(v @ entr(_shares(shares, cluster)))

    def gain(pair: tuple[Cluster, Cluster]) -> float:
        return entropy(pair[0]) + entropy(pair[1]) - entropy(_joined(*pair))

    found: list[Cluster] = [(k,) for k in range(mixture.n_components)]
    merges, entropies, counts = [], [sum(map(entropy, found))], []
    while len(found) > 1:
        one, other = best = max(combinations(found, 2), key=gain)
        labels = np.column_stack([_shares(shares, cluster) for cluster in found]).argmax(axis=1)
        counts.append(float(v[np.isin(labels, [found.index(one), found.index(other)])].sum()))
        found = sorted({*found} - {one, other} | {_joined(one, other)})
        merges.append(best)
        entropies.append(sum(map(entropy, found)))
    return Merging(shares, tuple(merges), np.array(entropies[::-1]), np.array(counts[::-1]))


def _joined(one: Cluster, other: Cluster) -> Cluster:
    return tuple(sorted(one + other))


def _shares(responsibilities: Array, cluster: Cluster) -> Array:
    return np.asarray(responsibilities[:, cluster].sum(axis=1))


def _misfit(x: Array, y: Array) -> float:
    """Sum of squares about the least-squares line; where x does not vary the line is level."""
    x, y = x - x.mean(), y - y.mean()
    squares = x @ x
    slope = x @ y / squares if squares > 0 else 0.0
    return float(((y - slope * x) ** 2).sum())
