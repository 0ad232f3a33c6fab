"""EEV and VEV: each component turns the ellipsoid its own way."""

from dataclasses import dataclass

import numpy as np

from bayesgmm.covariance.structure import Array, PseudoObservations
from bayesgmm.covariance.turned import Turned


@dataclass(frozen=True)
class OwnAxes(Turned):
    r"""Own axes, but sizes along them tied: :math:`\Sigma_k = D_k B_k D_k'`.

    The axes :math:`D_k` are the eigenvectors of the scatter matrices in the order of their eigenvalues, and the diagonal matrices
    :math:`B_k` are the M-step of a diagonal structure from the eigenvalues (Celeux & Govaert 1995).
    """

    def n_orientations(self, n_components: int) -> int:
        return n_components

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        sizes, axes = np.linalg.eigh(scatter)
        variances = np.diagonal(self.along.m_step(counts, np.maximum(sizes, 0.0)), axis1=1, axis2=2)
        return np.asarray((axes * variances[:, None, :]) @ np.swapaxes(axes, 1, 2))
