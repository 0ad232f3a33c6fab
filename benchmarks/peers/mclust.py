"""R's mclust: EM in Fortran, on one thread but for BLAS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import bayesgmm as bg
from benchmarks.peers import rscript
from benchmarks.peers.scikit import Fit

NAME = "mclust"


@dataclass(frozen=True, eq=False)
class Grid:
    """All models.

    Attributes
    ----------
    seconds : float
    bic : ndarray of shape (9, 14)
        K by model; higher is better, NaN where mclust has none.
    """

    seconds: float
    bic: NDArray[np.float64]


def grid(X: NDArray[np.float64]) -> Grid:
    """The 14 models with K = 1..9, as ``Mclust`` fits them; model-based agglomeration is in the time."""
    answer = rscript.run("mclust_grid", x=X)
    return Grid(answer.seconds, answer.arrays["bic"])


def passes(X: NDArray[np.float64], start: bg.Mixture, n_passes: int) -> Fit:
    """EM from a start for a number of passes, each an M-step and an E-step; the first E-step is not in the time."""
    answer = rscript.run(
        "mclust",
        x=X,
        weights=start.weights,
        means=start.means.T,
        covariances=np.moveaxis(start.covariances, 0, -1),
        passes=n_passes,
    )
    return Fit(answer.seconds, int(answer.arrays["passes"][0]), float(answer.arrays["log_likelihood"][0]))
