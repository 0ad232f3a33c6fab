"""What a prior and a posterior can both be asked about a mixture: what no order of its components changes, and the components."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import standardised
from bayesgmm.draws import Draws

type Array = NDArray[np.float64]

WITHHELD = "The components are withheld, for they may not be believed; see diagnose(posterior)."


def unordered(draws: Draws, names: Sequence[str]) -> dict[str, Array]:
    r"""What no order of the components changes, each of shape (n_chains, n_draws).

    For each feature the mean and the standard deviation of the mixture and the share of its variance that lies within components;
    sorted weights; sorted log volumes, :math:`\tfrac12 \log|\Sigma_k|`; and the least separation, the smallest Mahalanobis
    distance between two means under the average of their covariances.
    """
    several = draws.n_components > 1
    weights, variances = draws.weights[..., None], np.diagonal(draws.covariances, axis1=-2, axis2=-1)
    mean = (weights * draws.means).sum(axis=-2)
    within = (weights * variances).sum(axis=-2)
    variance = within + (weights * (draws.means - mean[..., None, :]) ** 2).sum(axis=-2)
    found = {f"mixture_mean[{name}]": mean[..., j] for j, name in enumerate(names)}
    found |= {f"mixture_sd[{name}]": np.sqrt(variance[..., j]) for j, name in enumerate(names)}
    volumes = _falling(log_volumes(draws))
    found |= {f"sorted_log_volumes[{k}]": volumes[..., k] for k in range(volumes.shape[-1])}
    if several:
        found |= {f"share_within[{name}]": within[..., j] / variance[..., j] for j, name in enumerate(names)}
        found |= {f"sorted_weights[{k}]": falling for k, falling in enumerate(np.moveaxis(_falling(draws.weights), -1, 0))}
        found["least_separation"] = least_separation(draws)
    return found


def of_components(draws: Draws, names: Sequence[str]) -> dict[str, Array]:
    """Weights, means, standard deviations and correlations by name, each of shape (n_chains, n_draws); relabel first."""
    drawn, d = draws.quantities(names), range(len(names))
    found = {name: values for name, values in drawn.items() if not name.startswith("covariances[")}
    places = range(1 if draws.structure.is_shared else draws.n_components)
    scales, correlations = standardised(draws.covariances)
    found |= {f"scales[{k}, {names[j]}]": scales[..., k, j] for k in places for j in d}
    if not draws.structure.is_diagonal:
        pairs = [(i, j) for i in d for j in range(i)]
        found |= {f"correlations[{k}, {names[i]}, {names[j]}]": correlations[..., k, i, j] for k in places for i, j in pairs}
    return found


def log_volumes(draws: Draws) -> Array:
    """Half the log determinant of each distinct covariance, shape (n_chains, n_draws, 1 or K)."""
    distinct = draws.covariances[..., :1, :, :] if draws.structure.is_shared else draws.covariances
    scales, correlations = standardised(distinct)
    return np.asarray(0.5 * np.linalg.slogdet(correlations)[1] + np.log(scales).sum(axis=-1))


def least_separation(draws: Draws) -> Array:
    """The smallest Mahalanobis distance between two means under the average of their covariances, shape (n_chains, n_draws)."""
    one, other = np.triu_indices(draws.n_components, 1)
    scales, correlations = standardised(0.5 * (draws.covariances[..., one, :, :] + draws.covariances[..., other, :, :]))
    apart = (draws.means[..., one, :] - draws.means[..., other, :]) / scales
    squares = (apart * np.linalg.solve(correlations, apart[..., None])[..., 0]).sum(axis=-1)
    return np.asarray(np.sqrt(squares.min(axis=-1)))


def _falling(values: Array) -> Array:
    return np.sort(values, axis=-1)[..., ::-1]
