"""Expected predictive accuracy: WAIC, PSIS-LOO, and tables that compare fits by them. Higher is better."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from bayesgmm.posterior import Posterior
from bayesgmm.validation import instance_of, known_name

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
    instance_of(posterior, Posterior, "posterior")
    log_likelihood = posterior.log_likelihood().reshape(posterior.n_chains * posterior.n_draws, -1)
    n_draws, n_observations = log_likelihood.shape
    p = log_likelihood.var(axis=0, ddof=1)
    elpd = logsumexp(log_likelihood, axis=0) - np.log(n_draws) - p
    return ELPDDataWAIC(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(n_observations * elpd.var())),
        p=float(p.sum()),
        n_samples=n_draws,
        n_data_points=n_observations,
        scale="log",
        warning=bool((p > P_WARNING).any()),
        good_k=np.nan,
        elpd_i=xr.DataArray(elpd, dims="observation"),
        p_i=xr.DataArray(p, dims="observation"),
    )


def loo(posterior: Posterior) -> az.ELPDData:
    r"""Leave-one-out cross-validation by Pareto-smoothed importance sampling.

    The relative efficiency is that of the likelihood terms, the mean over i of ESS(:math:`e^{l_i}`) / S, which no relabelling
    changes.

    Returns
    -------
    ELPDData
        With pointwise values and Pareto k; ``warning`` is set where some k is too large to be believed.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4. Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72).
    """
    instance_of(posterior, Posterior, "posterior")
    log_likelihood = posterior.log_likelihood()
    group = xr.Dataset({"x": (("chain", "draw", "observation"), log_likelihood)})
    relative = np.exp(group - group.max(("chain", "draw")))  # row by row: a row of low density must not pass for a constant
    efficiency = float(az.ess(relative, method="mean")["x"].mean()) / log_likelihood[..., 0].size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of large Pareto k: the result's own ``warning`` and ``pareto_k`` tell it
        return az.loo(xr.DataTree.from_dict({"log_likelihood": group}), pointwise=True, reff=min(efficiency, 1.0))


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
        standard error, and stacking weights.

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
        if not np.array_equal(other.observations.values, first.observations.values):
            raise ValueError(f"{name!r} was fitted to other data than {next(iter(posteriors))!r}: their elpd cannot be compared.")
    return rank({name: criterion(posterior) for name, posterior in posteriors.items()})


def rank(criteria: Mapping[str, az.ELPDData]) -> pd.DataFrame:
    """The table of :func:`compare` from criteria that are already computed."""
    return pd.DataFrame(az.compare(dict(criteria), round_to="none"))
