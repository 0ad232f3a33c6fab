"""M-steps of covariances that share a shape or their axes: small algebra that has no closed form, in machine code."""

import math

import numpy as np

from bayesgmm.kernels.compilation import jit
from bayesgmm.kernels.triangles import divided, factored

STEPS = 100  # of Newton's method; it needs about six
HALVINGS = 40
ROUNDING = 1e-14  # of the loss of a row, and of a step
SWEEPS = 500  # over the pairs of axes
STILL = 1e-10  # sine of an angle by which axes are no longer turned


@jit
def whitened(parts):
    """Parts in units in which their sum is the identity, and the log determinant of the sum; NaN where it is singular."""
    total, out = parts.sum(axis=0), np.empty(parts.shape)
    if parts.ndim == 2:
        for j in range(len(total)):
            if not total[j] > 0.0:
                return out, np.nan
        for k in range(parts.shape[0]):
            for j in range(parts.shape[1]):
                out[k, j] = parts[k, j] / total[j]
        return out, np.log(total).sum()
    if not factored(total):
        return out, np.nan
    log_determinant = 0.0
    for j in range(parts.shape[1]):
        log_determinant += 2.0 * math.log(total[j, j])
    for k in range(parts.shape[0]):
        half = parts[k].copy()
        divided(total, half)
        half = half.T.copy()
        divided(total, half)
        out[k] = half
    return out, log_determinant


@jit
def inner_products(parts):
    """tr(V_k V_l), (K, K), and tr(V_k), (K,), of symmetric matrices or of diagonals."""
    k = parts.shape[0]
    flat, traces, products = parts.reshape(k, -1), np.zeros(k), np.empty((k, k))
    for a in range(k):
        for j in range(parts.shape[1]):
            traces[a] += parts[a, j] if parts.ndim == 2 else parts[a, j, j]
        for b in range(a + 1):
            products[a, b] = products[b, a] = (flat[a] * flat[b]).sum()
    return products, traces


@jit
def scaled(parts, logs):
    """Each part times the exponential of its number."""
    out = np.empty(parts.shape)
    for k in range(parts.shape[0]):
        out[k] = math.exp(logs[k]) * parts[k]
    return out


@jit
def log_volumes(counts, scatter):
    r"""Logs of the factors of proportional matrices :math:`\lambda_k C` that maximise the expected log-likelihood.

    With :math:`u_k = -\log\lambda_k` it falls as :math:`n \log|\sum_k e^{u_k} S_k| - p \sum_k n_k u_k` rises, which is convex in
    u: Newton's method, each time in units in which the sum is the identity.

    Parameters
    ----------
    counts : ndarray of shape (K,)
    scatter : ndarray of shape (K, p, p), or (K, p) for diagonals

    Returns
    -------
    ndarray of shape (K,)
        Minus infinity for a part that is nothing; NaN where all together are singular.
    """
    n_parts, p, n = scatter.shape[0], scatter.shape[1], counts.sum()
    u, step = np.zeros(n_parts), np.zeros(n_parts)
    parts, log_determinant = whitened(scatter)
    if math.isnan(log_determinant):
        return np.full(n_parts, np.nan)
    for number in range(STEPS):
        products, traces = inner_products(parts)
        there = (traces > 0.0) & (counts > 0.0)
        slope = np.where(there, n * traces - p * counts, 0.0)
        if number and np.abs(slope).max() <= 1e-13 * n * p:
            break
        # a block of its own maximum first, which descends from anywhere; then Newton's steps
        for k in range(n_parts):
            step[k] = math.log(p * counts[k] / (n * traces[k])) if there[k] else 0.0
        if number:
            curvature = -n * products + n * p / n_parts  # along equal steps there is none: any will do
            for k in range(n_parts):
                curvature[k, k] = curvature[k, k] + n * traces[k] if there[k] else 1.0
                for m in range(n_parts):
                    if m != k and not (there[k] and there[m]):
                        curvature[k, m] = 0.0
            if factored(curvature):
                newton = -slope.reshape(-1, 1)
                divided(curvature, newton)
                for i in range(n_parts - 1, -1, -1):  # and by the transposed factor
                    for m in range(i + 1, n_parts):
                        newton[i, 0] -= curvature[m, i] * newton[m, 0]
                    newton[i, 0] /= curvature[i, i]
                if (slope * newton[:, 0]).sum() < 0.0:
                    step[:] = newton[:, 0]
        size = 1.0
        for _ in range(HALVINGS):
            tried, change = whitened(scaled(parts, size * step))
            if n * change - p * size * (counts * step).sum() <= ROUNDING * n * p:
                break
            size *= 0.5
        else:
            break  # no step descends any more: rounding
        u += size * step
        parts = tried
        if np.abs(step).max() <= ROUNDING:
            break
    _, traces = inner_products(scatter)
    return np.where(traces > 0.0, -u, -np.inf)


@jit
def variances_along(counts, scatter, equal_volumes):
    """Variances (K, d) along given axes that maximise the expected log-likelihood, the scatter being in these axes."""
    n_parts, d = scatter.shape[0], scatter.shape[1]
    out, volume = np.empty((n_parts, d)), 0.0
    for k in range(n_parts):
        for j in range(d):
            out[k, j] = max(scatter[k, j, j], 0.0)
    if not equal_volumes:
        for k in range(n_parts):
            out[k] /= counts[k]
        return out
    for k in range(n_parts):
        size = math.exp(np.log(out[k]).mean())
        volume += size / counts.sum()
        if size > 0.0:
            out[k] /= size
    return volume * out


@jit
def turned(scatter, axes, i, j, c, s):
    """Turn two axes, in place: the i-th to c i + s j, the j-th to c j - s i."""
    d = axes.shape[0]
    for m in range(d):
        axes[m, i], axes[m, j] = c * axes[m, i] + s * axes[m, j], c * axes[m, j] - s * axes[m, i]
    for k in range(scatter.shape[0]):
        for m in range(d):
            scatter[k, m, i], scatter[k, m, j] = (
                c * scatter[k, m, i] + s * scatter[k, m, j],
                c * scatter[k, m, j] - s * scatter[k, m, i],
            )
        for m in range(d):
            scatter[k, i, m], scatter[k, j, m] = (
                c * scatter[k, i, m] + s * scatter[k, j, m],
                c * scatter[k, j, m] - s * scatter[k, i, m],
            )


@jit
def common_axes(counts, scatter, start, equal_volumes):
    r"""Common axes D of matrices :math:`D B_k D'`, :math:`B_k` diagonal, of the highest expected log-likelihood near a start.

    Given B the loss is :math:`\sum_k \mathrm{tr}(D' S_k D B_k^{-1})`. Turning two axes by an angle changes it by a sine and a
    cosine of twice the angle, so that the best angle is known; B is set to its best after each sweep over all pairs. The loss
    never rises.

    Parameters
    ----------
    counts : ndarray of shape (K,)
    scatter : ndarray of shape (K, d, d)
    start : ndarray of shape (d, d)
        Orthonormal columns.
    equal_volumes : bool
        Whether the determinants of all B_k are equal.

    Returns
    -------
    axes : ndarray of shape (d, d)
    variances : ndarray of shape (K, d)
    loss : float
        Twice the negative log-likelihood at them, less a constant.
    """
    n_parts, d = scatter.shape[0], scatter.shape[1]
    axes, rotated = start.copy(), np.empty(scatter.shape)
    for k in range(n_parts):
        rotated[k] = axes.T @ (scatter[k] @ axes)
    variances = variances_along(counts, rotated, equal_volumes)
    for _ in range(SWEEPS):
        widest = 0.0
        if not variances.min() > 0.0:
            break
        for j in range(1, d):
            for i in range(j):
                cosine = sine = 0.0
                for k in range(n_parts):
                    difference = 1.0 / variances[k, i] - 1.0 / variances[k, j]
                    cosine += 0.5 * difference * (rotated[k, i, i] - rotated[k, j, j])
                    sine += difference * rotated[k, i, j]
                angle = 0.5 * math.atan2(-sine, -cosine)
                c, s = math.cos(angle), math.sin(angle)
                if abs(s) > 0.0:
                    turned(rotated, axes, i, j, c, s)
                widest = max(widest, abs(s))
        variances = variances_along(counts, rotated, equal_volumes)
        if widest <= STILL:
            break
    loss = 0.0
    for k in range(n_parts):
        for j in range(d):
            loss += (
                counts[k] * math.log(variances[k, j]) + rotated[k, j, j] / variances[k, j] if variances[k, j] > 0.0 else -np.inf
            )
    return axes, variances, loss
