"""VVV, VVI, VII: each component has a matrix of its own."""

from dataclasses import dataclass

from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Array, OneEach, PseudoObservations


@dataclass(frozen=True)
class Separate(OneEach):
    r"""Own matrices: :math:`\Sigma_k = S_k / n_k`, reduced to the block's form."""

    code: str
    synonyms: tuple[str, ...]
    block: Block

    @property
    def has_marginals(self) -> bool:
        return True

    def n_parameters(self, n_components: int, n_features: int) -> int:
        return n_components * self.block.n_parameters(n_features)

    def least_count(self, n_features: int) -> float:
        return self.block.order(n_features) + 1.5

    def few_count(self, n_features: int) -> float:
        return 4.0 * self.block.order(n_features)

    @property
    def are_independent(self) -> bool:
        return True

    @property
    def why_no_prior(self) -> str:
        return ""

    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        n_features = scatter.shape[1]
        numerator = self.block.reduce(scatter)
        denominator = counts * self.block.multiplicity(n_features)
        if pseudo is not None:
            numerator, denominator = pseudo.added(numerator, denominator)
        compact = numerator / denominator.reshape(-1, *[1] * (numerator.ndim - 1))
        return self.block.expand(compact, n_features)
