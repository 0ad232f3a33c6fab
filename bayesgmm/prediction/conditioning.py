"""Some features given the others: the conditional mixture at a point, and Gaussian mixture regression at many rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import find_structure
from bayesgmm.mixture import Mixture
from bayesgmm.prediction.normal import normal_mixture
from bayesgmm.table import Table
from bayesgmm.validation import LARGEST_VALUE, finite_array, integer_array, told

type Array = NDArray[np.float64]

BLOCK_VALUES = 2**20  # of conditional means of components held at a time


@dataclass(frozen=True, eq=False)
class Regression:
    """Moments of the features that were not given, in their order in the mixture.

    Attributes
    ----------
    means : ndarray of shape (n_observations, n_rest)
        The regression function: the best prediction under squared error.
    covariances : ndarray of shape (n_observations, n_rest, n_rest)
        How far the features may lie from it; unlike in linear regression it changes with what is given.
    """

    means: Array
    covariances: Array


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What does not depend on the values: the laws of the given features and of the rest, and how one moves the other.

    Component k of the rest has mean ``rest.means[k] + slopes[k] @ (values - given.means[k])`` and covariance
    ``rest.covariances[k]``.
    """

    given: Mixture
    rest: Mixture
    slopes: Array

    @classmethod
    def on(cls, mixture: Mixture, given: Sequence[int] | int) -> "Conditioning":
        """Condition on features by their number; see :func:`conditional`."""
        mixture = normal_mixture(mixture, "The conditional law")
        index, rest = _split(given, mixture.n_features)
        known, other = mixture.marginal(index), mixture.marginal(rest)
        if mixture.structure.is_diagonal:  # features are independent within components: only the weights learn
            return cls(known, other, np.zeros((mixture.n_components, len(rest), len(index))))
        # Of Sigma with the given features first, L = [[L_gg, 0], [L_rg, L_rr]]: the slopes are L_rg L_gg^-1, and what is left
        # of the covariance is L_rr L_rr', which no cancellation can make indefinite.
        root = np.linalg.cholesky(mixture.marginal([*index, *rest]).covariances)
        g = len(index)
        slopes = np.swapaxes(np.linalg.solve(np.swapaxes(root[:, :g, :g], 1, 2), np.swapaxes(root[:, g:, :g], 1, 2)), 1, 2)
        left = root[:, g:, g:] @ np.swapaxes(root[:, g:, g:], 1, 2)
        return cls(known, Mixture(mixture.weights, other.means, left, find_structure("full")), slopes)

    def weights(self, values: Array) -> Array:
        """P(component k | values), shape (n, K): marginal densities, normalised in logs and so far in the tails too."""
        return self.given.responsibilities(values)

    def means(self, values: Array) -> Array:
        """Of each component at each row, shape (n, K, n_rest)."""
        away = values[:, None, :] - self.given.means
        return np.asarray(self.rest.means + np.einsum("krg,nkg->nkr", self.slopes, away))


def conditional(mixture: Mixture, given: Sequence[int] | int, values: Any) -> Mixture:
    r"""Distribution of the remaining features when some are known: a mixture again.

    .. math::
        p(x_r \mid x_g) = \sum_k r_k(x_g)\,
        \mathcal N\bigl(x_r;\ \mu_{kr} + \Sigma_{krg}\Sigma_{kgg}^{-1}(x_g-\mu_{kg}),\
        \Sigma_{krr} - \Sigma_{krg}\Sigma_{kgg}^{-1}\Sigma_{kgr}\bigr), \qquad
        r_k(x_g) \propto w_k\,\mathcal N(x_g;\mu_{kg},\Sigma_{kgg})

    Parameters
    ----------
    mixture : Mixture
    given : sequence of int
        Features that are known, by their number 0..d-1; at least one must remain.
    values : array-like of shape (len(given),)
        Their values, in the same order and in the units used for fitting.

    Returns
    -------
    Mixture
        Of the other features, in their order, with as many components; structure VVV, or that of the features' marginal where
        it is diagonal.

    Raises
    ------
    ValueError
        If ``given`` are no features or all of them, or the values are not finite or not as many.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0, 0.0], [4.0, 4.0]], [[[1.0, 0.5], [0.5, 1.0]]] * 2)
    >>> c = conditional(m, given=[0], values=[2.0])
    >>> c.weights, c.means.ravel(), c.covariances.ravel()
    (array([0.5, 0.5]), array([1., 3.]), array([0.75, 0.75]))
    """
    parts = Conditioning.on(mixture, given)
    row = finite_array(np.atleast_1d(values), "values", (parts.given.n_features,), most=LARGEST_VALUE)[None]
    return replace(parts.rest, weights=parts.weights(row)[0], means=parts.means(row)[0])


def regression(mixture: Mixture, given: Sequence[int] | int, X: Any) -> Regression:
    r"""Mean and covariance of the remaining features at many values of the given ones: Gaussian mixture regression.

    With :math:`r_{ik}`, :math:`m_{ik}` and :math:`C_k` the weights, means and covariances of :func:`conditional`,

    .. math:: m_i = \sum_k r_{ik} m_{ik}, \qquad C_i = \sum_k r_{ik}\{C_k + (m_{ik}-m_i)(m_{ik}-m_i)'\}

    Parameters
    ----------
    mixture : Mixture
    given : sequence of int
        Features that are known, by their number 0..d-1; at least one must remain.
    X : array-like of shape (n_observations, len(given))
        The given features only, in the order of ``given``.

    Returns
    -------
    Regression
        ``means`` (n, n_rest) and ``covariances`` (n, n_rest, n_rest).

    Raises
    ------
    ValueError
        If ``given`` are no features or all of them, or ``X`` is not finite or has other columns.

    References
    ----------
    Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, NeurIPS 6:120-127.

    Examples
    --------
    >>> m = Mixture.from_parameters([0.5, 0.5], [[0.0, 0.0], [4.0, 4.0]], [[[1.0, 0.5], [0.5, 1.0]]] * 2)
    >>> regression(m, given=[0], X=[[2.0]]).means
    array([[2.]])
    """
    parts = Conditioning.on(mixture, given)
    values = Table.of(X).values
    n_given, n_rest = parts.given.n_features, parts.rest.n_features
    if values.shape[1] != n_given:
        raise ValueError(
            f"X has {values.shape[1]} columns, and {n_given} features are given: give these columns alone, in the order of "
            "`given` (of an array with all features, X[:, given])."
        )
    means, covariances = np.empty((len(values), n_rest)), np.empty((len(values), n_rest, n_rest))
    step = max(1, BLOCK_VALUES // (parts.rest.n_components * n_rest))
    for rows in (slice(first, first + step) for first in range(0, len(values), step)):
        shares, of_components = parts.weights(values[rows]), parts.means(values[rows])
        means[rows] = np.einsum("nk,nkr->nr", shares, of_components)
        away = of_components - means[rows, None]
        covariances[rows] = np.einsum("nk,krs->nrs", shares, parts.rest.covariances)
        covariances[rows] += np.swapaxes(shares[:, :, None] * away, 1, 2) @ away
    return Regression(means, covariances)


def _split(given: Sequence[int] | int, n_features: int) -> tuple[list[int], list[int]]:
    """The numbers of the given features, and of the others."""
    asked = np.atleast_1d(np.asarray(given, dtype=object))
    index = integer_array(asked, "given", (asked.size,)).tolist()
    if not index or len(set(index)) < len(index) or not set(index) <= set(range(n_features)):
        raise ValueError(f"given must be some of 0..{n_features - 1}, each once, got {told(given)}.")
    rest = [j for j in range(n_features) if j not in index]
    if not rest:
        raise ValueError(
            f"All {n_features} features are given, so that nothing remains to be told; for the density there use "
            "mixture.log_density."
        )
    return index, rest
