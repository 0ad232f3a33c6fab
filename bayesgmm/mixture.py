"""Mixture: the parameters of a Gaussian mixture, frozen, and what can be said about data at them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.covariance import Structure, find_structure
from bayesgmm.noise import Noise
from bayesgmm.observations import Observations
from bayesgmm.sources import source_of
from bayesgmm.statistics import SufficientStatistics
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.table import Table
from bayesgmm.validation import LARGEST_VALUE, finite_array, integer_array, positive_definite, positive_integer, told

SMALL = 16  # features, up to which loops of our own are faster than calls of LAPACK


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""A Gaussian mixture :math:`p(x) = \sum_k w_k\,\mathcal N(x;\mu_k,\Sigma_k)`, plus :math:`w_0/V` with noise.

    Inside the package parameters are trusted; from outside come :meth:`from_parameters`.

    Attributes
    ----------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)
        Always expanded, whatever the structure.
    structure : Structure
    noise : Noise, optional
        A uniform component, for rows of no group.
    noise_weight : float
        Its weight, which those of the components sum to one with.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    structure: Structure
    noise: Noise | None = None
    noise_weight: float = 0.0

    def __post_init__(self) -> None:
        for array in (self.weights, self.means, self.covariances):
            array.flags.writeable = False

    @classmethod
    def from_parameters(cls, weights: Any, means: Any, covariances: Any, covariance: str = "full") -> Self:
        """Build a mixture from parameters that are checked.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Non-negative, summing to one.
        means : array-like of shape (n_components, n_features)
        covariances : array-like of shape (n_components, n_features, n_features)
            Symmetric positive definite, of the structure named.
        covariance : str
            Name of the covariance structure.

        Raises
        ------
        ValueError
            If shapes disagree, weights do not sum to one, or a matrix is not positive definite or not of the structure.

        Examples
        --------
        >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])
        >>> m.log_density([[0.0]]).round(4)
        array([-1.601])
        """
        structure = find_structure(covariance)
        means = finite_array(means, "means", most=LARGEST_VALUE)
        if means.ndim != 2 or 0 in means.shape:
            raise ValueError(f"means must have shape (n_components, n_features), got {means.shape}.")
        n_components, n_features = means.shape
        weights = finite_array(weights, "weights", (n_components,))
        if (weights < 0).any() or abs(weights.sum() - 1) > 1e-8:
            raise ValueError(
                f"weights must be at least 0 and sum to 1; they are {told(weights.tolist())} and sum to {weights.sum():.10g}."
            )
        matrices = positive_definite(covariances, "covariances", (n_components, n_features, n_features))
        if not structure.holds(matrices):
            raise ValueError(
                f"covariances do not have the structure {structure.code}; name the one they have ('full' always fits)."
            )
        return cls(weights / weights.sum(), means, structure.tied(matrices).copy(), structure)

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def n_features(self) -> int:
        """d."""
        return int(self.means.shape[1])

    @cached_property
    def precision_factors(self) -> NDArray[np.float64]:
        """Lower triangular L_k with P_k = L_k L_k' (K, d, d), or for diagonal structures sqrt(diag P_k) (K, d)."""
        if self.structure.is_diagonal:
            return np.asarray(1.0 / np.sqrt(np.diagonal(self.covariances, axis1=-2, axis2=-1)))
        return precision_factors(self.covariances)

    @property
    def all_weights(self) -> NDArray[np.float64]:
        """Weights of the components, and of the noise after them where there is one."""
        return self.weights if self.noise is None else np.append(self.weights, self.noise_weight)

    @property
    def without_noise(self) -> "Mixture":
        """The distribution of rows that are no noise; the mixture itself where there is none."""
        if self.noise is None:
            return self
        return replace(self, weights=self.weights / self.weights.sum(), noise=None, noise_weight=0.0)

    @cached_property
    def _kernel_arguments(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Components as the kernels take them; noise is one more, whose precision is zero."""
        factors, means = self.precision_factors, self.means
        constants = kernels.component_constants(self.weights, factors)
        if self.noise is None:
            return constants, means, factors
        with np.errstate(divide="ignore"):
            constant = np.log(self.noise_weight) + self.noise.log_density()
        return (
            np.append(constants, constant),
            np.vstack([means, means[:1]]),
            np.concatenate([factors, np.zeros_like(factors[:1])]),
        )

    def expected_statistics(self, observations: Observations) -> SufficientStatistics:
        """The E-step: expected counts, sums and scatter about the means, and the log-likelihood, in one pass."""
        if not observations.has_missing and not observations.is_labelled:
            log_likelihood, counts, sums, scatter = observations.e_step(*self._kernel_arguments)
            k = self.n_components
            noise_count = 0.0 if self.noise is None else float(counts[k])
            return SufficientStatistics(counts[:k], sums[:k], scatter[:k], self.means, log_likelihood, noise_count)
        pieces, noise = observations.pieces, np.empty(0)
        if self.noise is not None:
            with np.errstate(divide="ignore"):
                noise = np.log(self.noise_weight) + self.noise.log_densities(pieces.known)
        found = kernels.threaded_incomplete(pieces, (self.weights, self.means, self.covariances, self.precision_factors), noise)
        log_likelihood, counts, sums, scatter, noise_count = found
        return SufficientStatistics(counts, sums, scatter, self.means, log_likelihood, noise_count)

    @cached_property
    def _known_marginals(self) -> dict[tuple[int, ...], "Mixture"]:
        return {}

    def _seen(self, features: tuple[int, ...]) -> "Mixture":
        """The distribution of what is known of some rows."""
        if features not in self._known_marginals:
            self._known_marginals[features] = self.marginal(features)
        return self._known_marginals[features]

    def log_density(self, X: Any, allow_missing: bool = False) -> NDArray[np.float64]:
        r"""Log density of each observation, :math:`\log p(x_i)`.

        Parameters
        ----------
        X : array-like of shape (n_observations, n_features)
            Data, in the units used for fitting.
        allow_missing : bool
            Take rows with missing cells, whose density is that of what is known of them. Labels say nothing here.

        Returns
        -------
        ndarray of shape (n_observations,)

        Raises
        ------
        ValueError
            If ``X`` is not finite or has another number of features than the mixture.
        """
        return self._by_group(_log_densities, X, allow_missing)

    def responsibilities(self, X: Any, allow_missing: bool = False) -> NDArray[np.float64]:
        r"""Posterior probability that each observation came from each component.

        .. math:: r_{ik} = w_k\,\mathcal N(x_i;\mu_k,\Sigma_k) \,/\, \sum_l w_l\,\mathcal N(x_i;\mu_l,\Sigma_l)

        Parameters
        ----------
        X : array-like of shape (n_observations, n_features)
            Data, in the units used for fitting.
        allow_missing : bool
            Take rows with missing cells.

        Returns
        -------
        ndarray of shape (n_observations, n_components)
            Rows sum to one, or with noise to one minus its probability.

        Raises
        ------
        ValueError
            If ``X`` is not finite or has another number of features than the mixture.
        """
        return self.all_responsibilities(X, allow_missing)[:, : self.n_components]

    def all_responsibilities(self, X: Any, allow_missing: bool = False) -> NDArray[np.float64]:
        """:meth:`responsibilities` with a last column for the noise where there is one."""
        return self._by_group(_shares, X, allow_missing)

    def predict(self, X: Any, allow_missing: bool = False) -> NDArray[np.int64]:
        """Most probable component of each observation, shape (n_observations,); -1 where noise is likelier than all."""
        likeliest = self._by_group(_likeliest, X, allow_missing)
        return np.where(likeliest < self.n_components, likeliest, -1)

    def sample(self, n: int, seed: Seed = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draw observations.

        Parameters
        ----------
        n : int
            How many.
        seed : int, SeedSequence or Generator

        Returns
        -------
        X : ndarray of shape (n, n_features)
        labels : ndarray of shape (n,)
            The component that each came from; -1 for noise, which is uniform in its box.
        """
        rng = stream(seed_sequence(seed), Use.SAMPLE)
        labels = rng.choice(len(self.all_weights), size=positive_integer(n, "n"), p=self.all_weights)
        labels[labels == self.n_components] = -1
        normals = rng.standard_normal((len(labels), self.n_features))
        roots = np.linalg.cholesky(self.covariances)
        X = self.means[labels] + np.einsum("nij,nj->ni", roots[labels], normals)
        if self.noise is not None:
            X[labels == -1] = self.noise.sample(int((labels == -1).sum()), rng)
        return X, labels

    def permuted(self, order: Sequence[int] | NDArray[np.int64]) -> "Mixture":
        """The same mixture with component ``order[k]`` in place k; ``order`` holds each of 0..K-1 once."""
        index = integer_array(order, "order", (self.n_components,))
        if not np.array_equal(np.sort(index), np.arange(self.n_components)):
            raise ValueError(f"order must hold each of 0..{self.n_components - 1} once, got {told(order)}.")
        return replace(self, weights=self.weights[index], means=self.means[index], covariances=self.covariances[index])

    def marginal(self, features: Sequence[int]) -> "Mixture":
        """The distribution of these features alone, in this order: the mixture of the components' marginals.

        Its structure is VVI or VVV where that of some features does not have this one's.
        """
        index = integer_array(features, "features", (len(features),)).tolist()
        if not index or len(set(index)) < len(index) or not set(index) <= set(range(self.n_features)):
            raise ValueError(f"features must be some of 0..{self.n_features - 1}, each once, got {told(features)}.")
        noise, structure = None if self.noise is None else self.noise.marginal(index), self.structure
        if len(index) < self.n_features and not structure.has_marginals:
            structure = find_structure("diag" if structure.is_diagonal else "full")
        covariances = self.covariances[:, index][:, :, index]
        return replace(self, means=self.means[:, index], covariances=covariances, structure=structure, noise=noise)

    def _by_group(self, kernel: Callable[..., NDArray[Any]], X: Any, allow_missing: bool) -> NDArray[Any]:
        """What a kernel returns for each row, by the marginal of what is seen of it."""
        if (source := source_of(X)) is not None:
            X = Observations.stored(source)
        given = X if isinstance(X, Observations) else None
        if given is not None and given.is_stored:
            return np.concatenate(list(given.mapped(partial(self._by_group, kernel, allow_missing=allow_missing))))
        values = Table.of(X, allow_missing=allow_missing).values if given is None else given.values
        self._require_features(values)
        if not (given.has_missing if given else allow_missing):
            return np.asarray(kernel(values, *self._kernel_arguments))
        rows = given or Observations(values, np.broadcast_to(1.0, (len(values),)), tuple(map(str, range(self.n_features))))
        out = np.empty(0)
        for where, known, _ in rows.patterns:
            found = np.asarray(kernel(values[np.ix_(where, known)], *self._seen(tuple(known.tolist()))._kernel_arguments))
            out = out if out.size else np.empty((len(values), *found.shape[1:]), found.dtype)
            out[where] = found
        return out

    def _require_features(self, values: NDArray[np.float64]) -> None:
        if values.shape[1] != self.n_features:
            is_row = values.shape == (self.n_features, 1)
            cure = "one row of them is X.reshape(1, -1)" if is_row else "give the columns that it was fitted to"
            raise ValueError(f"The data have {values.shape[1]} features, the mixture has {self.n_features}: {cure}.")


# Functions of this module, for a kernel goes to other processes as its source, to be compiled anew.


def _log_densities(values: NDArray[Any], *components: NDArray[Any]) -> NDArray[Any]:
    """The log density of each row (n,)."""
    return np.asarray(kernels.log_density(values, *components))


def _shares(values: NDArray[Any], *components: NDArray[Any]) -> NDArray[Any]:
    """Responsibilities of all components, the noise among them (n, K)."""
    return np.asarray(kernels.responsibilities(values, *components))


def _likeliest(values: NDArray[Any], *components: NDArray[Any]) -> NDArray[Any]:
    """The most probable component of each row (n,)."""
    return np.asarray(kernels.responsibilities(values, *components).argmax(axis=1))


def precision_factors(covariances: NDArray[Any]) -> NDArray[np.float64]:
    """Lower triangular L with Sigma^-1 = L L', for matrices (..., d, d).

    The Cholesky factor of the matrix with rows and columns reversed gives Sigma = U U' with U upper triangular, and L = U^-T:
    no inverse of Sigma is formed.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not positive definite.
    """
    if covariances.shape[-1] <= SMALL:
        matrices = np.ascontiguousarray(covariances).reshape(-1, *covariances.shape[-2:])
        are_definite, small = kernels.precision_factors(matrices)
        if not are_definite:
            raise np.linalg.LinAlgError("Matrix is not positive definite")
        return np.asarray(small.reshape(covariances.shape))
    reversed_root = np.linalg.cholesky(covariances[..., ::-1, ::-1])
    upper = reversed_root[..., ::-1, ::-1]
    return np.ascontiguousarray(np.swapaxes(np.linalg.inv(upper), -1, -2))
