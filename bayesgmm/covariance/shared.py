"""EEE, EEI, EII: one matrix for all components."""

from dataclasses import dataclass

import numpy as np

from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, PseudoObservations, Structure


@dataclass(frozen=True)
class Shared(Structure):
    r"""One matrix: :math:`\Sigma = \sum_k S_k / \sum_k n_k`, reduced to the block's form."""

    code: str
    synonyms: tuple[str, ...]
    block: Block

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def has_marginals(self) -> bool:
        return True

    def n_parameters(self, n_components: int, n_features: int) -> int:
        return self.block.n_parameters(n_features)

    def least_count(self, n_features: int) -> float:
        return 0.0

    def few_count(self, n_features: int) -> float:
        return 0.0

    @property
    def are_independent(self) -> bool:
        return False

    @property
    def why_no_prior(self) -> str:
        return ""

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        n_features = scatter.shape[1]
        numerator = self.block.reduce(scatter).sum(axis=0)
        denominator = np.asarray(counts.sum()) * self.block.multiplicity(n_features)
        if pseudo is not None:
            numerator, denominator = pseudo.added(numerator, denominator)
        return self.expand(numerator / denominator, len(counts), n_features)

    def compact(self, matrices: Array) -> Array:
        return np.asarray(self.block.compact(matrices[..., 0, :, :]))

    def expand(self, compact: Array, n_components: int, n_features: int) -> Array:
        matrix = self.block.expand(np.asarray(compact), n_features)
        return np.repeat(matrix[..., None, :, :], n_components, axis=-3)
