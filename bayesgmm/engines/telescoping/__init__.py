"""The telescoping sampler: Gibbs sampling of a mixture whose number of components is unknown, and fit_mfm."""

import json
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammaln

from bayesgmm.abilities import Abilities
from bayesgmm.engines.engine import MOST_DRAWS, most_draws
from bayesgmm.engines.gibbs import (
    default_thin,
    laws_of,
    needs_full_conditionals,
    next_chunk,
    posterior_of,
    run_all,
    state_of,
)
from bayesgmm.engines.gibbs.sweeps import COMMON, MIXING, Laws, State
from bayesgmm.engines.starts import chain_starts
from bayesgmm.engines.telescoping.sweeps import Counters, Number, run
from bayesgmm.interruption import PartialWarning
from bayesgmm.mfm import MfmPosterior
from bayesgmm.observations import Observations
from bayesgmm.posterior import data_groups
from bayesgmm.prior import ComponentsPrior, Concentration, DirichletWeights, FLaw, GammaLaw, Prior
from bayesgmm.specification import MfmSpecification, Specification
from bayesgmm.streams import Seed, Use, describe, seed_sequence, stream
from bayesgmm.validation import instance_of, positive_integer

__all__ = ["ABILITIES", "fit_mfm", "refusal"]

type Array = NDArray[np.float64]

FIRST_NUMBER = 10  # of components: a chain begins with more than most data need, for components die sooner than they are born
CHUNK_NUMBERS = 4_000_000  # in the draws of a chunk


UNLIKE = (
    "Components whose number is unknown must be alike before the data: give one weights_concentration for all of them, or "
    "concentration=..., which goes before it."
)
ABILITIES = Abilities("Telescoping", data=frozenset(), requirements=(needs_full_conditionals,), default_prior=True)


def fit_mfm(
    X: Any,
    components_prior: ComponentsPrior | None = None,
    covariance: str = "full",
    prior: Prior | None = None,
    concentration: float | GammaLaw | FLaw | Concentration | None = None,
    draws: int = 2500,
    tune: int = 500,
    chains: int = 4,
    cores: int | None = None,
    seed: Seed = 0,
    progress: bool = True,
    *,
    thin: int | None = None,
) -> MfmPosterior:
    r"""Draw from the posterior of a Gaussian mixture whose number of components is unknown, by the telescoping sampler.

    A mixture of finite mixtures: :math:`K \sim p(K)`, weights given K Dirichlet(:math:`\gamma`) or
    Dirichlet(:math:`\alpha / K`), components from the same prior as in :func:`fit_bayes`. K counts the components of the
    population, the filled components K+ are those that some row comes from: groups in the data.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    components_prior : ComponentsPrior, optional
        Of K; None: :meth:`ComponentsPrior.beta_negative_binomial`.
    covariance : str
        Covariance structure.
    prior : Prior, optional
        Of the components; None: :meth:`Prior.weakly_informative` for these data. Any but LKJ.
    concentration : Concentration, optional
        Of the weights: :meth:`Concentration.static` or :meth:`Concentration.dynamic`, known or with a law of its own. A number or
        a law alone is static. None: static, the prior's ``weights_concentration``.
    draws, tune, chains : int
        Kept draws and draws for adaptation of each chain, and the number of chains.
    cores : int, optional
        Chains that run at a time; None: as many as there are processors. It changes no bit of the draws.
    seed : int, SeedSequence or Generator
    progress : bool
        Show a progress bar.
    thin : int, optional
        Sweeps for each draw, in tuning too; None: between 5 (many rows) and 30 (few), for the number of components changes
        slowly.

    Returns
    -------
    MfmPosterior
        ``probabilities`` of K and K+ beside their prior, ``given(n_components)`` for the components.

    Warns
    -----
    PartialWarning
        If Ctrl-C came before everything was drawn: the draws so far are returned where there are enough to be looked at.

    Raises
    ------
    ValueError
        If the data, the names or the numbers are not usable; the message says which and what to do.

    References
    ----------
    Fruehwirth-Schnatter, Malsiner-Walli & Gruen (2021), Generalized mixtures of finite mixtures and telescoping sampling,
    doi:10.1214/21-BA1294. Miller & Harrison (2018), doi:10.1080/01621459.2016.1255636.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(200, n_components=2, n_features=2, separation=6.0, seed=0)
    >>> post = bg.fit_mfm(X, draws=200, tune=50, progress=False)
    >>> int(post.probabilities["filled"].idxmax())
    2
    """
    number = ComponentsPrior.beta_negative_binomial() if components_prior is None else components_prior
    observations = Observations.from_data(X)
    prior = Prior.weakly_informative(observations, covariance) if prior is None else prior
    instance_of(prior, Prior, "prior")
    specification = MfmSpecification(number, covariance, prior, _concentration(concentration, prior))
    first = min(FIRST_NUMBER, number.largest, observations.distinct_rows(FIRST_NUMBER))
    start = Specification(first, covariance, replace(prior, weights=DirichletWeights(np.asarray(1.0))))
    ABILITIES.require(observations, start)
    if not start.structure.is_diagonal:
        observations.tell_if_collinear()
    draws, tune, chains = (
        positive_integer(value, name, MOST_DRAWS) for name, value in {"draws": draws, "tune": tune, "chains": chains}.items()
    )
    cores = positive_integer(os.cpu_count() or 1 if cores is None else cores, "cores")
    thin = default_thin(observations.n_observations) if thin is None else positive_integer(thin, "thin", MOST_DRAWS)
    root, began = seed_sequence(seed), time.perf_counter()
    laws = laws_of(start, observations.n_features, switch=False)
    begun = [state_of(start, *one) for one in chain_starts(observations, start, None, chains, root)]
    running = [
        Chain(observations, specification, laws, state, draws, tune, thin, stream(root, Use.CHAIN, chain))
        for chain, state in enumerate(begun)
    ]
    run_all(running, cores, progress)
    lengths = [chain.n_drawn for chain in running]
    whole = lengths == [draws] * chains
    kept, n_draws = (list(range(chains)), draws) if whole else most_draws(lengths)
    settings = {
        "engine": "telescoping",
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "drawn": {"chains": len(kept), "draws": n_draws},
        "partial": not whole,
        "thin": thin,
        "seed": describe(root),
        "versions": {"bayesgmm": version("bayesgmm"), "numpy": np.__version__, "numba": numba.__version__},
        "seconds": {"sample": time.perf_counter() - began},
    }
    posterior = _assembled(observations, specification, [running[c] for c in kept], n_draws, settings)
    if posterior.partial:
        warnings.warn(posterior.shortfall, PartialWarning, stacklevel=2)
    return posterior


def _concentration(given: float | GammaLaw | FLaw | Concentration | None, prior: Prior) -> Concentration:
    """The concentration as it may be given."""
    if isinstance(given, Concentration):
        return given
    if given is not None:
        return Concentration.static(given)
    if prior.weights.common_concentration is None:
        raise ValueError(UNLIKE)
    return Concentration.static(prior.weights.common_concentration)


def refusal(covariance: str, prior: Prior) -> str:
    """Why a mixture of this structure and prior cannot be drawn with an unknown number of components; nothing where it can."""
    if prior.weights.common_concentration is None:
        return UNLIKE
    return ABILITIES.refusal(Specification(1, covariance, prior))


class Chain:
    """One chain on its way: where it is, and what it has drawn, chunk by chunk, each with as many components as it needs."""

    def __init__(
        self,
        observations: Observations,
        specification: MfmSpecification,
        laws: Laws,
        begun: State,
        draws: int,
        tune: int,
        thin: int,
        rng: np.random.Generator,
    ) -> None:
        self.values, self.laws, self.rng = observations.values, laws, rng
        self.number = number_of(specification)
        self.state = spacious(begun, specification.components_prior.largest)
        k = len(begun.weights)
        concentration = np.array([specification.concentration.typical])
        self.counters = Counters(np.array([k]), np.array([k]), concentration)
        self.tune, self.total, self.thin = tune, tune + draws, thin
        self.done, self.stopped = 0, False
        self.draws: list[State] = []
        self.drawn: list[Counters] = []
        self.log_likelihoods: list[Array] = []

    @property
    def n_drawn(self) -> int:
        """Draws that are kept so far."""
        return max(self.done - self.tune, 0)

    def run(self) -> None:
        """Sweep on to the end, or until the chain is stopped."""
        capacity, chunk = len(self.state.weights), 1
        most = max(1, CHUNK_NUMBERS // self.state.factors.size)
        lengths = (capacity,) * 3 + (int(self.laws.rate_kind == COMMON), capacity if self.laws.rate_kind == MIXING else 0)
        while self.done < self.total and not self.stopped:
            end = self.tune if self.done < self.tune else self.total
            chunk = min(chunk, end - self.done, most)
            shapes = [(chunk, length, *part.shape[1:]) for part, length in zip(self.state, lengths, strict=True)]
            draws, began = State(*map(np.empty, shapes)), time.perf_counter()
            drawn, found = Counters(np.empty(chunk, np.int64), np.empty(chunk, np.int64), np.empty(chunk)), np.empty(chunk)
            run(self.values, self.laws, self.number, self.state, self.counters, self.rng, draws, drawn, found, self.thin)
            if self.done >= self.tune:
                most_used = drawn.n_components.max()
                self.draws.append(State(*(part[:, :most_used].copy() for part in draws)))
                self.drawn.append(drawn)
                self.log_likelihoods.append(found)
            self.done += chunk
            chunk = next_chunk(chunk, time.perf_counter() - began)


def number_of(specification: MfmSpecification) -> Number:
    """The priors on K and on the concentration in numbers."""
    probabilities, concentration = specification.components_prior.probabilities, specification.concentration
    with np.errstate(divide="ignore"):
        log_probabilities = np.log(probabilities)
    powers = np.zeros(4) if isinstance(concentration.law, float) else np.array(concentration.law.powers)
    log_factorials = gammaln(np.arange(len(probabilities) + 1) + 1.0)
    return Number(log_probabilities, log_factorials, powers, concentration.is_random, concentration.is_dynamic)


def spacious(state: State, capacity: int) -> State:
    """The state with room for more components; every place has the rates, which may be a constant."""
    more = capacity - len(state.weights)
    return State(*(np.concatenate([part, np.repeat(part[:1], more, axis=0)]) for part in state))


def _assembled(
    observations: Observations,
    specification: MfmSpecification,
    chains: Sequence[Chain],
    n_draws: int,
    settings: dict[str, Any],
) -> MfmPosterior:
    """Put draws, data and settings into one DataTree; where a draw has no component there is NaN."""
    drawn = Counters(*_stacked([chain.drawn for chain in chains], n_draws))
    largest = int(drawn.n_components.max())
    draws = State(*_stacked([[_widened(piece, largest) for piece in chain.draws] for chain in chains], n_draws))
    is_used = np.arange(largest) < drawn.n_components[..., None]
    is_diagonal = specification.structure.is_diagonal
    draws.factors[~is_used] = 1.0 if is_diagonal else np.eye(observations.n_features)
    if draws.mixing.shape[2]:
        draws.mixing[~is_used] = 1.0
    dataset, _ = posterior_of(draws, specification.given(largest), observations)
    used = xr.DataArray(is_used, dims=("chain", "draw", "component"))
    posterior = dataset.drop_vars("precisions").map(
        lambda variable: variable.where(used) if "component" in variable.dims else variable
    )
    posterior = posterior.assign(
        n_components=(("chain", "draw"), drawn.n_components), n_filled=(("chain", "draw"), drawn.n_filled)
    )
    if specification.concentration.is_random:
        posterior["concentration"] = (("chain", "draw"), drawn.concentration)
    found = np.stack([np.concatenate(chain.log_likelihoods)[:n_draws] for chain in chains])
    stats = xr.Dataset({"log_likelihood": (("chain", "draw"), found)}, coords=posterior[["chain", "draw"]].coords)
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats, **data_groups(observations)})
    tree.attrs = {"settings": json.dumps(settings), "specification": specification.to_json()}
    return MfmPosterior(tree, specification, observations)


def _stacked[T: tuple[Any, ...]](chains: Sequence[Sequence[T]], n_draws: int) -> list[Any]:
    """For each field of the chunks of all chains: an array (chains, draws, ...)."""
    joined = [[np.concatenate(field)[:n_draws] for field in zip(*chunks, strict=True)] for chunks in chains]
    return [np.stack(field) for field in zip(*joined, strict=True)]


def _widened(draws: State, largest: int) -> State:
    """Draws with room for as many components as any has; rates have one place for all, mixing rates may have none."""
    mixing = _wide(draws.mixing, largest) if draws.mixing.shape[1] else draws.mixing
    return State(_wide(draws.weights, largest), _wide(draws.means, largest), _wide(draws.factors, largest), draws.rates, mixing)


def _wide(part: Array, largest: int) -> Array:
    room = np.empty((len(part), largest, *part.shape[2:]))
    room[:, : part.shape[1]] = part
    return room
