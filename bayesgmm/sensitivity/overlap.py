"""How much two laws have in common, from draws of each."""

import warnings
from typing import NamedTuple

import arviz as az
import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

INTERVALS = 2  # in which one density is the greater: as many as a law of two bulks has before a wide one


class Overlap(NamedTuple):
    """The overlap of two laws, 0 to 1, and its Monte Carlo standard error."""

    value: float
    mcse: float


def overlap(independent: Array, chains: Array) -> Overlap:
    r"""The part of their probability that two laws share.

    .. math:: \int \min(p, q) = 1 - \max_A \{P(A) - Q(A)\}

    One half of the draws tells the two intervals A in which the chains most exceed the other law; by how much is counted in the
    other half, and the halves change places. So equal laws have 1 on average and not less by chance; only the order of values
    counts, so heavy tails do no harm and no unit or transform matters. Where more than two intervals would be needed, and by the
    chance with which their ends are found, it is slightly too large: by less than 0.01 for normal laws and 4000 draws of each.

    Parameters
    ----------
    independent : ndarray of shape (n,)
        Independent draws of one law.
    chains : ndarray of shape (n_chains, n_draws)
        Draws of the other, which may be autocorrelated.

    Returns
    -------
    Overlap

    References
    ----------
    Inman & Bradley (1989), The overlapping coefficient as a measure of agreement between probability distributions,
    doi:10.1080/03610928908830127.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(overlap(rng.normal(size=4000), rng.normal(2.0, 1.0, (4, 1000))).value, 1)  # 2 Phi(-1) = 0.317
    0.3
    """
    n, half = len(independent) // 2, chains.shape[1] // 2
    first, second = (independent[:n], chains[:, :half]), (independent[n:], chains[:, half:])
    counted = [_favoured(*_rule(*second), *first), _favoured(*_rule(*first), *second)]
    p, q = np.concatenate([part[0] for part in counted]), np.concatenate([part[1] for part in counted], axis=1)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # draws that are all on one side have no error that they could tell
        of_chains = float(np.nan_to_num(az.mcse(q)))
    value = 1.0 - (q.mean() - p.mean())
    return Overlap(float(np.clip(value, 0.0, 1.0)), float(np.hypot(of_chains, p.std() / np.sqrt(len(p)))))


def _rule(independent: Array, chains: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Pooled draws in order, and which of them lie in the few intervals in which the chains most exceed the other law.

    Each step takes the interval of most gain, as a part that is in already counts the other way: so the best so many are found.
    """
    pooled = np.concatenate([independent, chains.ravel()])
    order = np.argsort(pooled, kind="stable")
    gains = np.where(order < len(independent), -1 / len(independent), 1 / chains.size)
    inside = np.zeros(len(pooled), bool)
    for _ in range(INTERVALS):
        sums = np.concatenate([[0.0], np.cumsum(np.where(inside, -gains, gains))])
        end = int(np.argmax(sums - np.minimum.accumulate(sums)))
        begin = int(np.argmin(sums[: end + 1]))
        inside[begin:end] ^= True
    return pooled[order], inside


def _favoured(
    pooled: Array, inside: NDArray[np.bool_], independent: Array, chains: Array
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which draws lie in the intervals, 1 or 0: those whose next lower one of the pooled draws does."""
    places = (np.searchsorted(pooled, sample, side="right") - 1 for sample in (independent, chains))
    p, q = (inside[np.maximum(place, 0)].astype(float) for place in places)
    return p, q
