"""What a covariance structure is: the constraint that ties the K matrices, and the M-step under it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance.blocks import Block

type Array = NDArray[np.float64]

FREEDOM = {"I": 0, "E": 1, "V": 2}  # how free a letter leaves volume, shape or orientation
ROUNDING = 1e-13  # of eigenvalues, beside the largest
LEAST_PSEUDO_COUNT = 1e-8  # a prior with a flat density of small precisions lets the covariance of an empty component grow


@dataclass(frozen=True)
class PseudoObservations:
    """What a conjugate prior on precisions adds to the M-step: ``(scatter + s) / (counts + n)``.

    Attributes
    ----------
    counts : float
        n, for each independent matrix of a block; may be negative.
    scatter : ndarray
        s, in the block's compact form.
    """

    counts: float
    scatter: Array

    def added(self, scatter: Array, counts: Array) -> tuple[Array, Array]:
        """Scatter and counts of rows and pseudo-observations together; nearly empty components stay finite."""
        return scatter + self.scatter, np.maximum(counts + self.counts, LEAST_PSEUDO_COUNT)


class Structure(ABC):
    """A covariance structure.

    Attributes
    ----------
    code : str
        mclust's three letters: volume, shape and orientation, each E(qual), V(arying) or I(dentity).
    synonyms : tuple of str
        Other names, scikit-learn's among them.
    block : Block
        What one matrix looks like.
    """

    code: str
    synonyms: tuple[str, ...]
    block: Block

    @property
    def is_diagonal(self) -> bool:
        """Whether the pass over the data needs diagonals only."""
        return self.block.is_diagonal

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether all components have the same matrix."""

    @property
    @abstractmethod
    def are_independent(self) -> bool:
        """Whether each component's matrix may be anything whatever the others are."""

    def batch(self, n_components: int) -> tuple[int, ...]:
        """Leading axes of the distinct matrices in compact form: (K,), or none where one is shared."""
        return () if self.is_shared else (n_components,)

    @abstractmethod
    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Free parameters of the K covariance matrices."""

    @abstractmethod
    def least_count(self, n_features: int) -> float:
        """A component with this effective count or fewer has collapsed when no prior holds it.

        Up to order + 1 rows lie on the boundary of a simplex, to which a component of its own always fits spuriously well: with
        half a row for the shares of others, the count must exceed order + 1.5. No rule where the matrix is shared.
        """

    @abstractmethod
    def few_count(self, n_features: int) -> float:
        """A component with this effective count or fewer may be flat by chance when no prior holds it."""

    @property
    @abstractmethod
    def has_marginals(self) -> bool:
        """Whether the matrices of some features have the structure too."""

    @property
    @abstractmethod
    def why_no_prior(self) -> str:
        """Why no prior is defined for it, in a sentence that says what to do; nothing where there is one."""

    @abstractmethod
    def m_step(self, counts: Array, scatter: Array, pseudo: PseudoObservations | None = None, near: Array | None = None) -> Array:
        """Covariances (K, d, d) that maximise the expected log-likelihood.

        Parameters
        ----------
        counts : ndarray of shape (n_components,)
        scatter : ndarray of shape (n_components, n_features, n_features) or (n_components, n_features)
            About the components' means.
        pseudo : PseudoObservations, optional
            The prior's share: then the result is the conditional mode of the precisions.
        near : ndarray of shape (n_components, n_features, n_features), optional
            Covariances of the structure that a search without a closed form starts from: its end is no lower than they are.
        """

    def tied(self, matrices: Array) -> Array:
        """Matrices (K, d, d) made to be of the structure; those that are stay as they are."""
        return self.m_step(np.ones(len(matrices)), matrices)

    def includes(self, other: "Structure") -> bool:
        """Whether whatever has the other structure has this one too: each letter leaves its part as free or freer."""
        return all(FREEDOM[a] >= FREEDOM[b] for a, b in zip(self.code, other.code, strict=True))

    def holds(self, matrices: Array, tolerance: float = 1e-8) -> bool:
        """Whether matrices (K, d, d) are of the structure, but for rounding.

        Beside the scales of their features; eigenvalues of features in very different units are right to the largest's rounding.
        """
        scales = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
        rounding = ROUNDING * np.abs(matrices).max(axis=(1, 2), keepdims=True)
        slack = tolerance * scales[:, :, None] * scales[:, None, :] + rounding
        return bool((np.abs(matrices - self.tied(matrices)) <= slack).all())

    @abstractmethod
    def compact(self, matrices: Array) -> Array:
        """Distinct matrices of (..., K, d, d) in compact form: an axis K before the block, or none where one is shared."""

    @abstractmethod
    def expand(self, compact: Array, n_components: int, n_features: int) -> Array:
        """All matrices (..., K, d, d) from the compact form, which may have leading axes of draws."""


class OneEach(Structure):
    """A structure whose matrices are held one for each component."""

    @property
    def is_shared(self) -> bool:
        return False

    def compact(self, matrices: Array) -> Array:
        return self.block.compact(matrices)

    def expand(self, compact: Array, n_components: int, n_features: int) -> Array:
        return np.asarray(self.block.expand(compact, n_features))


class Tied(OneEach):
    """A structure that ties a part of the matrices, their volume, shape or orientation."""

    @property
    def are_independent(self) -> bool:
        return False

    @property
    def why_no_prior(self) -> str:
        return (
            f"The matrices of {self.code} are tied in a way for which no prior is defined: fit it by maximum likelihood "
            "(fit_em with prior=None), or take VVV, EEE, VVI, EEI, VII or EII."
        )
