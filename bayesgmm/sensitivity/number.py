"""How far the number of groups hangs on the prior: the same data under several."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayesgmm.engines.telescoping import fit_mfm
from bayesgmm.interruption import PartialWarning
from bayesgmm.mfm import MfmPosterior
from bayesgmm.observations import Observations
from bayesgmm.prior import ComponentsPrior, Concentration, Prior
from bayesgmm.streams import Seed
from bayesgmm.validation import instance_of

VARIED = ("components_prior", "prior", "concentration")
DRAWING = ("draws", "tune", "chains", "cores", "thin")
SHOWN = 0.005  # probability of a number of groups below which it has no column


def prior_sensitivity(
    X: Any,
    covariance: str = "full",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: Seed = 0,
    progress: bool = True,
    **drawing: Any,
) -> pd.DataFrame:
    """The probabilities of the number of filled components K+ under several priors.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    covariance : str
        Covariance structure.
    settings : mapping of str to mapping, optional
        For each name the keywords of :func:`fit_mfm` that differ from its defaults: ``components_prior``, ``prior``,
        ``concentration``. None: three priors on K, four on the weights and three families for the components, one departure from
        the defaults at a time.
    seed : int, SeedSequence or Generator
    progress : bool
    **drawing
        Passed on to :func:`fit_mfm` for all: draws, tune, chains, cores, thin.

    Returns
    -------
    pandas.DataFrame
        One row a setting: ``mode`` of K+, its ``mean``, ``converged``, and ``p(k)`` for each k that has a probability of at least
        0.005 somewhere. Where rows differ much the data do not settle the number: say so, and say which prior was used.

    Warns
    -----
    PartialWarning
        If Ctrl-C came before every setting was fitted: the finished ones are returned.

    Raises
    ------
    TypeError
        If a keyword is unknown, before anything is fitted.
    ValueError
        If there are no settings, or one of them cannot be fitted.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=6.0, seed=0)
    >>> settings = {"default": {}, "dynamic": {"concentration": bg.Concentration.dynamic()}}
    >>> table = bg.prior_sensitivity(X, "spherical", settings, draws=200, tune=50, progress=False)
    >>> table["mode"].tolist()
    [2, 2]
    """
    observations = Observations.from_data(X)
    chosen = usual_settings(observations, covariance) if settings is None else settings
    instance_of(chosen, Mapping, "settings")
    if not chosen:
        raise ValueError("There is nothing to compare: give a mapping of names to keywords of fit_mfm, or None.")
    for name, keywords in chosen.items():  # before the first fit
        instance_of(keywords, Mapping, f"The setting {name!r}")
        _require_known(keywords, VARIED, f"in the setting {name!r}")
    _require_known(drawing, DRAWING, "beside the settings")
    rows = {}
    try:
        for name, keywords in chosen.items():
            fit = fit_mfm(observations, covariance=covariance, seed=seed, progress=progress, **drawing, **keywords)
            rows[name] = _row(fit)
            if fit.partial:
                break
    except KeyboardInterrupt:
        if not rows:
            raise
    if len(rows) < len(chosen):
        missing = ", ".join(name for name in chosen if name not in rows)
        warnings.warn(f"Partial: Ctrl-C came first; missing are {missing}.", PartialWarning, stacklevel=2)
    probabilities = pd.DataFrame({name: found for name, (_, found) in rows.items()}).fillna(0.0).T
    shown = probabilities.loc[:, (probabilities >= SHOWN).any()]
    summary = pd.DataFrame({name: told for name, (told, _) in rows.items()}).T.astype(
        {"mode": int, "mean": float, "converged": bool}
    )
    return summary.join(shown.rename(columns=lambda k: f"p({k})"))


def usual_settings(observations: Observations, covariance: str) -> dict[str, dict[str, Any]]:
    """Settings that the literature recommends, each away from fit_mfm's default in one respect."""

    def of_family(family: str) -> Prior:
        return Prior.weakly_informative(observations, covariance, family=family)

    return {
        "default": {},
        "K uniform on 1 to 30": {"components_prior": ComponentsPrior.uniform(1, 30)},
        "K - 1 Poisson(1)": {"components_prior": ComponentsPrior.poisson(1.0)},
        "weights static, gamma 0.1": {"concentration": 0.1},
        "weights dynamic, alpha 1": {"concentration": Concentration.dynamic(1.0)},
        "weights dynamic, alpha F(6, 3)": {"concentration": Concentration.dynamic()},
        "inverse Wishart": {"prior": of_family("inverse_wishart")},
        "half-t": {"prior": of_family("half_t")},
    }


def _require_known(keywords: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise TypeError if there is a keyword that makes no sense there."""
    unknown = [str(name) for name in keywords if name not in known]
    if unknown:
        raise TypeError(f"Unknown {where}: {', '.join(unknown)}. Known: {', '.join(known)}.")


def _row(posterior: MfmPosterior) -> tuple[dict[str, Any], pd.Series]:
    filled = posterior.probabilities["filled"]
    told = {"mode": filled.idxmax(), "mean": posterior.n_filled.mean(), "converged": posterior.diagnosis.converged}
    return told, filled
