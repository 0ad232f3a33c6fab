"""Data from mixtures whose truth is known."""

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import find_structure
from bayesgmm.mixture import Mixture
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.validation import non_negative, positive_integer

MOST_SEPARATION = 1e100  # so that squares of the data stay within double precision


def simulate(
    n: int,
    n_components: int = 3,
    n_features: int = 2,
    separation: float = 3.0,
    seed: Seed = 0,
    covariance: str = "full",
) -> tuple[NDArray[np.float64], NDArray[np.int64], Mixture]:
    r"""Draw a random mixture and data from it.

    Covariances are Wishart with mean I and d + 4 degrees of freedom, averaged as the structure asks; weights are
    Dirichlet(5); the configuration of means is normal, scaled to the separation.

    Parameters
    ----------
    n : int
        Number of observations.
    n_components, n_features : int
    separation : float
        Smallest Mahalanobis distance between two means under their average covariance,
        :math:`\min_{k<l}\,\{(\mu_k-\mu_l)'\,[(\Sigma_k+\Sigma_l)/2]^{-1}(\mu_k-\mu_l)\}^{1/2}`.
    seed : int, SeedSequence or Generator
    covariance : str
        Structure of the true covariances.

    Returns
    -------
    X : ndarray of shape (n, n_features)
    labels : ndarray of shape (n,)
        The component that each row came from.
    truth : Mixture

    Examples
    --------
    >>> X, labels, truth = simulate(500, n_components=3, n_features=2, seed=1)
    >>> X.shape, truth.n_components
    ((500, 2), 3)
    """
    n_components, d = positive_integer(n_components, "n_components"), positive_integer(n_features, "n_features")
    separation = non_negative(separation, "separation", MOST_SEPARATION)
    structure, root = find_structure(covariance), seed_sequence(seed)
    rng = stream(root, Use.TRUTH)
    normals = rng.standard_normal((n_components, d + 4, d))
    scatter = np.einsum("kni,knj->kij", normals, normals)
    covariances = structure.m_step(np.full(n_components, d + 4.0), scatter)
    directions = rng.standard_normal((n_components, d))
    closest = min(
        (
            _distance(directions[k] - directions[m], 0.5 * (covariances[k] + covariances[m]))
            for k in range(n_components)
            for m in range(k)
        ),
        default=1.0,
    )
    truth = Mixture(rng.dirichlet(np.full(n_components, 5.0)), directions * (separation / closest), covariances, structure)
    X, labels = truth.sample(n, root)
    return X, labels, truth


def _distance(difference: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    return float(np.sqrt(difference @ np.linalg.solve(covariance, difference)))
