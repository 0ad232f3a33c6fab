"""How long NUTS will take, and from when on it is not begun."""

import os

from bayesgmm.engines.engine import SamplerSettings
from bayesgmm.kernels.threads import work
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification

HOURS = "BAYESGMM_NUTS_HOURS"  # the environment variable
MOST_HOURS = 24.0
SECONDS = 1.5e-10  # of one core, for a multiply-add of a pass; 0.7e-10 to 1.7e-10 were measured, the most in few dimensions
PASSES = 20  # over the data for each draw, tuning ones among them: 15 to 31 leapfrog steps in some ten to a hundred dimensions


def why_too_long(observations: Observations, specification: Specification, settings: SamplerSettings) -> str:
    """Why NUTS is not begun, with what can be done, where it would take more than a day; nothing where it would not."""
    most, hours = hours_allowed(), hours_needed(observations, specification, settings)
    if hours <= most:
        return ""
    n, d, k = observations.n_observations, observations.n_features, specification.n_components
    return (
        f"NUTS would take about {hours:,.0f} hours here: {settings.chains} chains of {settings.tune + settings.draws:,} draws, "
        f"about {PASSES} passes over {n:,} rows for each (d = {d}, K = {k}), {min(settings.cores, settings.chains)} at a time. "
        "Use engine='gibbs' or, for a normal approximation, engine='laplace' (both take every prior but LKJ); or fewer draws, or "
        f"some of the rows. To wait all the same, set the environment variable {HOURS} above that (now {most:g})."
    )


def hours_needed(observations: Observations, specification: Specification, settings: SamplerSettings) -> float:
    """Wall-clock hours of sampling, to a factor of two or three."""
    n, d, k = observations.n_observations, observations.n_features, specification.n_components
    a_pass = SECONDS * work(n, k * d ** (1 if specification.structure.is_diagonal else 2), k)
    in_turn = -(-settings.chains // min(settings.cores, settings.chains))
    return in_turn * (settings.tune + settings.draws) * PASSES * a_pass / 3600


def hours_allowed() -> float:
    """A day, or as the environment variable says.

    Raises
    ------
    ValueError
        If it is no number above 0.
    """
    asked = os.environ.get(HOURS)
    if not asked:
        return MOST_HOURS
    try:
        hours = float(asked)
    except ValueError:
        hours = 0.0
    if not hours > 0:
        raise ValueError(f"The environment variable {HOURS} must be a number of hours above 0, got {asked!r}.")
    return hours
