"""EVE and VVE: all components have the same axes, each its own sizes along them."""

from dataclasses import dataclass

import numpy as np

from bayesgmm import kernels
from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, PseudoObservations, Structure, Tied


@dataclass(frozen=True)
class CommonAxes(Tied):
    r"""Common axes, own sizes along them: :math:`\Sigma_k = D B_k D'`, the diagonals :math:`B_k` of equal volume or not.

    Flury's common principal components. The axes have no closed form; the loss falls with each turn of two of them by the best
    angle, where Browne & McNicholas (2014) turn all by a bound. It has several minima: without a start all components' own axes
    are tried.

    Attributes
    ----------
    along : Structure
        Of the sizes along the axes: EVI for EVE, VVI for VVE.

    References
    ----------
    Browne & McNicholas (2014), Estimating common principal components in high dimensions, doi:10.1007/s11634-013-0139-1.
    Celeux & Govaert (1995), Gaussian parsimonious clustering models, doi:10.1016/0031-3203(94)00125-6.
    """

    code: str
    synonyms: tuple[str, ...]
    block: Block
    along: Structure

    @property
    def has_marginals(self) -> bool:
        return False

    def n_parameters(self, n_components: int, n_features: int) -> int:
        return self.along.n_parameters(n_components, n_features) + n_features * (n_features - 1) // 2

    def least_count(self, n_features: int) -> float:
        return self.along.least_count(n_features)

    def few_count(self, n_features: int) -> float:
        return n_features * self.along.few_count(n_features)

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
