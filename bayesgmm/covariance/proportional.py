"""VEE and VEI: matrices that differ by a factor."""

from dataclasses import dataclass

import numpy as np

from bayesgmm import kernels
from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, OwnMatrices, PseudoObservations


@dataclass(frozen=True)
class Proportional(OwnMatrices):
    r"""One shape and orientation: :math:`\Sigma_k = \lambda_k C`.

    Given the factors :math:`C = \sum_k S_k / \lambda_k / n`; given C, :math:`\lambda_k = \mathrm{tr}(S_k C^{-1}) / (d\,n_k)`. The
    factors that solve both are found by Newton's method.
    """

    code: str
    synonyms: tuple[str, ...]
    block: Block

    def n_parameters(self, n_components: int, n_features: int) -> int:
        return n_components - 1 + self.block.n_parameters(n_features)

    def least_count(self, n_features: int) -> float:
        return 2.5  # as one variance each

    def few_count(self, n_features: int) -> float:
        return 4.0

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        n_features, parts = scatter.shape[1], np.ascontiguousarray(self.block.reduce(scatter))
        logs = kernels.log_volumes(counts, parts)
        if np.isnan(logs).any():  # singular all together, which is for the caller to find
            logs = np.zeros(len(counts))
        factors = np.exp(logs).reshape(-1, *[1] * (parts.ndim - 1))
        shape = np.divide(parts, factors, out=np.zeros_like(parts), where=factors > 0).sum(axis=0) / counts.sum()
        return self.block.expand(factors * shape, n_features)
