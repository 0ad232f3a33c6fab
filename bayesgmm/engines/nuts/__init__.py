"""NUTS by nutpie on the PyMC model: one compile, each chain from a start of its own."""

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Sequence
from threading import Thread
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import xarray as xr
from numpy.typing import NDArray
from rich.progress import TextColumn

from bayesgmm.abilities import Abilities
from bayesgmm.engines.engine import Sampled, SamplerSettings, most_draws
from bayesgmm.engines.nuts.compilation import compiled_model
from bayesgmm.engines.nuts.patience import why_too_long
from bayesgmm.mixture import Mixture
from bayesgmm.model import free_points, model_of, variables_at
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.progress import progress_bar
from bayesgmm.specification import Specification
from bayesgmm.streams import Use, stream

__all__ = ["ABILITIES", "sample", "why_too_long"]

ABILITIES = Abilities("NUTS", data=frozenset(), requirements=(), default_prior=True)
POLL_SECONDS = 0.01
# Times 1/sqrt(n), less than a posterior sd of any free variable: at a mode some gradient is exactly 0, from which nutpie, which
# takes its first mass matrix from the gradient, cannot start.
JITTER = 0.2
KEPT_STATS = {  # nutpie's names to ArviZ's
    "logp": "lp",
    "diverging": "diverging",
    "energy": "energy",
    "mean_tree_accept": "acceptance_rate",
    "step_size": "step_size",
    "depth": "tree_depth",
    "n_steps": "n_steps",
    "maxdepth_reached": "reached_max_treedepth",
}


def sample(
    observations: Observations,
    specification: Specification,
    starts: Sequence[tuple[Mixture, Nuisance]],
    settings: SamplerSettings,
    seed: np.random.SeedSequence,
) -> Sampled:
    """Compile once and run every chain; see :class:`bayesgmm.engines.engine.Engine`."""
    began = time.perf_counter()
    model = model_of(observations, specification)
    free = free_points(model, specification, starts)
    compiled = compiled_model(model, free[0])
    jitter = JITTER / np.sqrt(observations.n_observations)
    points = [np.concatenate([np.ravel(part) for part in point.values()]) for point in free]
    points = [point + jitter * stream(seed, Use.JITTER, chain).standard_normal(point.size) for chain, point in enumerate(points)]
    compile_seconds = time.perf_counter() - began
    chains = _run(compiled, points, settings, seed)
    drawn = _concatenated([chain["posterior"].to_dataset() for chain in chains])
    stats = _concatenated([chain["sample_stats"].to_dataset()[list(KEPT_STATS)] for chain in chains])
    posterior = _with_covariances(_in_units(drawn, model), specification, observations)
    sample_seconds = time.perf_counter() - began - compile_seconds
    return Sampled(
        posterior=posterior,
        sample_stats=stats.rename(KEPT_STATS),
        versions={package.__name__: package.__version__ for package in (pm, pytensor, nutpie)},
        seconds={"compile": compile_seconds, "sample": sample_seconds},
    )


def _run(
    compiled: Any, points: Sequence[NDArray[np.float64]], settings: SamplerSettings, seed: np.random.SeedSequence
) -> list[xr.DataTree]:
    """Run the chains, at most ``cores`` at a time, each with a seed of its own; at Ctrl-C, what there is of them."""
    waiting, running = list(range(settings.chains)), dict[int, Any]()
    finished: dict[int, xr.DataTree] = {}
    total = settings.chains * (settings.tune + settings.draws)
    try:
        with progress_bar(settings.progress, TextColumn("{task.fields[divergences]} divergences")) as bar:
            task = bar.add_task("Sampling", total=total, divergences=0)
            done, divergent = np.zeros(settings.chains, dtype=int), np.zeros(settings.chains, dtype=int)
            while waiting or running:
                ended = [chain for chain, handle in running.items() if _is_finished(handle)]
                while waiting and len(running) - len(ended) < settings.cores:
                    chain = waiting.pop(0)
                    running[chain] = _start(compiled, points[chain], settings, seed, chain, done, divergent)
                for chain in ended:  # while the next ones run
                    finished[chain] = running[chain].wait()
                    del running[chain]
                    done[chain] = settings.tune + settings.draws
                bar.update(task, completed=int(done.sum()), divergences=int(divergent.sum()))
                if running:
                    time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return _cut({**_stopped(running), **finished})
    except BaseException:  # no thread goes on drawing for nobody
        for handle in running.values():
            handle.cancel()
        raise
    return [finished[chain] for chain in range(settings.chains)]


def _stopped(running: dict[int, Any]) -> dict[int, xr.DataTree]:
    """What chains have drawn so far; they end with the transition that they are in.

    A thread waits for each: the main one must stay free to hear a second Ctrl-C, which goes through at once.
    """
    found: dict[int, xr.DataTree] = {}

    def stop(chain: int, handle: Any) -> None:
        with contextlib.suppress(Exception):  # a chain that failed as well has nothing to give
            found[chain] = handle.abort()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ArviZ wonders at chains without draws
        threads = [Thread(target=stop, args=item, daemon=True) for item in running.items()]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(POLL_SECONDS)
    return found


def _cut(chains: dict[int, xr.DataTree]) -> list[xr.DataTree]:
    """The chains that are kept, cut to equal length."""
    drawn = [chains[chain] for chain in sorted(chains)]
    if not drawn:
        raise KeyboardInterrupt
    kept, n_draws = most_draws([chain["posterior"].sizes["draw"] for chain in drawn])
    return [drawn[i].isel(draw=slice(n_draws)) for i in kept]


def _start(
    compiled: Any,
    point: NDArray[np.float64],
    settings: SamplerSettings,
    seed: np.random.SeedSequence,
    chain: int,
    done: NDArray[np.int64],
    divergent: NDArray[np.int64],
) -> Any:
    """Begin one chain in the background; its progress goes to ``done[chain]`` and ``divergent[chain]``."""

    def follow(chains: Any) -> None:
        done[chain], divergent[chain] = chains[0].finished_draws, chains[0].divergences

    return nutpie.sample(
        dataclasses.replace(compiled, initial_point_func=lambda _seed: point.copy()),
        draws=settings.draws,
        tune=settings.tune,
        chains=1,
        cores=1,
        seed=int(stream(seed, Use.CHAIN, chain).integers(2**31)),
        save_warmup=False,
        progress_bar=False,
        progress_callback=follow,
        blocking=False,
        target_accept=settings.target_accept,
    )


def _is_finished(handle: Any) -> bool:
    """Nutpie 0.16 answers a question before the end with TimeoutError."""
    try:
        return bool(handle.is_finished)
    except TimeoutError:
        return False


def _concatenated(chains: list[xr.Dataset]) -> xr.Dataset:
    """Datasets of one chain each made one; library attributes (a time of creation among them) are left behind."""
    return xr.concat(chains, dim="chain").assign_coords(chain=np.arange(len(chains))).drop_attrs()


def _in_units(drawn: xr.Dataset, model: pm.Model) -> xr.Dataset:
    """The model's random variables, with their dims, from draws of them or of the free ones."""
    names = [variable.name for variable in model.free_RVs]
    if set(names) <= set(drawn):
        return drawn[names]
    values = variables_at(model, {str(name): points.to_numpy() for name, points in drawn.items()})
    dims = {name: ("chain", "draw", *model.named_vars_to_dims[name]) for name in names}
    coords = {dim: list(model.coords[dim]) for name in names for dim in model.named_vars_to_dims[name]}
    return xr.Dataset({name: (dims[name], values[name]) for name in names}, {**drawn[["chain", "draw"]].coords, **coords})


def _with_covariances(posterior: xr.Dataset, specification: Specification, observations: Observations) -> xr.Dataset:
    """Add covariances (chain, draw, component, feature, feature2), made from the prior's coordinates."""
    coordinates = {str(name): values.to_numpy() for name, values in posterior.items()}
    part = specification.required_prior.covariances
    matrices = part.covariances(specification.structure, coordinates, specification.n_components, observations.n_features)
    dims = ("chain", "draw", "component", "feature", "feature2")
    coords = {"feature": list(observations.names), "feature2": list(observations.names)}
    return posterior.assign(covariances=(dims, matrices)).assign_coords(coords)
