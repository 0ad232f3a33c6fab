"""What structures have in common whose sizes along their axes are those of a diagonal structure."""

from abc import abstractmethod
from dataclasses import dataclass

from bayesgmm.covariance.blocks import Block
from bayesgmm.covariance.structure import Structure, Tied


@dataclass(frozen=True)
class Turned(Tied):
    r"""Axes, and sizes along them: :math:`\Sigma_k = D_k B_k D_k'`, the diagonals :math:`B_k` of a structure of their own.

    Attributes
    ----------
    along : Structure
        Of the sizes along the axes, a diagonal one.
    """

    code: str
    synonyms: tuple[str, ...]
    block: Block
    along: Structure

    @abstractmethod
    def n_orientations(self, n_components: int) -> int:
        """How many sets of axes there are."""

    @property
    def has_marginals(self) -> bool:
        return False

    def n_parameters(self, n_components: int, n_features: int) -> int:
        rotations = self.n_orientations(n_components) * n_features * (n_features - 1) // 2
        return self.along.n_parameters(n_components, n_features) + rotations

    def least_count(self, n_features: int) -> float:
        return self.along.least_count(n_features)

    def few_count(self, n_features: int) -> float:
        return n_features * self.along.few_count(n_features)  # which axes are flat is for the rows to choose
