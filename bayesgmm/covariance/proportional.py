"""VEE and VEI: matrices that differ by a factor."""

from dataclasses import dataclass

import numpy as np

from bayesgmm import kernels
from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, PseudoObservations, Tied

SMALLEST = -500.0  # log of a factor beside the largest: what is smaller is nothing


@dataclass(frozen=True)
class Proportional(Tied):
    r"""One shape and orientation: :math:`\Sigma_k = \lambda_k C`.

    Given the factors :math:`C = \sum_k S_k / \lambda_k / n`; given C, :math:`\lambda_k = \mathrm{tr}(S_k C^{-1}) / (d\,n_k)`. The
    factors that solve both are found by Newton's method.
    """

    code: str
    synonyms: tuple[str, ...]
    block: Block

    @property
    def has_marginals(self) -> bool:
        return True

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
        logs = (logs - logs.max()).reshape(-1, *[1] * (parts.ndim - 1))  # only their differences count
        there = logs > SMALLEST
        shape = (parts * np.where(there, np.exp(-np.maximum(logs, SMALLEST)), 0.0)).sum(axis=0) / counts.sum()
        return self.block.expand(np.where(there, np.exp(logs), 0.0) * shape, n_features)
