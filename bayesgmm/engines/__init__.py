"""Engines that draw from the posterior, one registry, and fit_bayes, which turns what they draw into a Posterior."""

import os
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from bayesgmm.em import EMResult
from bayesgmm.engines import gibbs, laplace, nuts
from bayesgmm.engines.engine import MOST_DRAWS, Engine, Sampled, SamplerSettings
from bayesgmm.engines.starts import chain_starts
from bayesgmm.interruption import PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.posterior import Posterior
from bayesgmm.prior import Prior
from bayesgmm.specification import Specification
from bayesgmm.streams import Seed, describe, seed_sequence
from bayesgmm.validation import instance_of, known_name, positive, positive_integer

__all__ = ["ENGINES", "Engine", "Sampled", "SamplerSettings", "engines_for", "fit_bayes"]

ENGINES: Mapping[str, Engine] = {  # the faster ones first: "auto" is the first that takes the model
    "gibbs": Engine(gibbs.ABILITIES, gibbs.sample, ("thin", "switch_labels")),
    "nuts": Engine(nuts.ABILITIES, nuts.sample, ("target_accept",), why_too_long=nuts.why_too_long),
    "laplace": Engine(laplace.ABILITIES, laplace.sample, (), is_exact=False),
}
AUTO = "auto"


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
    thin: int | None = None,
    switch_labels: bool = False,
) -> Posterior:
    """Draw from the posterior of a Gaussian mixture.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features), or Source
        A source, such as :func:`open_source` gives, is read once a sweep, for all chains together; see Notes.
    n_components : int
    covariance : str
        Covariance structure.
    prior : Prior, optional
        None: :meth:`Prior.weakly_informative` for these data.
    engine : {"auto", "gibbs", "nuts", "laplace"}
        ``"auto"`` is Gibbs under every prior but LKJ, which only NUTS takes. ``"laplace"`` is a normal approximation for data of
        so many rows that either takes long. See Notes.
    warm_start : EMResult or Mixture, optional
        Where EM begins to climb to the start of the first chain, near the MAP; None: at a few places of its own. The other chains
        start near MAPs of randomly reweighted data, or of different rows where they are many.
    draws, tune, chains : int
        Kept draws and adaptation steps of each chain, and the number of chains.
    cores : int, optional
        Chains that run at a time; None: as many as there are processors. It changes no bit of the draws. Chains of Gibbs on
        200,000 rows or more, or on a source, share each pass over the rows instead, in threads.
    seed : int, SeedSequence or Generator
    progress : bool
        Show a progress bar.
    target_accept : float
        Acceptance probability of NUTS; nearer to 1 means smaller steps and fewer divergences.
    thin : int, optional
        Gibbs: sweeps for each draw, in tuning too; None: 5, up to 30 where rows are few and sweeps cost next to nothing, and 1
        from 200,000 rows on.
    switch_labels : bool
        Gibbs: components change places at random after each sweep, so that every labelling is visited alike.

    Returns
    -------
    Posterior
        As drawn; :func:`relabel` gives components the same place in every draw, :func:`diagnose` says what may be believed.

    Warns
    -----
    StartWarning
        If a chain of many rows would have begun in a mode far below the highest, and begins near that instead.
    PartialWarning
        If Ctrl-C came before everything was drawn. The draws so far are returned, marked as partial, where there are enough to
        be looked at; a second Ctrl-C stops at once.

    Raises
    ------
    ValueError
        If the data, the names or the numbers are not usable; the message says which and what to do.

    Notes
    -----
    Why Gibbs where it can: a sweep is one pass over the data, as is a single leapfrog step of NUTS, and nothing is compiled for a
    model. Its sweeps are more alike where components touch, hence ``thin``. On five data sets (Old Faithful, K = 2, and EEE,
    K = 3; acidity, K = 2; galaxies, K = 3; 2,000 rows simulated in five dimensions, K = 4) 4,000 draws of Gibbs with its default
    ``thin`` had 1.9 to 4.4 times the smallest effective number of draws that those of NUTS had, and took from as long as NUTS
    takes to sample to a quarter of it, without the time that NUTS compiles (``python -m benchmarks --only engines``). On the
    sixth, iris with EEE and K = 3, neither converges from four chains: the posterior has several modes that no sampler here moves
    between, and both say so.

    With very many rows the posterior of separate components is all but normal in coordinates without bounds. There
    ``engine="laplace"`` climbs to the mode, takes the normal density with its height and curvature, and resamples draws of that
    by their importance weights: one pass over the data for each draw, and nothing to tune. The Pareto k of the weights is the
    verdict. Where it is 0.7 or more, or another mode that a start led to has more than a hundredth of the posterior,
    :func:`diagnose` says that nothing is to be believed; modes that no start leads to it does not see. It is not for
    few rows, nor for components that touch.

    Rows of a source are never held all at once. Gibbs draws their allocations block by block, by streams keyed by the row, and
    for the same start the chain is that of the rows in memory up to the rounding of sums. The posterior keeps 10,000 of the rows,
    on which draws are relabelled and judged; :func:`waic` and :func:`loo` read the source once or twice more, and what needs the
    fitted rows themselves in memory says so.

    NUTS is not begun where it would take more than a day, by a rough count of its passes.

    References
    ----------
    Hoffman & Gelman (2014), The No-U-Turn Sampler, JMLR 15:1593-1623.
    Diebolt & Robert (1994), Estimation of finite mixture distributions through Bayesian sampling,
    doi:10.1111/j.2517-6161.1994.tb01985.x.
    Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities,
    doi:10.1080/01621459.1986.10478240.
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72).
    """
    name = engine_named(engine, Specification(n_components, covariance, prior))
    observations, specification = ENGINES[name].abilities.door(X, n_components, covariance, prior)
    settings = SamplerSettings(
        draws=positive_integer(draws, "draws", MOST_DRAWS),
        tune=positive_integer(tune, "tune", MOST_DRAWS),
        chains=positive_integer(chains, "chains", MOST_DRAWS),
        cores=positive_integer(os.cpu_count() or 1 if cores is None else cores, "cores"),
        target_accept=positive(target_accept, "target_accept"),
        progress=progress,
        thin=gibbs.default_thin(observations.n_observations) if thin is None else positive_integer(thin, "thin", MOST_DRAWS),
        switch_labels=switch_labels,
    )
    if settings.target_accept >= 1:
        raise ValueError(f"target_accept must be below 1, got {settings.target_accept:g}.")
    if warm_start is not None and not isinstance(warm_start, EMResult | Mixture):
        raise TypeError(f"warm_start must be an EMResult or a Mixture, got {type(warm_start).__name__}.")
    instance_of(switch_labels, bool, "switch_labels")
    if switch_labels:
        _require_switchable(name, specification)
    too_long = ENGINES[name].why_too_long(observations, specification, settings)
    if too_long:
        raise ValueError(too_long)
    root = seed_sequence(seed)
    starts = chain_starts(observations, specification, warm_start, settings.chains, root)
    sampled = ENGINES[name].sample(observations, specification, starts, settings, root)
    drawn = {"chains": sampled.posterior.sizes["chain"], "draws": sampled.posterior.sizes["draw"]}
    told = {
        "engine": name,
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "drawn": drawn,
        "partial": drawn != {"chains": settings.chains, "draws": settings.draws},
        **{own: getattr(settings, own) for own in ENGINES[name].settings},
        "seed": describe(root),
        "warm_start": "map" if warm_start is None else type(warm_start).__name__,
        "versions": {"bayesgmm": version("bayesgmm"), "numpy": np.__version__, **sampled.versions},
        "seconds": sampled.seconds,
    }
    told |= {name: said for name in ("remark", "doubt") if (said := getattr(sampled, name))}
    posterior = Posterior.assembled(sampled.posterior, sampled.sample_stats, specification, observations, told, sampled.groups)
    if posterior.partial:
        warnings.warn(posterior.shortfall, PartialWarning, stacklevel=2)
    return posterior


def engine_named(engine: str, specification: Specification) -> str:
    """The engine of a name, which for "auto" is the fastest that takes the model."""
    name = known_name(engine, "engine", [AUTO, *ENGINES])
    return engines_for(specification)[0] if name == AUTO else name


def engines_for(specification: Specification) -> list[str]:
    """The engines that draw from the posterior of a model itself, the fastest first."""
    return [name for name, engine in ENGINES.items() if engine.is_exact and not engine.abilities.refusal(specification)]


def _require_switchable(engine: str, specification: Specification) -> None:
    """Raise ValueError if components may not change places."""
    able = [name for name, other in ENGINES.items() if "switch_labels" in other.settings]
    if engine not in able:
        raise ValueError(f"switch_labels works with engine={' or '.join(map(repr, able))} only; the engine is {engine!r}.")
    if not specification.required_prior.weights.is_exchangeable:
        raise ValueError(
            "switch_labels needs components that are alike before the data: give all the same weights_concentration."
        )
