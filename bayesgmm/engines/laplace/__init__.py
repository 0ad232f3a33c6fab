"""A normal approximation at the mode, corrected by importance weights, whose Pareto k says whether it may be believed.

In coordinates without bounds a posterior of many rows is nearly normal. A draw costs one pass over the data and none is lost to
tuning or to waiting; but only what lies around one mode, in one order of the components, is seen, and only the weights know how
nearly normal it is.
"""

import math
import time
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesgmm import kernels
from bayesgmm.abilities import STORED, Abilities, needs_precisions
from bayesgmm.collapse import Yardstick
from bayesgmm.coordinates import Target
from bayesgmm.engines.engine import LEAST_DRAWS, Sampled, SamplerSettings
from bayesgmm.engines.laplace.importance import LEAST_WEIGHED, Corrected, corrected, most_k, normals
from bayesgmm.engines.laplace.mode import Mode, climb, mode_near
from bayesgmm.engines.variables import dataset_of
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.progress import progress_bar
from bayesgmm.specification import Specification
from bayesgmm.streams import Use, stream
from bayesgmm.table import evenly

type Array = NDArray[np.float64]

CHUNK_VALUES = 20_000_000  # log densities between looks at the progress
LEAST_TOGETHER = 64  # draws whose densities one reading of stored rows serves
SAME = 0.1  # nats: ends whose log densities differ by less at every row are one mode, perhaps in another order of the components
MOST_ROWS = 1000  # that are looked at
MOST_ELSEWHERE = 0.01  # of the mass that other modes may have


KNOWN = needs_precisions("The Laplace approximation knows no derivatives of a prior of the kind {kind}: use engine='nuts'.")
ABILITIES = Abilities("Laplace", data=frozenset({STORED}), requirements=(KNOWN,), default_prior=True)


def sample(
    observations: Observations,
    specification: Specification,
    starts: Sequence[tuple[Mixture, Nuisance]],
    settings: SamplerSettings,
    seed: np.random.SeedSequence,
) -> Sampled:
    """Find the mode, draw around it, weigh and resample; see :class:`bayesgmm.engines.engine.Sampler`.

    The group ``proposal`` holds the draws of the normal density: ``coordinates``, ``log_p`` of the posterior density there and
    ``log_g`` of the normal one. ``sample_stats`` tells which of them each draw is a copy of.
    """
    began = time.perf_counter()
    target = Target(specification, observations)
    with kernels.kept_threads():
        modes = found_modes(target, starts)
    mode, elsewhere = modes[0], float(-np.expm1(modes[0].log_mass - logsumexp([each.log_mass for each in modes])))
    mode_seconds = time.perf_counter() - began
    standard = np.stack(
        [normals(settings.draws, len(mode.location), stream(seed, Use.CHAIN, chain)) for chain in range(settings.chains)]
    )
    proposed = mode.location + standard @ mode.root.T
    log_likelihood, log_p = densities(target, proposed, settings.progress)
    n_draws = log_p.shape[1]
    standard, proposed = standard[:, :n_draws], proposed[:, :n_draws]
    log_g = -0.5 * (standard**2).sum(axis=-1) - mode.log_scale
    rng = stream(seed, Use.RESAMPLING)
    weighed = corrected(log_p - log_g, rng)
    both = ("chain", "draw")
    raw = xr.Dataset({"coordinates": ((*both, "coordinate"), proposed), "log_p": (both, log_p), "log_g": (both, log_g)})
    stats = {"lp": log_p, "total_log_likelihood": log_likelihood}
    copied = {name: (both, values.ravel()[weighed.order]) for name, values in stats.items()}
    posterior = posterior_of(target, proposed.reshape(-1, proposed.shape[-1])[weighed.order], rng)
    return Sampled(
        posterior=posterior,
        sample_stats=xr.Dataset(
            {**copied, "copy_of": (both, weighed.order), "pareto_k": weighed.pareto_k}, coords=posterior[list(both)].coords
        ),
        versions={"scipy": version("scipy")},
        seconds={"mode": mode_seconds, "sample": time.perf_counter() - began - mode_seconds},
        groups={"proposal": raw},
        remark=remark(weighed),
        doubt=doubt(weighed, elsewhere),
    )


def found_modes(target: Target, starts: Sequence[tuple[Mixture, Nuisance]]) -> list[Mode]:
    """The different modes that climbs from the starts lead to and that may have a share of the mass, that of most mass first.

    Raises
    ------
    ValueError
        If every climb ends where a component has collapsed.
    """
    yardstick, reasons, ends, seen = Yardstick.of(target.observations), [], list[tuple[Array, float]](), list[Array]()
    rows = target.observations.values[evenly(target.observations.n_observations, MOST_ROWS)]
    least = -np.inf  # no mode is wider than the prior, and the curvature by the data grows with their number in each coordinate
    for start, _ in starts:
        place, height = climb(target, target.vector(start), to_beat=least)
        mixture = target.mixture(place)
        collapsed = yardstick.collapse(mixture.covariances)
        if not collapsed and not np.isfinite(height):
            collapsed = "Where the chains start the density is beyond double precision."
        if collapsed:
            reasons.append(collapsed)
            continue
        density = mixture.log_density(rows)
        if all(np.abs(density - other).max() > SAME for other in seen):
            ends.append((place, height))
            seen.append(density)
            least = max(least, height - 0.5 * len(place) * np.log(target.observations.total_weight + math.e))
    if not ends:
        raise ValueError(
            f"There is no mode for a normal approximation to stand on, for all climbs ended like the first. {reasons[0]} "
            "Use another prior, such as Prior.weakly_informative(X, family='inverse_wishart'), fewer components, or "
            "engine='gibbs'."
        )
    modes = [mode_near(target, place) for place, height in ends if height >= least]
    return sorted(modes, key=lambda mode: -mode.log_mass)


def densities(target: Target, proposed: Array, progress: bool) -> tuple[Array, Array]:
    """Log-likelihood and log posterior density of proposals (n_chains, n_draws, p); at Ctrl-C, of as many draws as there are.

    Raises
    ------
    KeyboardInterrupt
        If they are too few to be looked at.
    ValueError
        If no proposal has a density.
    """
    n_chains, n_draws, p = proposed.shape
    least = max(1, LEAST_TOGETHER // n_chains) if target.observations.is_stored else 1
    chunk = max(least, CHUNK_VALUES // (target.observations.n_observations * n_chains))
    parts: list[Array] = []
    with progress_bar(progress) as bar:
        task = bar.add_task("Weighing draws", total=n_chains * n_draws)
        try:
            for first in range(0, n_draws, chunk):
                some = proposed[:, first : first + chunk]
                found = np.stack(target.log_likelihood_and_prior(some.reshape(-1, p)))
                parts.append(found.reshape(2, n_chains, -1))
                bar.update(task, completed=sum(part[0].size for part in parts))
        except KeyboardInterrupt:
            if sum(part.shape[2] for part in parts) < LEAST_DRAWS:
                raise
    log_likelihood, log_prior = np.concatenate(parts, axis=2)
    if not np.isfinite(log_likelihood).any():
        raise ValueError(
            "No draw of the normal approximation is a mixture in double precision: the posterior is nothing like normal. "
            "Use engine='gibbs'."
        )
    return log_likelihood, log_likelihood + log_prior


def posterior_of(target: Target, flat: Array, rng: np.random.Generator) -> xr.Dataset:
    """Draws (n_chains, n_draws, p) as the prior's variables; its nuisance variables are drawn given the precisions."""
    structure, part = target.specification.structure, target.specification.required_prior.precisions
    draws = target.coordinates.draws(target.coordinates.points_of(flat.reshape(-1, flat.shape[-1])))
    parameters = {name: getattr(draws, name)[0] for name in ("weights", "means", "covariances")}
    precisions = part.coordinates(structure, parameters["covariances"])
    nuisance = part.sample_nuisance_given(structure, parameters["covariances"], rng)
    values = {
        name: each.reshape(*flat.shape[:2], *each.shape[1:]) for name, each in {**parameters, **precisions, **nuisance}.items()
    }
    return dataset_of(values, target.specification, target.observations)


def remark(weighed: Corrected) -> str:
    """How nearly normal the posterior is, in a sentence."""
    n = weighed.order.size
    return (
        f"These are {n:,} draws of a normal approximation at a mode, corrected by importance weights: Pareto k "
        f"{weighed.pareto_k:.2f} (it must be below {most_k(n):.2f}), worth {weighed.n_effective:,.0f} draws of the posterior."
    )


def doubt(weighed: Corrected, elsewhere: float) -> str:
    """Why the approximation is not to be believed, in a sentence that says what to do; nothing where it is."""
    n = weighed.order.size
    if n < LEAST_WEIGHED:
        return f"No: {n} draws are too few to tell how near to normal the posterior is: draw at least {LEAST_WEIGHED} in all."
    if not weighed.pareto_k < most_k(n):
        return (
            "No: the Laplace approximation is not to be believed, for the posterior is not near enough to normal (Pareto k "
            f"{weighed.pareto_k:.2f}, and it must be below {most_k(n):.2f}). Use engine='gibbs', or fewer components."
        )
    if elsewhere > MOST_ELSEWHERE:
        return (
            "No: the Laplace approximation is not to be believed, for it sees one mode, and others that starts led to have about "
            f"{elsewhere:.0%} of the posterior. Use engine='gibbs' with more chains, or fewer components."
        )
    return ""
