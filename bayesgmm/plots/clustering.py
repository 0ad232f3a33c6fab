"""Which rows belong together: the matrix of their similarities, with rows in an order that shows the groups."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

SHADES = "Blues"


def co_clustering(ax: Axes, similarity: NDArray[np.float64]) -> Axes:
    """Draw the probability that two rows come from the same component.

    Rows are ordered by average linkage, so that groups are dark squares on the diagonal, and what lies between them is doubtful.

    Parameters
    ----------
    ax : Axes
    similarity : ndarray of shape (n, n)
        Of :func:`bayesgmm.similarity_matrix`.
    """
    distance = np.clip(1 - similarity, 0, None)
    np.fill_diagonal(distance, 0)
    order = leaves_list(linkage(squareform(distance, checks=False), "average"))
    image = ax.imshow(similarity[np.ix_(order, order)], cmap=SHADES, vmin=0, vmax=1, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="probability of the same component")
    ax.set_title("which rows belong together", fontsize="medium", loc="left")
    ax.set_xlabel("rows, ordered by similarity")
    ax.set_ylabel("the same rows")
    ax.tick_params(labelsize="small")
    return ax
