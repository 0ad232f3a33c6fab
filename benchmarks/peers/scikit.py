"""scikit-learn's GaussianMixture."""

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

import bayesgmm as bg

NAME = "scikit-learn"
MOST_ITERATIONS = 20_000


@dataclass(frozen=True)
class Fit:
    """What a fit took and what it reached."""

    seconds: float
    passes: int
    log_likelihood: float


def passes(X: NDArray[np.float64], start: bg.Mixture, n_passes: int) -> Fit:
    """EM from a start for a number of passes; E-steps are counted, of which scikit-learn makes one more at the end."""
    model = GaussianMixture(
        start.n_components,
        tol=0.0,
        reg_covar=0.0,
        max_iter=n_passes - 1,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
    )
    seconds = _seconds(model, X)
    return Fit(seconds, model.n_iter_ + 1, float(model.lower_bound_ * len(X)))


def whole(X: NDArray[np.float64], n_components: int, n_init: int, tolerance: float, seed: int) -> Fit:
    """The best of several starts, each until the mean log-likelihood gains less than the tolerance in a pass."""
    model = GaussianMixture(
        n_components, tol=tolerance, reg_covar=0.0, max_iter=MOST_ITERATIONS, n_init=n_init, random_state=seed
    )
    seconds = _seconds(model, X)
    return Fit(seconds, model.n_iter_, float(model.score(X) * len(X)))


def _seconds(model: Any, X: NDArray[np.float64]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        began = time.perf_counter()
        model.fit(X)
        return time.perf_counter() - began
