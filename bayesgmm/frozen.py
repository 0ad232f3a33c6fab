"""Frozen parameters: components and weights that a fit leaves where they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.covariance import Structure
from bayesgmm.mixture import Mixture
from bayesgmm.validation import instance_of, told


@dataclass(frozen=True, eq=False)
class Frozen:
    """Which parameters of a mixture are known.

    Parameters
    ----------
    mixture : Mixture
        Where they are.
    components : iterable of int or "all"
        Those whose mean and covariance are known.
    weights : iterable of int or "all"
        Those whose weight is known; the others share what is left.

    Raises
    ------
    ValueError
        If a number is no component of the mixture, or nothing is frozen.

    Examples
    --------
    >>> from bayesgmm import load_dataset, fit_em
    >>> X = load_dataset("faithful")
    >>> before = fit_em(X, 2).mixture
    >>> after = fit_em(X, 3, frozen=Frozen(before, components=[0, 1])).mixture
    >>> bool((after.means[:2] == before.means).all())
    True
    """

    mixture: Mixture
    components: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        instance_of(self.mixture, Mixture, "The mixture of frozen parameters")
        for name in ("components", "weights"):
            object.__setattr__(self, name, _numbers(getattr(self, name), f"frozen {name}", self.mixture.n_components))
        if not self.components and not self.weights:
            raise ValueError("Nothing is frozen: name components or weights, such as components=[0].")

    def check(self, n_components: int, structure: Structure, has_noise: bool) -> None:
        """Raise ValueError if such a model cannot keep these parameters."""
        last = max((*self.components, *self.weights))
        if last >= n_components:
            raise ValueError(f"Component {last} is frozen, but the model has {n_components} components, numbered from 0.")
        if self.components and not structure.are_independent and len(self.components) < n_components:
            raise ValueError(
                f"The matrices of {structure.code} are tied, so that some components cannot be frozen without the others: freeze "
                "components='all', or take VVV, VVI or VII."
            )
        matrices = self.mixture.covariances[list(self.components)]
        if len(matrices) and not structure.holds(matrices):
            raise ValueError(f"The frozen covariances do not have the structure {structure.code}.")
        total, free = self.mixture.weights[list(self.weights)].sum(), n_components + has_noise - len(self.weights)
        if free and total > 1 - 1e-12:
            raise ValueError(f"The frozen weights sum to {total:.6g}, and nothing is left for the {free} others.")
        if not free and abs(total - 1) > 1e-8:
            raise ValueError(f"All weights are frozen but sum to {total:.6g}, not to 1.")

    def n_parameters(self, n_components: int, n_features: int, structure: Structure, has_noise: bool) -> int:
        """How many free parameters fewer there are."""
        fewer = 0
        if self.components:
            every = len(self.components) == n_components
            matrices = structure.n_parameters(n_components if every else len(self.components), n_features)
            fewer += len(self.components) * n_features + matrices
        return fewer + min(len(self.weights), n_components + has_noise - 1)

    def onto(self, mixture: Mixture) -> Mixture:
        """Another mixture with the known parameters in their places."""
        weights, (means, covariances) = mixture.all_weights.copy(), (mixture.means.copy(), mixture.covariances.copy())
        chosen, known = list(self.components), list(self.weights)
        means[chosen], covariances[chosen] = self.mixture.means[chosen], self.mixture.covariances[chosen]
        if known:
            free = np.setdiff1d(np.arange(len(weights)), known)
            weights[known] = self.mixture.weights[known]
            left = 1 - weights[known].sum()
            weights[free] *= left / max(weights[free].sum(), np.finfo(float).tiny)
        noise_weight = float(weights[-1]) if mixture.noise is not None else 0.0
        weights = weights[: mixture.n_components].copy()
        return replace(mixture, weights=weights, means=means, covariances=covariances, noise_weight=noise_weight)

    def nearest(self, mixture: Mixture) -> NDArray[np.int64]:
        """An order (K,) of a start's components by which those nearest to frozen ones stand in their places."""
        chosen = list(self.components)
        roots = np.linalg.inv(np.linalg.cholesky(self.mixture.covariances[chosen]))
        apart = mixture.means[None] - self.mixture.means[chosen][:, None]
        distances = ((roots[:, None] @ apart[..., None])[..., 0] ** 2).sum(axis=-1)
        rows, taken = linear_sum_assignment(distances)
        order = np.full(mixture.n_components, -1)
        order[np.asarray(chosen)[rows]] = taken
        order[order < 0] = np.setdiff1d(np.arange(mixture.n_components), taken)
        return order

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        m = self.mixture
        parameters = {"weights": m.weights.tolist(), "means": m.means.tolist(), "covariances": m.covariances.tolist()}
        return {**parameters, "covariance": m.structure.code, "frozen": [list(self.components), list(self.weights)]}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """What :meth:`as_json` described."""
        weights = np.asarray(saved["weights"], dtype=np.float64)  # which may leave a share for noise
        shares = weights / weights.sum()
        mixture = Mixture.from_parameters(shares, saved["means"], saved["covariances"], saved["covariance"])
        return cls(replace(mixture, weights=weights), *map(tuple, saved["frozen"]))


def _numbers(numbers: Any, what: str, n_components: int) -> tuple[int, ...]:
    if isinstance(numbers, str) and numbers == "all":
        return tuple(range(n_components))
    if isinstance(numbers, str) or not isinstance(numbers, Iterable):
        raise TypeError(f"{what} must be some numbers of components or 'all', got {told(numbers)}.")
    found = sorted(set(numbers))
    if not set(found) <= set(range(n_components)):
        raise ValueError(f"{what} must be among 0..{n_components - 1}, the components of the mixture, got {told(found)}.")
    return tuple(int(k) for k in found)
