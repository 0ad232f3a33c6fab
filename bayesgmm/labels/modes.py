"""Whether numbers have two modes, by a mixture of two normal densities."""

import warnings

import numpy as np
from scipy.stats import norm

from bayesgmm.draws import Array
from bayesgmm.em import ConvergenceWarning, fit_em
from bayesgmm.observations import DataWarning

BEYOND = 10.0  # difference in BIC: "very strong" in Kass & Raftery (1995), doi:10.1080/01621459.1995.10476572
LEAST_SHARE = 0.05  # of the lesser mode
DEPTH = 0.9  # the dip between modes, beside the lesser of them


def is_multimodal(numbers: Array) -> bool:
    """Whether two normal densities fit far better than one, and together have two modes that both count."""
    spread = numbers.std()
    if not np.isfinite(spread) or spread <= 1e-8 * (1 + abs(numbers.mean())):
        return False
    standard = (numbers - numbers.mean()) / spread
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DataWarning)
        one, two = (fit_em(standard, k, n_init=2, tolerance=1e-3, seed=0) for k in (1, 2))
    if not two.bic < one.bic - BEYOND:  # nor where it has collapsed
        return False
    weights, means, scales = two.mixture.weights, two.mixture.means[:, 0], np.sqrt(two.mixture.covariances[:, 0, 0])
    between = np.linspace(means.min(), means.max(), 101)
    density = (weights * norm.pdf(between[:, None], means, scales)).sum(axis=1)
    return bool(weights.min() >= LEAST_SHARE and density.min() < DEPTH * min(density[0], density[-1]))
