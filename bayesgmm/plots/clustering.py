"""Which rows belong together: the matrix of their similarities, with rows in an order that shows the groups."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from bayesgmm.plots.groups import divide, ordered, scale, some, strip
from bayesgmm.plots.style import SHADES


def co_clustering(ax: Axes, similarity: NDArray[np.float64], labels: NDArray[np.int64] | None = None) -> Axes:
    """Draw the probability that two rows come from the same component.

    Groups are dark squares on the diagonal, and what lies between them is doubtful. Of many rows 2,000, evenly spaced, are drawn.

    Parameters
    ----------
    ax : Axes
    similarity : ndarray of shape (n, n)
        Of :func:`bayesgmm.similarity_matrix`.
    labels : ndarray of int (n,), optional
        Cluster of each row in a partition. Rows lie by cluster, the most typical first, which are those that belong with the
        others of their cluster most surely, with lines between the clusters. Without, they are ordered by average linkage.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If some similarities are not finite, or there is not one label a row.
    """
    n = len(similarity)
    if labels is not None and np.shape(labels) != (n,):
        raise ValueError(f"labels has shape {np.shape(labels)} and similarity {similarity.shape}: give one label a row.")
    unknown = np.flatnonzero(~np.isfinite(similarity.sum(axis=1)))
    if len(unknown):
        raise ValueError(
            f"Similarities of {len(unknown)} rows are not finite, the first of row {unknown[0]}: leave these rows out."
        )
    clusters = None if labels is None else np.asarray(labels)
    order = _by_linkage(similarity) if clusters is None else ordered(clusters, _typicality(similarity, clusters))[some(n)]
    shown = similarity[np.ix_(order, order)]
    extent = (-0.5, n - 0.5, n - 0.5, -0.5)
    image = ax.imshow(shown, cmap=SHADES, vmin=0, vmax=1, extent=extent, interpolation="nearest")
    ax.tick_params(labelsize="small")
    if clusters is None:
        ax.set_ylabel("the same rows")
    else:
        strip(ax, np.sort(clusters), n)
        divide(ax, np.sort(clusters), "cluster", both=True)
        ax.set_xticks([])
    ax.set_xlabel("rows, ordered by similarity" if clusters is None else "the same rows")
    scale(ax, image, "probability of the same component")
    ax.set_title("which rows belong together", fontsize="medium", loc="left")
    return ax


def _by_linkage(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows, of many some, such that neighbours are similar."""
    rows = some(len(similarity))
    distance = np.clip(1 - similarity[np.ix_(rows, rows)], 0, None)
    np.fill_diagonal(distance, 0)
    return np.asarray(rows[leaves_list(linkage(squareform(distance, checks=False), "average"))])


def _typicality(similarity: NDArray[np.float64], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean similarity of each row with its own cluster."""
    found, which = np.unique(clusters, return_inverse=True)
    member = np.eye(len(found))[which]
    return np.asarray(((similarity @ member) / member.sum(axis=0))[np.arange(len(which)), which])
