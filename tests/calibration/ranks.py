"""Ranks of a truth among draws: the exact test that they are uniform, and the coverage of intervals that they tell."""

import numpy as np
from scipy.stats import binom, poisson


def uniformity(ranks, n_draws):
    r"""Probability, under uniformity, of ranks whose ECDF leaves its pointwise bands as far as this one or further.

    The ECDF at :math:`z_i = (i + 1)/(L + 1)` is binomial; the statistic is the smallest of its two-sided tail probabilities
    over i. Its law is found exactly: the counts of ranks are Poisson variables given their sum, so a band's probability is a
    product of masked convolutions.

    Parameters
    ----------
    ranks : ndarray of shape (n_simulations,)
        Integers from 0 to ``n_draws``.
    n_draws : int
        L, draws that a truth is ranked among.

    Returns
    -------
    float
        An exact p-value: of at most alpha with a probability of at most alpha.

    References
    ----------
    Saeilynoja, Buerkner & Vehtari (2022), Graphical test for discrete uniformity and its applications in goodness-of-fit
    evaluation and multiple sample comparison, doi:10.1007/s11222-022-10090-6.
    """
    n = len(ranks)
    counts = np.cumsum(np.bincount(ranks, minlength=n_draws + 1))[:-1]
    every, cut = np.arange(n + 1), (np.arange(n_draws) + 1) / (n_draws + 1)
    tails = np.minimum(binom.cdf(every, n, cut[:, None]), binom.sf(every - 1, n, cut[:, None]))
    observed = tails[np.arange(n_draws), counts].min()
    inside = tails > observed * (1 + 1e-9)
    step = poisson.pmf(every, n / (n_draws + 1))
    reached = np.zeros(n + 1)
    reached[0] = 1.0
    for allowed in inside:
        reached = np.convolve(reached, step)[: n + 1] * allowed
    within = np.convolve(reached, step)[n] / poisson.pmf(n, n)
    return float(np.clip(1 - within, 0.0, 1.0))


def coverage(ranks, n_draws, probability):
    """How many truths lie in the central interval of their draws, which a uniform rank does with exactly ``probability``."""
    out = round((n_draws + 1) * (1 - probability) / 2)
    if not np.isclose(2 * out, (n_draws + 1) * (1 - probability)):
        raise ValueError(f"{n_draws} draws have no central interval of {probability:g} exactly.")
    return int(((ranks >= out) & (ranks <= n_draws - out)).sum())


def band(n, probability, error):
    """Numbers of intervals that cover, of n, all but so improbable (two-sided) ones: (least, most)."""
    return int(binom.ppf(error / 2, n, probability)), int(binom.isf(error / 2, n, probability))
