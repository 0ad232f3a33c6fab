"""EEV and VEV: each component turns the ellipsoid its own way."""

from dataclasses import dataclass

import numpy as np

from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, PseudoObservations, Structure, Tied


@dataclass(frozen=True)
class OwnAxes(Tied):
    r"""Own axes, but sizes along them tied: :math:`\Sigma_k = D_k B_k D_k'`.

    The axes :math:`D_k` are the eigenvectors of the scatter matrices, largest eigenvalue first, and the diagonal matrices
    :math:`B_k` are the M-step of a diagonal structure from the eigenvalues (Celeux & Govaert 1995).

    Attributes
    ----------
    along : Structure
        Of the sizes along the axes: EEI for EEV, VEI for VEV.
    """

    code: str
    synonyms: tuple[str, ...]
    block: Block
    along: Structure

    @property
    def has_marginals(self) -> bool:
        return False

    def n_parameters(self, n_components: int, n_features: int) -> int:
        return self.along.n_parameters(n_components, n_features) + n_components * n_features * (n_features - 1) // 2

    def least_count(self, n_features: int) -> float:
        return self.along.least_count(n_features)

    def few_count(self, n_features: int) -> float:
        return n_features * self.along.few_count(n_features)

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        sizes, axes = np.linalg.eigh(scatter)
        variances = np.diagonal(self.along.m_step(counts, np.maximum(sizes, 0.0)), axis1=1, axis2=2)
        return np.asarray((axes * variances[:, None, :]) @ np.swapaxes(axes, 1, 2))
