"""Engines that draw from the posterior, one registry, and fit_bayes, which turns what they draw into a Posterior."""

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.em import EMResult
from bayesgmm.engines import nuts
from bayesgmm.engines.engine import Engine, Sampled, SamplerSettings
from bayesgmm.engines.starts import chain_starts
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.posterior import Posterior
from bayesgmm.prior import Prior
from bayesgmm.specification import Specification
from bayesgmm.streams import Seed, describe, seed_sequence
from bayesgmm.validation import known_name, positive, positive_integer

__all__ = ["ENGINES", "Engine", "Sampled", "SamplerSettings", "fit_bayes"]

ENGINES: Mapping[str, Engine] = {"nuts": nuts.sample}
KEPT_LOG_LIKELIHOOD = 20_000_000  # draws x observations up to which the log_likelihood group is kept


def fit_bayes(
    X: Any,
    n_components: int,
    covariance: str = "full",
    prior: Prior | None = None,
    engine: str = "auto",
    warm_start: EMResult | Mixture | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    seed: Seed = 0,
    progress: bool = True,
    *,
    target_accept: float = 0.9,
) -> Posterior:
    """Draw from the posterior of a Gaussian mixture.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    n_components : int
    covariance : str
        Covariance structure.
    prior : Prior, optional
        None: :meth:`Prior.weakly_informative` for these data.
    engine : {"auto", "nuts"}
        ``"auto"`` is NUTS, the only engine so far.
    warm_start : EMResult or Mixture, optional
        Start of the first chain; None: the MAP by EM. The other chains start from MAPs of randomly reweighted data.
    draws, tune, chains : int
        Kept draws and adaptation steps of each chain, and the number of chains.
    cores : int, optional
        Chains that run at a time; None: as many as there are processors. It changes no bit of the draws.
    seed : int, SeedSequence or Generator
    progress : bool
        Show a progress bar.
    target_accept : float
        Acceptance probability of NUTS; nearer to 1 means smaller steps and fewer divergences.

    Returns
    -------
    Posterior
        As drawn; :func:`relabel` gives components the same place in every draw, :func:`diagnose` says what may be believed.

    Raises
    ------
    ValueError
        If the data, the names or the numbers are not usable; the message says which and what to do.

    References
    ----------
    Hoffman & Gelman (2014), The No-U-Turn Sampler, JMLR 15:1593-1623.
    """
    observations, specification = Specification.bayesian(X, n_components, covariance, prior, "MCMC")
    name = "nuts" if engine == "auto" else known_name(engine, "engine", ENGINES)
    settings = SamplerSettings(
        draws=positive_integer(draws, "draws"),
        tune=positive_integer(tune, "tune"),
        chains=positive_integer(chains, "chains"),
        cores=positive_integer(cores or os.cpu_count() or 1, "cores"),
        target_accept=positive(target_accept, "target_accept"),
        progress=progress,
    )
    if settings.target_accept >= 1:
        raise ValueError(f"target_accept must be below 1, got {settings.target_accept:g}.")
    if warm_start is not None and not isinstance(warm_start, EMResult | Mixture):
        raise TypeError(f"warm_start must be an EMResult or a Mixture, got {type(warm_start).__name__}.")
    root = seed_sequence(seed)
    starts = chain_starts(observations, specification, warm_start, settings.chains, root)
    sampled = ENGINES[name](observations, specification, starts, settings, root)
    told = {
        "engine": name,
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "target_accept": settings.target_accept,
        "seed": describe(root),
        "warm_start": "map" if warm_start is None else type(warm_start).__name__,
        "versions": {"bayesgmm": version("bayesgmm"), "numpy": np.__version__, **sampled.versions},
        "seconds": sampled.seconds,
    }
    return _assembled(observations, specification, sampled, told)


def _assembled(observations: Observations, specification: Specification, sampled: Sampled, settings: dict[str, Any]) -> Posterior:
    """Put draws, data and settings into one DataTree."""
    features = {"feature": list(observations.names)}
    observed = xr.Dataset({"x": (("observation", "feature"), observations.values)}, coords=features)
    constants = xr.Dataset(
        {"feature_range": ("feature", observations.ranges), "feature_midrange": ("feature", observations.midranges)},
        coords=features,
    )
    groups = {
        "posterior": sampled.posterior,
        "sample_stats": sampled.sample_stats,
        "observed_data": observed,
        "constant_data": constants,
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {"settings": json.dumps(settings), "specification": specification.to_json()}
    posterior = Posterior(tree, specification, observations)
    if sampled.sample_stats["lp"].size * observations.n_observations <= KEPT_LOG_LIKELIHOOD:
        values = posterior.log_likelihood()
        coords = {"chain": sampled.posterior["chain"], "draw": sampled.posterior["draw"]}
        kept = xr.Dataset({"x": (("chain", "draw", "observation"), values)}, coords=coords)
        tree["log_likelihood"] = xr.DataTree(kept)
    return posterior
