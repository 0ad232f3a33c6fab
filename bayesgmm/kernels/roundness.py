"""Whether covariance matrices are far from singular, by bounds that cost little."""

import math

import numpy as np

from bayesgmm.kernels.compilation import jit


@jit
def least_eigenvalue(log_determinant, trace, d):
    """A lower bound: the product of the other d - 1 eigenvalues is at most that of equal ones with all of the trace."""
    return math.exp(log_determinant - (d - 1) * math.log(trace / max(d - 1, 1)))


@jit
def are_round(covariances, units, most, inverse, log_determinant, floor, of_correlations, least, of_few, few):
    """Whether no eigenvalue of any matrix can be too small; it may be False where the bounds are only not sharp.

    Parameters
    ----------
    covariances : ndarray of shape (K, d, d)
    units : ndarray of shape (d,)
        In which they are measured.
    most : float
        Entries beyond it, which may have overflowed, are taken for it.
    inverse : ndarray of shape (d, d) or (0, 0)
        Of S in these units, with its log determinant: of S^-1 Sigma_k the eigenvalues count too. Empty where S is singular.
    floor, of_correlations : float
        What the eigenvalues of Sigma_k and of its correlations must exceed.
    least, of_few : float
        What those of S^-1 Sigma_k must exceed: of most components, and of those that hold few rows.
    few : ndarray of bool, shape (K,)
        Which components these are.
    """
    d = len(units)
    root = np.empty((d, d))
    for k in range(len(covariances)):
        trace, weighted, log_variances, log_size = 0.0, 0.0, 0.0, 0.0
        for i in range(d):
            for j in range(i + 1):
                entry = min(max(covariances[k, i, j] / (units[i] * units[j]), -most), most)
                root[i, j] = entry
                if len(inverse):
                    weighted += entry * inverse[i, j] * (1.0 if i == j else 2.0)
            if not root[i, i] > 0.0:
                return False
            trace += root[i, i]
            log_variances += math.log(root[i, i])
        for j in range(d):  # Cholesky's factor in place
            for m in range(j):
                root[j, j] -= root[j, m] ** 2
            if not root[j, j] > 0.0:
                return False
            log_size += math.log(root[j, j])
            root[j, j] = math.sqrt(root[j, j])
            for i in range(j + 1, d):
                for m in range(j):
                    root[i, j] -= root[i, m] * root[j, m]
                root[i, j] /= root[j, j]
        if not least_eigenvalue(log_size, trace, d) > floor:
            return False
        if not least_eigenvalue(log_size - log_variances, float(d), d) > of_correlations:
            return False
        if len(inverse) and not least_eigenvalue(log_size - log_determinant, weighted, d) > (of_few if few[k] else least):
            return False
    return True
