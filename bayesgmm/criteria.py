"""Expected predictive accuracy: WAIC, PSIS-LOO, and tables that compare fits by them. Higher is better."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesgmm.coordinates import Target
from bayesgmm.draws import BLOCK_VALUES
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.refitting import left_out, require_refittable
from bayesgmm.streams import Seed, folds, seed_sequence
from bayesgmm.validation import instance_of, known_name, number_of_folds, positive_integer

P_WARNING = 0.4  # Vehtari, Gelman & Gabry (2017)


@dataclass(kw_only=True, repr=False)
class ELPDDataWAIC(az.ELPDData):  # type: ignore[misc]
    """WAIC as an ArviZ container, so that ``az.compare`` takes it; ``p_i`` are the pointwise effective parameters."""

    p_i: xr.DataArray | None = None
    _kind: ClassVar[str | None] = "waic"

    def _footer(self) -> str:
        if not self.warning or self.p_i is None:
            return ""
        bad = int((self.p_i > P_WARNING).sum())
        return f"\nFor {bad} rows p_i is above {P_WARNING}, so that WAIC is not reliable there: prefer LOO."


def waic(posterior: Posterior) -> ELPDDataWAIC:
    r"""Widely applicable information criterion, as an expected log pointwise predictive density.

    .. math:: \widehat{\mathrm{elpd}}_i = \log \tfrac1S\sum_s e^{l_{is}} - \mathrm{var}_s(l_{is})

    with :math:`l_{is} = \log p(x_i \mid \theta_s)`, the indicator summed out, and the variance with ddof = 1.

    Returns
    -------
    ELPDData
        ``warning`` is set where a pointwise variance exceeds 0.4: prefer LOO there.

    References
    ----------
    Watanabe (2010), JMLR 11:3571-3594. Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4.
    """
    require_posterior(posterior)
    n_draws, n_observations = posterior.n_chains * posterior.n_draws, posterior.observations.n_observations
    terms = [_waic_terms(block.reshape(n_draws, -1)) for block in posterior.log_likelihood_blocks()]
    elpd, p = (np.concatenate(parts) for parts in zip(*terms, strict=True))
    return ELPDDataWAIC(
        elpd=float(elpd.sum()),
        se=_standard_error(elpd),
        p=float(p.sum()),
        n_samples=n_draws,
        n_data_points=n_observations,
        scale="log",
        warning=bool((p > P_WARNING).any()),
        good_k=np.nan,
        elpd_i=xr.DataArray(elpd, dims="observation"),
        p_i=xr.DataArray(p, dims="observation"),
    )


def _waic_terms(log_likelihood: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The elpd and the effective parameters of each row, from log-likelihoods (n_draws, n_rows)."""
    p = log_likelihood.var(axis=0, ddof=1)
    return logsumexp(log_likelihood, axis=0) - np.log(len(log_likelihood)) - p, p


def loo(posterior: Posterior, refit: bool = False, most_refits: int = 20, progress: bool = True) -> az.ELPDData:
    r"""Leave-one-out cross-validation by Pareto-smoothed importance sampling.

    The relative efficiency is that of the likelihood terms, the mean over i of ESS(:math:`e^{l_i}`) / S, which no relabelling
    changes. Of a Laplace approximation the draws before they were resampled are weighed by both densities instead. Where the
    log-likelihood group is not kept it goes through blocks of rows, in memory that does not grow with them.

    Parameters
    ----------
    posterior : Posterior
    refit : bool
        Fit again without the rows whose Pareto k is too large to be believed, with the prior held fixed.
    most_refits : int
        Where there are more such rows, random folds of all rows are left out instead, as many as this (at least 2): for the rows
        with a large k that is K-fold cross-validation.
    progress : bool
        Show a progress bar of the refits.

    Returns
    -------
    ELPDData
        With pointwise values and Pareto k; ``warning`` is set where some k is too large to be believed. Rows that were left out
        in earnest have k = 0.

    Raises
    ------
    TypeError
        If it is no posterior of a known number of components.
    ValueError
        If refits are asked for of draws that were conditioned on their number of components.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4. Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72).
    Magnusson, Andersen, Jonasson & Vehtari (2019), Bayesian leave-one-out cross-validation for large data, PMLR 97:4244-4253.
    """
    require_posterior(posterior)
    most_refits = positive_integer(most_refits, "most_refits")
    if refit:
        require_refittable(posterior)
    found = _of_proposal(posterior) if "proposal" in posterior.tree.children else _of_draws(posterior)
    bad = np.flatnonzero(found.pareto_k > found.good_k)
    return _mended(found, posterior, bad, most_refits, progress) if refit and len(bad) else found


def _of_draws(posterior: Posterior) -> az.ELPDData:
    """LOO from draws of the posterior."""
    parts = smoothed(posterior)
    if "log_likelihood" in posterior.tree.children:
        return next(parts)
    return _joined([replace(part, log_weights=None) for part in parts])  # they are as large as what is not kept


def _of_proposal(posterior: Posterior) -> az.ELPDData:
    """LOO from draws of an approximation, by both densities there (Magnusson and others 2019)."""
    proposal, coordinates = posterior.tree["proposal"], Target(posterior.specification, posterior.observations).coordinates
    log_p, log_g = (proposal[name].to_numpy().reshape(1, -1) for name in ("log_p", "log_g"))
    proper = np.isfinite(log_p[0])  # others have no weight
    flat = proposal["coordinates"].to_numpy().reshape(proper.size, -1)[proper]
    draws = coordinates.draws(coordinates.points_of(flat))
    both = [xr.DataArray(log_density[:, proper], dims=("chain", "draw")) for log_density in (log_p, log_g)]
    step = max(1, BLOCK_VALUES // len(flat))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        groups = (
            _group(draws.log_density(part.values[first : first + step]))
            for part in posterior.observations.parts()
            for first in range(0, part.n_observations, step)
        )
        return _joined([az.loo_approximate_posterior(group, *both, pointwise=True) for group in groups])


def smoothed(posterior: Posterior) -> Iterator[az.ELPDData]:
    """LOO of all rows, a block of them at a time, with the log weights that leave each row out."""
    efficiency = np.mean(np.concatenate([_relative_efficiency(block) for block in posterior.log_likelihood_blocks()]))
    for block in posterior.log_likelihood_blocks():
        yield _psis(block, min(float(efficiency), 1.0))


def _mended(found: az.ELPDData, posterior: Posterior, bad: NDArray[np.int64], most_refits: int, progress: bool) -> az.ELPDData:
    """LOO with some rows left out in earnest."""
    few = len(bad) <= most_refits
    groups = list(bad[:, None]) if few else folds(posterior.observations.n_observations, max(2, most_refits), seed_sequence(0))
    elpd, k = found.elpd_i.copy(), found.pareto_k.copy()
    for rows, density in zip(groups, left_out(posterior, groups, progress), strict=True):
        mended = np.isin(rows, bad)
        elpd[rows[mended]], k[rows[mended]] = density[mended], 0.0
    return replace(
        found,
        elpd=float(elpd.sum()),
        se=_standard_error(elpd.to_numpy()),
        p=float(found.p + found.elpd - elpd.sum()),  # elpd + p is the density with the rows in
        warning=bool((k > found.good_k).any()),
        elpd_i=elpd,
        pareto_k=k,
        log_weights=None,  # those of the other rows only would be right
    )


def kfold(posterior: Posterior, n_folds: int = 10, seed: Seed = 0, progress: bool = True) -> az.ELPDData:
    """K-fold cross-validation: as many fits, each without a random tenth (or so) of the rows, the prior held fixed.

    Parameters
    ----------
    posterior : Posterior
        Whose model, engine and settings are used.
    n_folds : int
        At least 2.
    seed : int, SeedSequence or Generator
        Of the folds.
    progress : bool

    Returns
    -------
    ELPDData
        Higher is better. :func:`loo` estimates nearly the same from one fit.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds or more than rows, or what a fold leaves cannot be fitted.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4, section 2.3.
    """
    require_posterior(posterior)
    n, n_draws = posterior.observations.n_observations, posterior.n_chains * posterior.n_draws
    n_folds = number_of_folds(n_folds, n)
    require_refittable(posterior)
    groups, elpd = folds(n, n_folds, seed_sequence(seed)), np.empty(n)
    for rows, density in zip(groups, left_out(posterior, groups, progress), strict=True):
        elpd[rows] = density
    within = [logsumexp(block, axis=(0, 1)) - np.log(n_draws) for block in posterior.log_likelihood_blocks()]
    p = np.concatenate(within) - elpd
    return az.ELPDDataLOOKFold(
        elpd=float(elpd.sum()),
        se=_standard_error(elpd),
        p=float(p.sum()),
        n_samples=n_draws,
        n_data_points=n,
        scale="log",
        warning=False,
        good_k=None,
        elpd_i=xr.DataArray(elpd, dims="observation"),
        n_folds=n_folds,
        p_kfold_i=xr.DataArray(p, dims="observation"),
    )


def _standard_error(elpd: NDArray[np.float64]) -> float:
    """Of a sum of pointwise values, as in ArviZ's LOO."""
    return float(np.sqrt(len(elpd) * elpd.var(ddof=1)))


def _relative_efficiency(log_likelihood: NDArray[np.float64]) -> NDArray[np.float64]:
    """ESS of the likelihood of each row, beside the number of draws."""
    relative = np.exp(log_likelihood - log_likelihood.max(axis=(0, 1)))  # row by row: low density must not pass for a constant
    effective = az.ess(xr.Dataset({"x": (("chain", "draw", "observation"), relative)}), method="mean")["x"]
    return np.asarray(effective.to_numpy() / relative[..., 0].size)


def _psis(log_likelihood: NDArray[np.float64], efficiency: float) -> az.ELPDData:
    """ArviZ's LOO of some rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of large Pareto k: the result's own ``warning`` and ``pareto_k`` tell it
        return az.loo(_group(log_likelihood), pointwise=True, reff=efficiency)


def _group(log_likelihood: NDArray[np.float64]) -> xr.DataTree:
    """As ArviZ takes it."""
    group = xr.Dataset({"x": (("chain", "draw", "observation"), log_likelihood)})
    return xr.DataTree.from_dict({"log_likelihood": group})


def _joined(parts: Sequence[az.ELPDData]) -> az.ELPDData:
    """LOO of all rows from that of blocks of rows."""
    known = ("elpd_i", "pareto_k", "p_loo_i", "influence_pareto_k", "n_eff_i")
    pointwise = [name for name in known if getattr(parts[0], name) is not None]
    rows = {name: xr.concat([getattr(part, name) for part in parts], dim="observation") for name in pointwise}
    n_observations = rows["elpd_i"].size
    return replace(
        parts[0],
        elpd=float(rows["elpd_i"].sum()),
        se=_standard_error(rows["elpd_i"].to_numpy()),
        p=sum(part.p for part in parts),
        n_data_points=n_observations,
        warning=any(part.warning for part in parts),
        **rows,
    )


CRITERIA = {"loo": loo, "waic": waic}


def compare(posteriors: Mapping[str, Posterior], ic: str = "loo") -> pd.DataFrame:
    """Rank fits of the same data by expected predictive accuracy.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
    ic : {"loo", "waic"}

    Returns
    -------
    pandas.DataFrame
        One row a fit, best first, as ``az.compare`` gives it: elpd, p, elpd_diff (negative for worse fits) and dse, its
        standard error, and stacking weights; and ``warning``, whether the criterion is unreliable for some rows.

    Raises
    ------
    ValueError
        If the fits are of different data.
    """
    instance_of(posteriors, Mapping, "posteriors")
    criterion = CRITERIA[known_name(ic, "criterion", CRITERIA)]
    if not posteriors:
        raise ValueError("There is nothing to compare: give a mapping of names to posteriors.")
    first = next(iter(posteriors.values()))
    for name, other in posteriors.items():
        if not other.observations.has_rows_of(first.observations):
            raise ValueError(f"{name!r} was fitted to other data than {next(iter(posteriors))!r}: their elpd cannot be compared.")
    return rank({name: criterion(posterior) for name, posterior in posteriors.items()})


def rank(criteria: Mapping[str, az.ELPDData]) -> pd.DataFrame:
    """The table of :func:`compare` from criteria that are already computed."""
    table = pd.DataFrame(az.compare(dict(criteria), round_to="none"))
    table["warning"] = [bool(criteria[str(name)].warning) for name in table.index]
    return table
