"""Gibbs sampling of the semi-conjugate posteriors: allocations by the kernel, every other block from its full conditional."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import singledispatch
from typing import Any, Protocol

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.abilities import STORED, Abilities, needs_precisions
from bayesgmm.covariance import Structure
from bayesgmm.engines.engine import MANY_ROWS, Sampled, SamplerSettings, most_draws
from bayesgmm.engines.gibbs.sweeps import COMMON, FIXED, MIXING, Laws, State, room_for, run
from bayesgmm.engines.gibbs.together import Together
from bayesgmm.engines.variables import dataset_of
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import (
    ConjugateMeans,
    DirichletWeights,
    FixedWishart,
    HalfT,
    HierarchicalWishart,
    NormalMeans,
    Nuisance,
)
from bayesgmm.prior.half_t import RATES
from bayesgmm.prior.hierarchical_wishart import RATE
from bayesgmm.progress import progress_bar
from bayesgmm.specification import Specification
from bayesgmm.streams import Use, stream

type Array = NDArray[np.float64]

POLL_SECONDS = 0.02
CHUNK_SECONDS = 0.1  # between looks at the progress and at Ctrl-C; chunks change no bit
LEAST_SWEEPS, MOST_SWEEPS, ROWS_FOR_A_DRAW = 5, 30, 10_000  # for a draw, where ``thin`` is not given


needs_full_conditionals = needs_precisions(
    "Under a prior of the kind {kind} the covariances have no full conditional distribution to draw from: use engine='nuts'."
)
ABILITIES = Abilities("Gibbs", data=frozenset({STORED}), requirements=(needs_full_conditionals,), default_prior=True)


def sample(
    observations: Observations,
    specification: Specification,
    starts: Sequence[tuple[Mixture, Nuisance]],
    settings: SamplerSettings,
    seed: np.random.SeedSequence,
) -> Sampled:
    """Run every chain in a thread of its own, or all together where passes are long.

    See :class:`bayesgmm.engines.engine.Sampler`. Together they tell the ``total_log_likelihood`` of each draw as well, for which
    rows would be gone through again.
    """
    began = time.perf_counter()
    laws = laws_of(specification, observations.n_features, settings.switch_labels)
    states = [state_of(specification, *start) for start in starts]
    rngs = [stream(seed, Use.CHAIN, chain) for chain in range(len(states))]
    is_long = observations.is_stored or observations.n_observations >= MANY_ROWS
    make = _drawn_together if is_long else _drawn_apart
    draws, log_likelihood = make(observations, laws, states, rngs, settings)
    posterior, nuisance = posterior_of(draws, specification, observations)
    named = {name: posterior[name].to_numpy() for name in ("weights", "means", "covariances")}
    stats = {"lp": log_likelihood + specification.log_prior_of(**named, nuisance=nuisance)}
    stats |= {"total_log_likelihood": log_likelihood} if is_long else {}
    both = ("chain", "draw")
    return Sampled(
        posterior=posterior,
        sample_stats=xr.Dataset({name: (both, each) for name, each in stats.items()}, coords=posterior[list(both)].coords),
        versions={"numba": numba.__version__},
        seconds={"sample": time.perf_counter() - began},
    )


def _drawn_apart(
    observations: Observations,
    laws: Laws,
    states: Sequence[State],
    rngs: Sequence[np.random.Generator],
    settings: SamplerSettings,
) -> tuple[State, Array]:
    """Draws (chain, draw, ...) and the log-likelihood of each, by chains that do not wait for each other."""
    chains = [Chain(observations, laws, state, settings, rng) for state, rng in zip(states, rngs, strict=True)]
    run_all(chains, settings.cores, settings.progress)
    lengths = [chain.n_drawn for chain in chains]
    whole = lengths == [settings.draws] * settings.chains
    kept, n_draws = (range(settings.chains), settings.draws) if whole else most_draws(lengths)
    draws = State(*(np.stack([part[:n_draws] for part in parts]) for parts in zip(*(chains[c].draws for c in kept), strict=True)))
    return draws, np.stack([chains[c].log_likelihood(n_draws) for c in kept])


def _drawn_together(
    observations: Observations,
    laws: Laws,
    states: Sequence[State],
    rngs: Sequence[np.random.Generator],
    settings: SamplerSettings,
) -> tuple[State, Array]:
    """The same by chains that share each pass over the rows."""
    chains = Together(observations, laws, states, rngs, settings.tune, settings.draws, settings.thin)
    chains.run(settings.progress)
    n_draws = chains.n_drawn
    if n_draws < settings.draws:
        most_draws([n_draws] * len(states))  # or nothing, where they are too few
    return State(*(part[:, :n_draws] for part in chains.draws)), chains.log_likelihoods[:, :n_draws]


class Chain:
    """One chain on its way: where it is, what it has drawn."""

    def __init__(
        self, observations: Observations, laws: Laws, state: State, settings: SamplerSettings, rng: np.random.Generator
    ) -> None:
        self.values, self.laws, self.state, self.rng = observations.values, laws, state, rng
        self.tune, self.total, self.thin = settings.tune, settings.tune + settings.draws, settings.thin
        self.draws = room_for(laws, state, settings.draws)
        self.log_likelihoods = np.empty(settings.draws)
        self.done, self.stopped = 0, False

    @property
    def n_drawn(self) -> int:
        """Draws that are kept so far."""
        return max(self.done - self.tune, 0)

    def run(self) -> None:
        """Sweep on to the end, or until the chain is stopped."""
        chunk = 1
        while self.done < self.total and not self.stopped:
            end = self.tune if self.done < self.tune else self.total
            chunk = min(chunk, end - self.done)
            began = time.perf_counter()
            kept = self.log_likelihoods if self.done >= self.tune else self.log_likelihoods[:0]
            first = max(self.done - self.tune, 0) * self.thin
            run(self.values, self.laws, self.state, self.rng, chunk * self.thin, self.draws, kept, first, self.thin)
            self.done += chunk
            chunk = next_chunk(chunk, time.perf_counter() - began)

    def log_likelihood(self, n_draws: int) -> Array:
        """Of the first draws, shape (n_draws,). That of the very last draw no sweep has met."""
        constants = kernels.log_constants(np.log(self.state.weights), self.state.factors)
        density = kernels.log_density(self.values, constants, self.state.means, self.state.factors)
        return np.append(self.log_likelihoods[: self.n_drawn - 1], density.sum())[:n_draws]


class Runnable(Protocol):
    """A chain on its way: ``done`` of ``total`` draws are made, tuning ones among them; ``stopped`` makes it stop soon."""

    total: int
    done: int
    stopped: bool

    def run(self) -> None:
        """Go on to the end, or until the chain is stopped."""


def next_chunk(chunk: int, seconds: float) -> int:
    """How many draws to make before the next look around, when the last so many took so long."""
    return max(1, int(chunk * min(10.0, CHUNK_SECONDS / (seconds + 1e-9))))


def default_thin(n_observations: int) -> int:
    """Sweeps for each draw: many where they cost next to nothing, one where they cost much."""
    if n_observations >= MANY_ROWS:
        return 1
    return min(MOST_SWEEPS, max(LEAST_SWEEPS, ROWS_FOR_A_DRAW // n_observations))


def run_all(chains: Sequence[Runnable], cores: int, progress: bool) -> None:
    """Run the chains, at most ``cores`` at a time; at Ctrl-C they stop where they are."""
    with ThreadPoolExecutor(cores) as pool, progress_bar(progress) as bar:
        running = [pool.submit(chain.run) for chain in chains]
        task = bar.add_task("Sampling", total=sum(chain.total for chain in chains))
        try:
            while not all(future.done() for future in running):
                for future in running:
                    if future.done():
                        future.result()
                bar.update(task, completed=sum(chain.done for chain in chains))
                wait(running, POLL_SECONDS)
        except BaseException as error:  # no thread goes on drawing for nobody
            for chain in chains:
                chain.stopped = True
            if not isinstance(error, KeyboardInterrupt):
                raise
        for future in running:
            future.result()


def laws_of(specification: Specification, n_features: int, switch: bool) -> Laws:
    """The prior in numbers."""
    prior, structure, k = specification.required_prior, specification.structure, specification.n_components
    part = specification.required_prior.precisions
    form = (n_features,) if structure.is_diagonal else (n_features, n_features)
    numbers: dict[str, Any] = {
        "means_precision": np.zeros(n_features),
        "kappa": 0.0,
        "concentration": float(part.concentration_for(structure.block.order(n_features))),
        "rate_kind": FIXED,
        "rate_concentration": 0.0,
        "rate_rate": np.zeros(form),
        "mixing_rate": np.zeros(n_features),
        "shared": structure.is_shared,
        "spherical": structure.is_diagonal and not structure.block.dims,
        "switch": switch,
    }
    numbers |= weights_numbers(prior.weights, k)
    return Laws(**numbers | means_numbers(prior.means, n_features) | rate_numbers(part, structure, n_features))


@singledispatch
def weights_numbers(part: Any, n_components: int) -> dict[str, Any]:
    """The numbers of a prior on weights."""
    raise TypeError(f"No full conditional of the prior on weights {part!r}.")


@weights_numbers.register
def _(part: DirichletWeights, n_components: int) -> dict[str, Any]:
    return {"weights": part.for_components(n_components).copy()}


@singledispatch
def means_numbers(part: Any, n_features: int) -> dict[str, Any]:
    """The numbers of a prior on means."""
    raise TypeError(f"No full conditional of the prior on means {part!r}.")


@means_numbers.register
def _(part: NormalMeans, n_features: int) -> dict[str, Any]:
    precision = 1 / np.broadcast_to(part.scale, (n_features,)) ** 2
    return {"location": np.array(np.broadcast_to(part.location, (n_features,))), "means_precision": precision}


@means_numbers.register
def _(part: ConjugateMeans, n_features: int) -> dict[str, Any]:
    return {"location": np.array(np.broadcast_to(part.location, (n_features,))), "kappa": part.concentration}


@singledispatch
def rate_numbers(part: Any, structure: Structure, n_features: int) -> dict[str, Any]:
    """The numbers of the rate of the precisions."""
    raise TypeError(f"No full conditional of the prior on precisions {part!r}.")


@rate_numbers.register
def _(part: FixedWishart, structure: Structure, n_features: int) -> dict[str, Any]:
    return {"rate_kind": FIXED}


@rate_numbers.register
def _(part: HierarchicalWishart, structure: Structure, n_features: int) -> dict[str, Any]:
    rate_rate = np.array(spread(part.rate_rates(structure, n_features), structure, n_features))
    return {"rate_kind": COMMON, "rate_concentration": part.rate_concentration, "rate_rate": rate_rate}


@rate_numbers.register
def _(part: HalfT, structure: Structure, n_features: int) -> dict[str, Any]:
    mixing_rate = np.array(np.broadcast_to(part.rates_rate(structure, n_features), (n_features,)))
    return {"rate_kind": MIXING, "rate_concentration": part.degrees_of_freedom, "mixing_rate": mixing_rate}


def state_of(specification: Specification, mixture: Mixture, nuisance: Nuisance) -> State:
    """A start as the arrays that sweeps overwrite."""
    (k, d), structure = mixture.means.shape, specification.structure
    factors = np.array(mixture.precision_factors)
    rates = spread(specification.required_prior.precisions.rates(structure, d, nuisance), structure, d)
    mixing = np.zeros((k, d))
    if RATES in nuisance:
        mixing[:] = spread(nuisance[RATES], structure, d)
    # Copies in C order, whatever the order of their origin: for another one sweeps would be compiled again.
    return State(mixture.weights.copy(), mixture.means.copy(), factors, np.broadcast_to(rates, factors.shape).copy(), mixing)


def posterior_of(draws: State, specification: Specification, observations: Observations) -> tuple[xr.Dataset, dict[str, Array]]:
    """The draws (chain, draw, ...) as a dataset of the prior's variables and covariances, and the nuisance variables."""
    structure, part = specification.structure, specification.required_prior.covariances
    block, d = structure.block, observations.n_features
    precisions = draws.factors**2 if structure.is_diagonal else draws.factors @ np.swapaxes(draws.factors, -1, -2)
    one = 0 if structure.is_shared else slice(None)
    entry = () if block.dims else (0,)  # of a spherical matrix
    nuisance: dict[str, Array] = {}
    if isinstance(part, HierarchicalWishart):
        nuisance[RATE] = draws.rates[:, :, 0][(..., *entry)]
    if isinstance(part, HalfT):
        nuisance[RATES] = draws.mixing[:, :, one][(..., *entry)]
    coordinates = {"precisions": precisions[:, :, one][(..., *entry)]}
    covariances = part.covariances(structure, coordinates, specification.n_components, d)
    values = {"weights": draws.weights, "means": draws.means, **coordinates, **nuisance, "covariances": covariances}
    return dataset_of(values, specification, observations), nuisance


def spread(compact: Array, structure: Structure, n_features: int) -> Array:
    """The one number of spherical matrices repeated for each feature; other forms as they are."""
    return compact if structure.block.dims else np.repeat(compact[..., None], n_features, axis=-1)
