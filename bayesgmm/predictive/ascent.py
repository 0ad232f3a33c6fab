"""Where the density of each of many mixtures has its modes: exactly on a line, from the component means in several features."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesgmm.draws import Draws, blocks
from bayesgmm.prediction.line import STEPS, turning_points

type Array = NDArray[np.float64]
type Whose = NDArray[np.int64]  # which draw each of some points belongs to

FOUND = 1e-9  # length of a step, in the metric of the local precision, at which a climb has arrived
SAME = 1e-4  # the same between two arrivals at one mode
MOST_STEPS = 2000
ROUNDING = 1e-13  # of a log density
FLAT = 1e-9  # curvature, in the same metric, below which a stationary point is no mode: numerically it may be a saddle


def modes_of(draws: Draws) -> list[Array]:
    """Modes (M, d) of the density of each draw, chain after chain."""
    k, d = draws.means.shape[2:]
    weights, means = draws.weights.reshape(-1, k), draws.means.reshape(-1, k, d)
    covariances = draws.covariances.reshape(-1, k, d, d)
    found: list[Array] = []
    for some in blocks(len(weights), k * k * (len(STEPS) if d == 1 else d * d)):
        if d == 1:
            with np.errstate(divide="ignore"):
                lines = np.log(weights[some]), means[some, :, 0], np.sqrt(covariances[some, :, 0, 0])
            found += [modes[:, None] for modes, _ in turning_points(*lines)]
        else:
            found += _climbed(weights[some], means[some], covariances[some])
    return found


def _climbed(weights: Array, means: Array, covariances: Array) -> list[Array]:
    """The modes that are reached from each component mean, of mixtures (S, K), (S, K, d), (S, K, d, d)."""
    precisions = np.linalg.inv(covariances)
    with np.errstate(divide="ignore"):
        constants = np.log(weights) - 0.5 * np.linalg.slogdet(covariances)[1]
    which, start = np.nonzero(weights > 0)  # places without a component have no mean
    points, is_mode = _climb(means[which, start], which, constants, means, precisions)
    which, points = which[is_mode], points[is_mode]
    ends = np.searchsorted(which, np.arange(len(means) + 1))
    return [
        _distinct(points[first:last], constants[s], means[s], precisions[s]) for s, (first, last) in enumerate(pairwise(ends))
    ]


def _climb(x: Array, which: Whose, constants: Array, means: Array, precisions: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Go up from points (N, d), each under the mixture ``which`` says: where they arrive, and whether that is a mode.

    The step is Newton's where the log density is concave and no lower at its end, otherwise modal EM's, which never descends.
    """
    x, is_mode, going = x.copy(), np.zeros(len(x), bool), np.arange(len(x))
    for _ in range(MOST_STEPS):
        here, s = x[going], which[going]
        mixture = constants[s], means[s], precisions[s]
        height, gradient, hessian, metric = _shape(here, *mixture)
        ascent = np.linalg.solve(metric, gradient[..., None])[..., 0]  # modal EM's step
        # in the metric of the local precision both the curvature and the length of steps have no units
        root = np.linalg.inv(np.linalg.cholesky(metric))
        least = -np.linalg.eigvalsh(root @ hessian @ np.swapaxes(root, 1, 2))[:, -1]
        is_concave = least > FLAT
        newton = np.zeros_like(ascent)
        newton[is_concave] = -np.linalg.solve(hessian[is_concave], gradient[is_concave, :, None])[..., 0]
        slack = ROUNDING * (1 + np.abs(height))
        better = is_concave & (_height(here + newton, *mixture) >= height - slack)
        step = np.where(better[:, None], newton, ascent)
        length = np.sqrt(np.einsum("ni,nij,nj->n", step, metric, step))
        x[going] += step
        arrived = length < FOUND
        is_mode[going[arrived]] = is_concave[arrived]
        going = going[~arrived]
        if not going.size:
            break
    is_mode[going] = True  # on a ridge so flat that it takes no end: where it has come to
    return x, is_mode


def _height(x: Array, constants: Array, means: Array, precisions: Array) -> Array:
    """log p(x) to a constant for points (N, d), each under a mixture of its own."""
    away = means - x[:, None]
    squares = (np.einsum("nkij,nkj->nki", precisions, away) * away).sum(axis=-1)
    return np.asarray(logsumexp(constants - 0.5 * squares, axis=1))


def _shape(x: Array, constants: Array, means: Array, precisions: Array) -> tuple[Array, Array, Array, Array]:
    """log p(x) to a constant, its gradient and Hessian, and sum_k r_k P_k, for points (N, d), each under a mixture of its own."""
    away = means - x[:, None]
    pulls = np.einsum("nkij,nkj->nki", precisions, away)
    joint = constants - 0.5 * (pulls * away).sum(axis=-1)
    height: Array = logsumexp(joint, axis=1)
    shares = np.exp(joint - height[:, None])
    gradient = np.einsum("nk,nki->ni", shares, pulls)
    metric = np.einsum("nk,nkij->nij", shares, precisions)
    spread = np.einsum("nk,nki,nkj->nij", shares, pulls, pulls) - gradient[:, :, None] * gradient[:, None, :]
    return np.asarray(height), gradient, spread - metric, metric


def _distinct(points: Array, constants: Array, means: Array, precisions: Array) -> Array:
    """Each of the points at which several climbs arrived once, under one mixture."""
    copies = (np.broadcast_to(part, (len(points), *part.shape)) for part in (constants, means, precisions))
    metric = _shape(points, *copies)[3]
    apart = points[:, None] - points
    squares = np.einsum("mni,mij,mnj->mn", apart, metric, apart)
    return np.asarray(points[~np.tril(squares < SAME**2, -1).any(axis=1)])
