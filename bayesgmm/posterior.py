"""Posterior: the draws of a fit in an ArviZ DataTree, with the Specification and the Observations they belong to."""

import json
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesgmm import labels
from bayesgmm.diagnostics import Diagnosis, judge
from bayesgmm.draws import Draws, blocks
from bayesgmm.files import require_free, write_sealed
from bayesgmm.observations import PACKAGE, Observations
from bayesgmm.saving.posterior import pack
from bayesgmm.saving.source import source_groups
from bayesgmm.specification import Specification
from bayesgmm.validation import known_name

KEPT_LOG_LIKELIHOOD = 20_000_000  # draws x observations up to which the log_likelihood group is kept
KEPT_ROWS = 10_000  # of rows that are not in memory, on which draws are relabelled and judged


class UnconvergedWarning(UserWarning):
    """A statement about a posterior was made from chains that have not converged."""


class UnresolvedLabelsWarning(UserWarning):
    """Component parameters were asked for where components are not resolved."""


class UnresolvedLabelsError(ValueError):
    """What belongs to a component was asked for where components are not resolved."""


@dataclass(frozen=True, eq=False)
class AnyPosterior(ABC):
    """What posteriors of a known and of an unknown number of components have in common.

    Attributes
    ----------
    tree : xarray.DataTree
        Its attributes hold every setting, version and seed as JSON.
    """

    tree: xr.DataTree

    @property
    @abstractmethod
    def draws(self) -> Draws:
        """The mixture parameters as arrays."""

    @property
    @abstractmethod
    def diagnosis(self) -> Diagnosis:
        """What may be believed; see :func:`diagnose`."""

    @property
    def doubt(self) -> str:
        """Why the draws may not be those of the posterior, in a sentence; empty where the chains have converged."""
        if self.diagnosis.converged:
            return ""
        chains, draws = self.draws.shape
        return (
            f"The chains ({chains} of {draws} draws) have not converged: what is said may be said of where these chains happened "
            "to be. See diagnose(), and take more draws or fewer components."
        )

    def tell_doubt(self) -> None:
        """Warn, at the line that called the package, if the chains have not converged."""
        if self.doubt:
            warnings.warn(self.doubt, UnconvergedWarning, skip_file_prefixes=(PACKAGE,))

    @property
    def settings(self) -> dict[str, Any]:
        """How it was made: engine, draws, chains, seed, versions ..."""
        return dict(json.loads(self.tree.attrs["settings"]))

    @property
    def partial(self) -> bool:
        """Whether Ctrl-C came before everything was drawn."""
        return bool(self.settings.get("partial"))

    @property
    def shortfall(self) -> str:
        """What an interrupted fit lacks, in a sentence; empty for a whole one."""
        if not self.partial:
            return ""
        asked, drawn = self.settings, self.settings["drawn"]
        return (
            f"Partial: Ctrl-C came when {drawn['chains']} of {asked['chains']} chains had {drawn['draws']} of {asked['draws']} "
            "draws, which is all that there is."
        )


@dataclass(frozen=True, eq=False)
class Posterior(AnyPosterior):
    """A posterior, stored as drawn.

    Attributes
    ----------
    tree : xarray.DataTree
        Groups ``posterior`` (weights (chain, draw, component), means (..., component, feature), covariances (..., component,
        feature, feature2), all in the data's units, and the prior's nuisance variables), ``sample_stats``, ``observed_data``,
        ``constant_data``, ``log_likelihood`` where it is small enough to keep, and after :func:`relabel` ``relabelling``. Of
        rows that are not in memory neither of ``observed_data`` and ``log_likelihood``, but ``observed_sample``, some of them
        with their numbers, and ``source``: what was measured of all, and where they are. Its attributes hold every setting,
        version and seed as JSON.
    specification : Specification
    observations : Observations
    """

    specification: Specification
    observations: Observations

    @classmethod
    def assembled(
        cls,
        posterior: xr.Dataset,
        sample_stats: xr.Dataset,
        specification: Specification,
        observations: Observations,
        settings: dict[str, Any],
        groups: Mapping[str, xr.Dataset] = MappingProxyType({}),
    ) -> Self:
        """Put draws, data and settings together, and the log-likelihood where it is small enough to keep."""
        parts = {"posterior": posterior, "sample_stats": sample_stats, **data_groups(observations), **groups}
        tree = xr.DataTree.from_dict(parts)
        tree.attrs = {"settings": json.dumps(settings), "specification": specification.to_json()}
        whole = cls(tree, specification, observations)
        size = whole.n_chains * whole.n_draws * observations.n_observations
        if size <= KEPT_LOG_LIKELIHOOD and not observations.is_stored:
            kept = xr.Dataset(
                {"x": (("chain", "draw", "observation"), whole.log_likelihood())}, coords=posterior[["chain", "draw"]].coords
            )
            tree["log_likelihood"] = xr.DataTree(kept)
        return whole

    @cached_property
    def draws(self) -> Draws:
        """The mixture parameters as arrays."""
        group = self.tree["posterior"]
        weights, means, covariances = (group[name].to_numpy() for name in ("weights", "means", "covariances"))
        return Draws(weights, means, covariances, self.specification.structure)

    @property
    def n_chains(self) -> int:
        """Chains."""
        return self.draws.shape[0]

    @property
    def n_draws(self) -> int:
        """Draws of each chain."""
        return self.draws.shape[1]

    @property
    def n_components(self) -> int:
        """K."""
        return self.specification.n_components

    @property
    def permutation(self) -> NDArray[np.int64] | None:
        """Which drawn component stands in each place, (n_chains, n_draws, n_components); None for a posterior as drawn."""
        return self.tree["relabelling"]["permutation"].to_numpy() if "relabelling" in self.tree.children else None

    @property
    def n_divergences(self) -> int:
        """Divergent transitions after tuning, over all chains; 0 where an engine knows none."""
        stats = self.tree["sample_stats"]
        return int(stats["diverging"].sum()) if "diverging" in stats else 0

    @cached_property
    def some_rows(self) -> NDArray[np.float64]:
        """Rows in memory on which draws are relabelled and judged, (n_rows, n_features): all, or those kept of a source."""
        kept = self.tree.children.get("observed_sample")
        return self.observations.values if kept is None else kept["x"].to_numpy()

    @property
    def some_numbers(self) -> NDArray[np.int64]:
        """Which rows of the data :attr:`some_rows` are, ascending, (n_rows,)."""
        kept = self.tree.children.get("observed_sample")
        return np.arange(self.observations.n_observations) if kept is None else kept["observation"].to_numpy()

    def log_likelihood(self, rows: slice = slice(None)) -> NDArray[np.float64]:
        """log p(x_i) at each draw, shape (n_chains, n_draws, n_rows), kept or computed."""
        if "log_likelihood" in self.tree.children:
            (kept,) = self.tree["log_likelihood"].data_vars.values()
            return np.asarray(kept.to_numpy()[..., rows])
        return self.draws.log_density(self.observations.values[rows])

    @cached_property
    def total_log_likelihood(self) -> NDArray[np.float64]:
        """Log-likelihood of each draw, shape (n_chains, n_draws), as the engine tells it or computed."""
        if "total_log_likelihood" in self.tree["sample_stats"]:
            return self.tree["sample_stats"]["total_log_likelihood"].to_numpy()
        return np.sum([block.sum(axis=-1) for block in self.log_likelihood_blocks()], axis=0)

    def log_likelihood_blocks(self) -> Iterator[NDArray[np.float64]]:
        """:meth:`log_likelihood` of all rows: at once where it is kept, otherwise as many rows at a time as memory likes."""
        if "log_likelihood" in self.tree.children:
            yield self.log_likelihood()
            return
        for part in self.observations.parts():
            for rows in blocks(part.n_observations, self.n_chains * self.n_draws):
                yield self.draws.log_density(part.values[rows])

    @cached_property
    def relabelled(self) -> "Posterior":
        """Itself where it is relabelled, otherwise relabelled by ECR."""
        return self if self.permutation is not None else relabel(self)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What may be believed; see :func:`diagnose`."""
        data, places = self.observations, self.permutation
        if places is None:
            return self.relabelled.diagnosis
        used = self.tree["relabelling"].attrs["method"]
        unused = {name: method for name, method in labels.COMPARED.items() if name != used}
        judged = judge(self.draws, places, self.some_rows, data.names, self.total_log_likelihood, self.n_divergences, unused)
        first, *others = judged.verdict
        told = filter(None, (self.shortfall, self.settings.get("remark")))
        judged, doubt = replace(judged, verdict=(first, *told, *others)), self.settings.get("doubt")
        return judged.denied(doubt) if doubt else judged

    def summary(self) -> pd.DataFrame:
        """Posterior means, intervals and Monte Carlo diagnostics of the relabelled parameters and of label-free quantities.

        Returns
        -------
        pandas.DataFrame
            Columns mean, sd, lower and upper (90% equal-tailed), ess_bulk, ess_tail, r_hat, mcse_mean. Where the components
            are not resolved their rows are withheld and ``attrs["withheld"]`` says why.

        Warns
        -----
        UnresolvedLabelsWarning
            If component rows are withheld.
        """
        diagnosis = self.diagnosis
        if diagnosis.components_trusted:
            return pd.concat([diagnosis.relabelled, diagnosis.label_free])
        table = diagnosis.label_free.copy()
        table.attrs["withheld"] = " ".join(diagnosis.verdict)
        warnings.warn(f"Component rows are withheld. {diagnosis.verdict[0]}", UnresolvedLabelsWarning, stacklevel=2)
        return table

    def __str__(self) -> str:
        specification, settings = self.specification, self.settings
        diverged = f", {self.n_divergences} divergences" if "diverging" in self.tree["sample_stats"] else ""
        known = f"K = {self.n_components}" if "given" not in settings else f"K+ = {self.n_components} given, K unknown"
        labels_are = "as drawn" if self.permutation is None else f"relabelled by {self.tree['relabelling'].attrs['method']}"
        return (
            f"Posterior of a {specification.covariance} mixture, {known}, by {settings['engine']}: "
            f"{self.n_chains} chains of {self.n_draws} draws, {labels_are}{diverged}\n"
            f"{self.shortfall}{'\n' if self.partial else ''}"
            f"n = {self.observations.n_observations}, features {', '.join(self.observations.names)}\n"
            "diagnose() says what may be believed, summary() gives the numbers, tree holds everything."
        )

    __repr__ = __str__

    def as_drawn(self) -> "Posterior":
        """The posterior with any relabelling undone, bit for bit."""
        if self.permutation is None:
            return self
        tree = _permuted(self.tree, labels.inverse(self.permutation))
        del tree["relabelling"]
        return replace(self, tree=tree)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one netCDF file, complete or not at all, for :func:`bayesgmm.load`; what was there is replaced."""
        write_sealed(require_free(path, force=True), pack(self.tree, self.specification, self.observations))


def relabel(posterior: Posterior, method: str = "ecr", feature: str | int | None = None) -> Posterior:
    """Give components the same place in every draw, across chains as well as within.

    Parameters
    ----------
    posterior : Posterior
        As drawn or relabelled before; the new permutations replace the old ones.
    method : str
        ``"ecr"``: the permutation that classifies the rows most like the draw of highest posterior density.
        ``"ecr_iterative_1"``, ``"ecr_iterative_2"``: most like the relabelled draws do, by a vote or by their mean
        responsibilities. ``"stephens"``: responsibilities nearest to their mean by Kullback and Leibler. ``"data"``: rows nearest
        to the centres of their components. ``"pivot"``: components nearest to those of the draw of highest posterior density.
        ``"kmeans"``: components in the same cluster of all components of all draws. ``"ordering"``: sorted means along one
        feature.
    feature : str or int, optional
        Ordering: its name or number; None: the one along which means are farthest apart.

    Returns
    -------
    Posterior
        Every variable with the dim ``component`` permuted, and a group ``relabelling`` that holds the permutations:
        ``permutation[c, s, k]`` is the drawn component that stands in place k. :meth:`Posterior.as_drawn` undoes it.

    References
    ----------
    Papastamoulis (2016), label.switching, doi:10.18637/jss.v069.c01. Each method's paper stands in ``bayesgmm.labels``.
    """
    require_posterior(posterior)
    find = labels.METHODS[known_name(method, "relabelling method", labels.METHODS)]
    if feature is not None:
        if method != "ordering":
            raise ValueError(f"feature is for method='ordering', which sorts by it; the method is {method!r}.")
        find = partial(labels.ordering, feature=place_of(feature, posterior.observations.names))
    drawn = posterior.as_drawn()
    scores = drawn.tree["sample_stats"]["lp"].to_numpy()
    permutation = find(drawn.draws, drawn.some_rows, scores)
    tree = _permuted(drawn.tree, permutation)
    places = xr.DataArray(permutation, dims=("chain", "draw", "component"))
    tree["relabelling"] = xr.DataTree(xr.Dataset({"permutation": places}, attrs={"method": method}))
    return replace(posterior, tree=tree)


def place_of(feature: str | int, names: Sequence[str]) -> int:
    """The number of a feature, from it or from its name."""
    if isinstance(feature, int | np.integer) and not isinstance(feature, bool) and 0 <= feature < len(names):
        return int(feature)
    return list(names).index(known_name(feature, "feature", names))


def require_posterior(value: object) -> None:
    """Raise TypeError if it is no posterior of a known number of components."""
    if not isinstance(value, Posterior):
        hint = ": take .given(n_components) of it first" if isinstance(value, AnyPosterior) else ""
        raise TypeError(f"posterior must be a Posterior, got {type(value).__name__}{hint}.")


def require_any_posterior(value: object) -> None:
    """Raise TypeError if it is no posterior, of a known or an unknown number of components."""
    if not isinstance(value, AnyPosterior):
        raise TypeError(f"posterior must be a Posterior or an MfmPosterior, got {type(value).__name__}.")


def diagnose(posterior: AnyPosterior) -> Diagnosis:
    """Whether the chains have converged and whether the components may be believed.

    Label-free quantities are looked at first, since a bad R-hat of a component's parameter may only be switching; then the
    relabelled parameters and whether components are the same ones in every draw.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
        Relabelled by ECR where it is not relabelled yet.

    Returns
    -------
    Diagnosis
        ``print`` it for the verdict.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), doi:10.1214/20-BA1221.
    """
    require_any_posterior(posterior)
    return posterior.diagnosis


def data_groups(observations: Observations) -> dict[str, xr.Dataset]:
    """The groups of a posterior's tree that hold the data, or some of those that are not in memory, and what their units are."""
    features = {"feature": list(observations.names)}
    ranges = {"feature_range": ("feature", observations.ranges), "feature_midrange": ("feature", observations.midranges)}
    constant = {"constant_data": xr.Dataset(ranges, coords=features)}
    if observations.is_stored:
        return {**constant, **source_groups(observations, KEPT_ROWS)}
    return {"observed_data": xr.Dataset({"x": (("observation", "feature"), observations.values)}, coords=features), **constant}


def _permuted(tree: xr.DataTree, permutation: NDArray[np.int64]) -> xr.DataTree:
    """Permute every variable that varies by draw and has the dim ``component``, whatever its name and group."""
    index = xr.DataArray(permutation, dims=("chain", "draw", "component"))

    def permute(dataset: xr.Dataset) -> xr.Dataset:
        moved = {
            name: _take(variable, index)
            for name, variable in dataset.data_vars.items()
            if {"chain", "draw", "component"} <= set(variable.dims)
        }
        return dataset.assign(moved)

    return xr.DataTree.from_dict({path: permute(node.to_dataset(inherit=False)) for path, node in tree.subtree_with_keys})


def _take(variable: xr.DataArray, index: xr.DataArray) -> xr.DataArray:
    aligned = variable.transpose("chain", "draw", "component", ...)
    places = index.to_numpy().reshape(index.shape + (1,) * (aligned.ndim - 3))
    taken = np.take_along_axis(aligned.to_numpy(), places, axis=2)
    return aligned.copy(data=taken).transpose(*variable.dims)
