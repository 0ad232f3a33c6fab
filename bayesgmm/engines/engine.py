"""What an engine is: a function from data, model, starts and settings to draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import xarray as xr

from bayesgmm.abilities import Abilities
from bayesgmm.draws import most_draws_of_equal_length
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.specification import Specification

LEAST_DRAWS, MOST_DRAWS = 4, 1_000_000_000  # of each chain: R-hat needs so many
MANY_ROWS = 200_000  # from which passes over the rows take all the time that a chain takes


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
    thin : int
        Gibbs: sweeps for each draw, kept or for adaptation.
    switch_labels : bool
        Gibbs: whether components change places at random after each sweep.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    target_accept: float
    progress: bool
    thin: int
    switch_labels: bool


@dataclass(frozen=True, eq=False)
class Sampled:
    """What an engine returns.

    Attributes
    ----------
    posterior : xarray.Dataset
        weights, means, covariances (K, d, d), the prior's coordinates of them (the distinct precisions; under LKJ scales and
        correlations) and its nuisance variables, in the data's units.
    sample_stats : xarray.Dataset
        ``lp``, the log posterior density of each draw up to a constant, in the space that the engine moves in, and whatever
        else the engine knows.
    versions : dict
        Of the libraries that drew.
    seconds : dict
        Where the time went.
    groups : dict of str to xarray.Dataset
        What else of the draws is kept.
    remark : str
        What the engine knows of how far its draws may be believed, in a sentence for the verdict.
    doubt : str
        Why they may not, as the verdict's answer; nothing where they may.
    """

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    versions: dict[str, Any]
    seconds: dict[str, float]
    groups: dict[str, xr.Dataset] = field(default_factory=dict)
    remark: str = ""
    doubt: str = ""


class Sampler(Protocol):
    """Draw from the posterior of a specification that has a prior; chain c begins at ``starts[c]``, with a stream keyed by c.

    At Ctrl-C it returns what :func:`most_draws` keeps of the chains so far. That fewer draws came back than were asked for marks
    them as partial.
    """

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


@dataclass(frozen=True)
class Engine:
    """What an engine can fit, how it draws, and which settings are its own beside those that all have.

    One that is not exact draws from an approximation: it is asked for by name, and checks no other. One that may take too long
    says why it is not begun.
    """

    abilities: Abilities
    sample: Sampler
    settings: tuple[str, ...]
    is_exact: bool = True
    why_too_long: Callable[[Observations, Specification, SamplerSettings], str] = lambda *_: ""


def most_draws(lengths: Sequence[int]) -> tuple[list[int], int]:
    """Which chains of an interrupted fit are kept, and how many draws of each: those that make the most draws of equal length.

    Raises
    ------
    KeyboardInterrupt
        If no chain has enough draws to be looked at.
    """
    chains, n_draws = most_draws_of_equal_length(lengths)
    if n_draws < LEAST_DRAWS:
        raise KeyboardInterrupt
    return chains, n_draws
