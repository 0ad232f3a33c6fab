"""Noise: a uniform component for rows that belong to no group."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.observations import Observations
from bayesgmm.validation import finite_array, positive


@dataclass(frozen=True, eq=False)
class Noise:
    r"""A uniform density on a box.

    In the likelihood it is the constant :math:`1/V` everywhere, V the box's volume, so that no row is impossible.

    Attributes
    ----------
    low, high : ndarray of shape (n_features,)
        Corners of the box, in the data's units.

    Raises
    ------
    ValueError
        If a side has no length.

    References
    ----------
    Banfield & Raftery (1993), Model-based Gaussian and non-Gaussian clustering, doi:10.2307/2532201.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __post_init__(self) -> None:
        low = finite_array(self.low, "low")
        high = finite_array(self.high, "high", low.shape)
        if low.ndim != 1 or not (high > low).all():
            raise ValueError(f"Noise needs low < high in each feature, got low {low.tolist()} and high {high.tolist()}.")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @classmethod
    def of(cls, observations: Observations, noise: Any) -> Self | None:
        """Noise as it may be asked for: None or False; True for the box around the data; a volume; or Noise itself."""
        if noise is None or noise is False:
            return None
        if isinstance(noise, cls):
            if len(noise.low) != observations.n_features:
                raise ValueError(f"noise is for {len(noise.low)} features, the data have {observations.n_features}.")
            return noise
        sides, middle = observations.ranges, observations.midranges
        if noise is not True:
            log_ratio = math.log(positive(noise, "noise (True, or a volume)")) - np.log(sides).sum()
            sides = sides * math.exp(log_ratio / len(sides))
        return cls(middle - sides / 2, middle + sides / 2)

    def log_density(self, features: Sequence[int] | None = None) -> float:
        """log 1/V, of these features alone where some are given."""
        sides = self.high - self.low
        return float(-np.log(sides if features is None else sides[list(features)]).sum())

    def log_densities(self, known: NDArray[np.int64]) -> NDArray[np.float64]:
        """log 1/V of the features in each row of a table (P, n_features), which ends in -1 where they are fewer."""
        logs = np.append(-np.log(self.high - self.low), 0.0)
        return np.asarray(logs[known].sum(axis=1))

    def marginal(self, features: Sequence[int]) -> "Noise":
        """The same of some features."""
        return Noise(self.low[list(features)], self.high[list(features)])

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw points in the box, shape (n, n_features)."""
        return np.asarray(rng.uniform(self.low, self.high, (n, len(self.low))))

    def as_json(self) -> dict[str, Any]:
        """The corners as plain JSON values."""
        return {"low": self.low.tolist(), "high": self.high.tolist()}
