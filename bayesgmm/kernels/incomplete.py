"""Expected statistics of rows of which more or less is known: some cells missing, or the component known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.densities import component_constants
from bayesgmm.kernels.statistics import expected_statistics, mirror, nothing
from bayesgmm.kernels.triangles import precision_factors


class Pieces(NamedTuple):
    """Rows in pieces, of each of which the same is known; P pieces.

    Attributes
    ----------
    values : ndarray
        The known cells of all rows, one after the other.
    weights : ndarray of shape (n_observations,)
        Of the rows in the same order.
    starts, rows : ndarray of int64, shape (P + 1,)
        Where each piece begins among the cells and among the rows.
    known : ndarray of int64, shape (P, n_features)
        The known features of each piece, then -1.
    labels : ndarray of int64, shape (P,)
        The component of its rows, -1 where it is not known.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    known: NDArray[np.int64]
    labels: NDArray[np.int64]


@jit
def diagonal_parts(means, covariances, seen):
    """Means and square roots of precisions of some features."""
    out = np.empty((means.shape[0], len(seen)))
    roots = np.empty((means.shape[0], len(seen)))
    for k in range(means.shape[0]):
        for i in range(len(seen)):
            out[k, i] = means[k, seen[i]]
            roots[k, i] = 1.0 / np.sqrt(covariances[k, seen[i], seen[i]])
    return out, roots


@jit
def full_parts(means, covariances, seen):
    """Means and precision factors of some features."""
    d = len(seen)
    out, matrices = np.empty((means.shape[0], d)), np.empty((means.shape[0], d, d))
    for k in range(means.shape[0]):
        for i in range(d):
            out[k, i] = means[k, seen[i]]
            for j in range(d):
                matrices[k, i, j] = covariances[k, seen[i], seen[j]]
    return out, precision_factors(matrices)[1]


@jit
def complete_diagonal(count, part_sums, part_scatter, seen, covariance, sums, scatter):
    """Add a component's statistics of some features, and of the others what they are expected to be: (d,) arrays."""
    hidden = np.ones(covariance.shape[0], np.bool_)
    for i in range(len(seen)):
        hidden[seen[i]] = False
        sums[seen[i]] += part_sums[i]
        scatter[seen[i]] += part_scatter[i]
    for j in range(covariance.shape[0]):
        if hidden[j]:
            scatter[j] += count * covariance[j, j]


@jit
def complete_full(count, part_sums, part_scatter, seen, covariance, factor, sums, scatter):
    r"""The same with correlations.

    With :math:`B = \Sigma_{mo}\Sigma_{oo}^{-1}`, about the means,

    .. math:: s_m = B s_o,\quad S_{mo} = B S_{oo},\quad S_{mm} = B S_{oo} B' + n\,(\Sigma_{mm} - B \Sigma_{om}).
    """
    d, m = covariance.shape[0], len(seen)
    spread = np.zeros((d, m))  # the identity for the seen, B for the others
    hidden = np.ones(d, np.bool_)
    for i in range(m):
        hidden[seen[i]] = False
        spread[seen[i], i] = 1.0
    for j in range(d):
        if hidden[j]:
            for c in range(m):  # Sigma_mo L
                entry = 0.0
                for i in range(c, m):
                    entry += covariance[j, seen[i]] * factor[i, c]
                for i in range(c, m):
                    spread[j, i] += entry * factor[i, c]
    for j in range(d):
        for i in range(m):
            sums[j] += spread[j, i] * part_sums[i]
    half = spread @ part_scatter
    for j in range(d):
        for i in range(j + 1):
            entry = 0.0
            for c in range(m):
                entry += half[j, c] * spread[i, c]
            if hidden[j] and hidden[i]:
                left = covariance[j, i]
                for c in range(m):
                    left -= spread[j, c] * covariance[seen[c], i]
                entry += count * left
            scatter[j, i] += entry


@jit
def incomplete_statistics(
    values, row_weights, starts, rows, known, labels, weights, means, covariances, factors, noise, first, last
):
    """What ``expected_statistics`` returns, of the pieces from ``first`` up to ``last``, and the count of noise.

    Parameters
    ----------
    values, row_weights, starts, rows, known, labels
        Of :class:`Pieces`.
    weights, means, covariances : ndarray
        Of the mixture.
    factors : ndarray of shape (K, d, d), or (K, d) where all covariances are diagonal
        Tells which of these forms the statistics have.
    noise : ndarray of shape (P,), or (0,)
        Log weight of noise plus its log density in each piece; empty where there is none.

    References
    ----------
    Ghahramani & Jordan (1994), Supervised learning from incomplete data via an EM approach, NIPS 6.
    """
    n_components, d = means.shape
    counts, sums, scatter = nothing(means, factors)
    log_likelihood, noise_count = 0.0, 0.0
    for p in range(first, last):
        n_known = 0
        while n_known < d and known[p, n_known] >= 0:
            n_known += 1
        seen = known[p, :n_known]
        chosen = slice(0, n_components) if labels[p] < 0 else slice(labels[p], labels[p] + 1)
        if factors.ndim == 2:
            part_means, roots = diagonal_parts(means[chosen], covariances[chosen], seen)
        else:
            part_means, roots = full_parts(means[chosen], covariances[chosen], seen)
        constants = component_constants(weights[chosen], roots)
        if len(noise) and labels[p] < 0:
            constants = np.append(constants, noise[p])
            part_means = np.concatenate((part_means, part_means[:1]))
            roots = np.concatenate((roots, np.zeros_like(roots[:1])))
        data = values[starts[p] : starts[p + 1]].reshape(rows[p + 1] - rows[p], n_known)
        likelihood, part_counts, part_sums, part_scatter = expected_statistics(
            data, row_weights[rows[p] : rows[p + 1]], constants, part_means, roots
        )
        log_likelihood += likelihood
        for a in range(chosen.stop - chosen.start):
            k = chosen.start + a
            counts[k] += part_counts[a]
            if factors.ndim == 2:
                complete_diagonal(part_counts[a], part_sums[a], part_scatter[a], seen, covariances[k], sums[k], scatter[k])
            else:
                part = part_sums[a], part_scatter[a]
                complete_full(part_counts[a], *part, seen, covariances[k], roots[a], sums[k], scatter[k])
        if len(noise) and labels[p] < 0:
            noise_count += part_counts[n_components]
    mirror(scatter)
    return log_likelihood, counts, sums, scatter, noise_count
