"""EVV and EVI: matrices of one determinant."""

from dataclasses import dataclass

import numpy as np

from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, PseudoObservations, Tied


@dataclass(frozen=True)
class EqualVolume(Tied):
    r"""Own shapes in one volume: :math:`\Sigma_k = \lambda\,S_k / |S_k|^{1/d}`, :math:`\lambda = \sum_k |S_k|^{1/d} / n`."""

    code: str
    synonyms: tuple[str, ...]
    block: Block

    @property
    def has_marginals(self) -> bool:
        return False

    def n_parameters(self, n_components: int, n_features: int) -> int:
        return n_components * self.block.n_parameters(n_features) - (n_components - 1)

    def least_count(self, n_features: int) -> float:
        return self.block.order(n_features) + 1.5

    def few_count(self, n_features: int) -> float:
        return 4.0 * self.block.order(n_features)

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        n_features, parts = scatter.shape[1], self.block.reduce(scatter)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.exp(self.block.log_determinant(parts) / n_features)
        sizes = np.where(sizes > 0, sizes, 0.0)  # of a flat matrix, NaN as well
        factors = np.divide(sizes.sum() / counts.sum(), sizes, out=np.zeros_like(sizes), where=sizes > 0)
        return self.block.expand(factors.reshape(-1, *[1] * (parts.ndim - 1)) * parts, n_features)
