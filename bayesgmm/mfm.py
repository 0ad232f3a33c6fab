"""MfmPosterior: the draws of a mixture whose number of components is unknown, and the posteriors given that number in it."""

import os
from dataclasses import dataclass
from functools import cached_property

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesgmm.diagnostics import Diagnosis, judge_number
from bayesgmm.draws import Draws, most_draws_of_equal_length
from bayesgmm.files import require_free, write_sealed
from bayesgmm.observations import Observations
from bayesgmm.posterior import AnyPosterior, Posterior
from bayesgmm.prior import dirichlet
from bayesgmm.saving.mfm import KIND
from bayesgmm.saving.posterior import pack
from bayesgmm.specification import MfmSpecification
from bayesgmm.streams import Use, seed_sequence, stream
from bayesgmm.validation import positive_integer

LEAST_GIVEN = 100  # draws of a number of components, to be spoken of
PRIOR_DRAWS = 20_000  # of the number of filled components, whose prior has no short formula
LEAST_TOLD = 0.005  # probability of a number that is printed
BOTH = ("chain", "draw")
NOT_NUISANCE = ("weights", "means", "covariances", "concentration")


@dataclass(frozen=True, eq=False)
class MfmPosterior(AnyPosterior):
    """A posterior over mixtures with any number of components.

    Attributes
    ----------
    tree : xarray.DataTree
        Groups ``posterior`` (n_components and n_filled (chain, draw); weights (chain, draw, component), means, covariances and
        nuisance variables, filled components first and NaN beyond n_components; concentration where it is random),
        ``sample_stats`` (the log-likelihood), ``observed_data`` and ``constant_data``. Its attributes hold every setting, version
        and seed as JSON.
    specification : MfmSpecification
    observations : Observations
    """

    specification: MfmSpecification
    observations: Observations

    @property
    def n_components(self) -> NDArray[np.int64]:
        """K of each draw, shape (n_chains, n_draws)."""
        return self.tree["posterior"]["n_components"].to_numpy()

    @property
    def n_filled(self) -> NDArray[np.int64]:
        """K+, the number of components that some row was allocated to, of each draw, shape (n_chains, n_draws)."""
        return self.tree["posterior"]["n_filled"].to_numpy()

    @cached_property
    def draws(self) -> Draws:
        """The mixtures as arrays; places without a component have weight 0 there."""
        group = self.tree["posterior"]
        weights, means, covariances = (group[name].to_numpy() for name in ("weights", "means", "covariances"))
        unused, d = np.isnan(weights), self.observations.n_features
        return Draws(
            np.where(unused, 0.0, weights),
            np.where(unused[..., None], 0.0, means),
            np.where(unused[..., None, None], np.eye(d), covariances),
            self.specification.structure,
        )

    @cached_property
    def probabilities(self) -> pd.DataFrame:
        """What the data say of the number of components.

        Returns
        -------
        pandas.DataFrame
            Index ``k``. ``prior`` and ``posterior`` of K = k, ``posterior_mcse`` its Monte Carlo standard error;
            ``filled_prior``, ``filled`` and ``filled_mcse`` the same of K+, whose prior is simulated for as many rows.
        """
        largest = int(self.n_components.max())
        rng = stream(seed_sequence(0), Use.NUMBER_PRIOR)
        _, filled = self.specification.sample_numbers(self.observations.n_observations, PRIOR_DRAWS, rng)
        k = np.arange(1, largest + 1)
        priors = self.specification.components_prior.probabilities
        posterior, posterior_mcse = shares_of(self.n_components, k)
        of_filled, filled_mcse = shares_of(self.n_filled, k)
        columns = {
            "prior": np.pad(priors, (0, max(0, largest - len(priors))))[:largest],
            "posterior": posterior,
            "posterior_mcse": posterior_mcse,
            "filled_prior": (filled[:, None] == k).mean(axis=0),
            "filled": of_filled,
            "filled_mcse": filled_mcse,
        }
        return pd.DataFrame(columns, index=pd.Index(k, name="k"))

    def given(self, n_components: int) -> Posterior:
        """The draws in which so many components are filled, without the empty ones.

        Parameters
        ----------
        n_components : int
            K+. Weights are shares among the filled components; their concentration in the posterior's ``specification`` is a mean
            over its draws where these differ in it.

        Returns
        -------
        Posterior
            Like any other: to be relabelled, summarised, compared. Each chain keeps its draws of that kind, evenly thinned to
            the number that the most chains have. These are a part of all draws: for a verdict on components take more of them,
            such as ``draws=10_000`` in :func:`fit_mfm`.

        Raises
        ------
        ValueError
            If there are fewer than 100 such draws; the message says which numbers have more.
        """
        k = positive_integer(n_components, "n_components")
        is_kept = self.n_filled == k
        if is_kept.sum() < LEAST_GIVEN:
            enough = np.flatnonzero(np.bincount(self.n_filled.ravel()) >= LEAST_GIVEN)
            others = ", ".join(map(str, enough)) or "none"
            raise ValueError(
                f"{int(is_kept.sum())} of {is_kept.size} draws have {k} filled components, fewer than the {LEAST_GIVEN} that can "
                f"be spoken of; with enough: {others}. Draw more, or ask for another number."
            )
        chains, n_draws = most_draws_of_equal_length(is_kept.sum(axis=1).tolist())
        kept = self._kept(k, chains, np.stack([_evenly(np.flatnonzero(is_kept[chain]), n_draws) for chain in chains]))
        concentration = self.specification.concentration
        drawn = kept["concentration"].to_numpy() if concentration.is_random else concentration.typical
        each = np.broadcast_to(concentration.for_components(drawn, kept["n_components"].to_numpy()), (len(chains), n_draws))
        kept = kept.drop_vars(["n_components", "n_filled"])
        specification, settings = self.specification.given(k, float(each.mean())), self.settings | {"given": k}
        posterior = Posterior.assembled(kept, kept[[]], specification, self.observations, settings)
        draws, prior = posterior.draws, specification.required_prior
        nuisance = {str(name): kept[name].to_numpy() for name in kept.data_vars if name not in NOT_NUISANCE}
        log_prior = (
            dirichlet.log_density(np.repeat(each[..., None], k, axis=-1), draws.weights)  # shares of some weights have their law
            + prior.means.log_density(draws.means, draws.covariances)
            + prior.covariances.log_density(specification.structure, draws.covariances, nuisance)
        )
        lp = xr.Dataset({"lp": (BOTH, posterior.total_log_likelihood + log_prior)}, coords=kept[list(BOTH)].coords)
        posterior.tree["sample_stats"] = xr.DataTree(lp)
        return posterior

    def _kept(self, k: int, chains: list[int], rows: NDArray[np.int64]) -> xr.Dataset:
        """The first k components of some draws, with weights that are shares among them."""
        at = {"chain": xr.DataArray(chains, dims="chain"), "draw": xr.DataArray(rows, dims=BOTH), "component": slice(0, k)}
        group = self.tree["posterior"].to_dataset().drop_vars([*BOTH, "component"])
        kept = group.isel(at)
        kept["weights"] = kept["weights"] / kept["weights"].sum("component")
        sizes = {"chain": len(chains), "draw": rows.shape[1], "component": k}
        return kept.assign_coords({dim: np.arange(size) for dim, size in sizes.items()})

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What may be believed; see :func:`diagnose`."""
        counts = {"n_components": self.n_components.astype(float), "n_filled": self.n_filled.astype(float)}
        if "concentration" in self.tree["posterior"]:
            counts["concentration"] = self.tree["posterior"]["concentration"].to_numpy()
        log_likelihood = self.tree["sample_stats"]["log_likelihood"].to_numpy()
        return judge_number(self.draws, self.observations.values, log_likelihood, counts, self.shortfall)

    def summary(self) -> pd.DataFrame:
        """Posterior means, intervals and Monte Carlo diagnostics of what does not depend on labels."""
        return self.diagnosis.label_free

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one netCDF file, complete or not at all, for :func:`bayesgmm.load`; what was there is replaced."""
        write_sealed(require_free(path, force=True), pack(self.tree, self.specification, self.observations, KIND))

    def __str__(self) -> str:
        chains, draws = self.n_components.shape
        shares = np.bincount(self.n_filled.ravel()) / self.n_filled.size
        filled = ", ".join(f"{k}: {share:.2f}" for k, share in enumerate(shares) if share >= LEAST_TOLD)
        return (
            f"Posterior of a {self.specification.covariance} mixture, K unknown, by telescoping: "
            f"{chains} chains of {draws} draws\n"
            f"{self.shortfall}{'\n' if self.partial else ''}"
            f"{self.specification.components_prior}; {self.specification.concentration}\n"
            f"n = {self.observations.n_observations}, features {', '.join(self.observations.names)}\n"
            f"filled components: {filled}\n"
            "probabilities tells K and K+, diagnose() what may be believed, given(n_components) the components."
        )

    __repr__ = __str__


def _evenly(indices: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """n of them, evenly spaced."""
    return np.asarray(indices[np.linspace(0, len(indices) - 1, n).round().astype(int)])


def shares_of(numbers: NDArray[np.int64], k: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of draws that have each number, and its Monte Carlo standard error."""
    is_k = (numbers[..., None] == k).astype(float)
    shares = is_k.mean(axis=(0, 1))
    errors = np.array([float(az.mcse(is_k[..., i])) if 0 < share < 1 else np.nan for i, share in enumerate(shares)])
    return shares, errors
