"""EVE and VVE: all components have the same axes, each its own sizes along them."""

from dataclasses import dataclass

import numpy as np

from bayesgmm import kernels
from bayesgmm.covariance.structure import Array, PseudoObservations
from bayesgmm.covariance.turned import Turned


@dataclass(frozen=True)
class SharedAxes(Turned):
    r"""Common axes, own sizes along them: :math:`\Sigma_k = D B_k D'`, the diagonals :math:`B_k` of equal volume or not.

    Flury's common principal components. The axes have no closed form; the loss falls with each turn of two of them by the best
    angle, where Browne & McNicholas (2014) turn all by a bound. It has several minima: without a start all components' own axes
    are tried.

    References
    ----------
    Browne & McNicholas (2014), Estimating common principal components in high dimensions, doi:10.1007/s11634-013-0139-1.
    Celeux & Govaert (1995), Gaussian parsimonious clustering models, doi:10.1016/0031-3203(94)00125-6.
    """

    def n_orientations(self, n_components: int) -> int:
        return 1

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        equal_volumes, scatter = self.code[0] == "E", np.ascontiguousarray(scatter)
        starts = [axes_of_all(near)] if near is not None else [axes_of_all(scatter), *np.linalg.eigh(scatter)[1]]
        ends = [kernels.common_axes(counts, scatter, np.ascontiguousarray(start), equal_volumes) for start in starts]
        axes, variances, _ = min(ends, key=lambda end: end[2])
        return np.asarray((axes * variances[:, None, :]) @ axes.T)


def axes_of_all(matrices: Array) -> Array:
    """The axes of all matrices together, each weighed by another number lest equal sums of eigenvalues hide some of them."""
    weights = 1 / np.sqrt(np.arange(2.0, 2 + len(matrices)))
    sizes = np.maximum(np.trace(matrices, axis1=1, axis2=2), np.finfo(float).tiny)
    return np.linalg.eigh(np.einsum("k,kij->ij", weights / sizes, matrices))[1]
