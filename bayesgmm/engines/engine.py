"""What an engine is: a function from data, model, starts and settings to draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr

from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.specification import Specification


@dataclass(frozen=True)
class SamplerSettings:
    """How much is drawn and how.

    Attributes
    ----------
    draws, tune, chains : int
        Of each chain: draws kept and draws for adaptation; number of chains.
    cores : int
        Chains that run at a time; changes no bit of the draws.
    target_accept : float
        NUTS: mean acceptance probability that the step size is adapted to.
    progress : bool
        Show a progress bar.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    target_accept: float
    progress: bool


@dataclass(frozen=True, eq=False)
class Sampled:
    """What an engine returns.

    Attributes
    ----------
    posterior : xarray.Dataset
        weights, means, covariances (K, d, d), the distinct precisions and the prior's nuisance variables, in the data's units.
    sample_stats : xarray.Dataset
        ``lp``, the log posterior density of each draw up to a constant, in the space that the engine moves in, and whatever
        else the engine knows.
    versions : dict
        Of the libraries that drew.
    seconds : dict
        Where the time went.
    """

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    versions: dict[str, Any]
    seconds: dict[str, float]


class Engine(Protocol):
    """Draw from the posterior of a specification that has a prior; chain c begins at ``starts[c]``, with a stream keyed by c."""

    def __call__(
        self,
        observations: Observations,
        specification: Specification,
        starts: Sequence[tuple[Mixture, Nuisance]],
        settings: SamplerSettings,
        seed: np.random.SeedSequence,
    ) -> Sampled:
        """Draw."""
        ...
