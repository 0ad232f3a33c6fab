"""How many components: one fit by EM and one by MCMC for each number, and what the criteria say."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import arviz as az
import numpy as np
import pandas as pd

from bayesgmm.criteria import loo, rank, waic
from bayesgmm.em import ConvergenceWarning, EMResult, fit_em
from bayesgmm.engines import AUTO, ENGINES, engine_named, fit_bayes, telescoping
from bayesgmm.evidence import LogMarginalLikelihood, log_marginal_likelihood, why_no_evidence
from bayesgmm.interruption import PartialWarning
from bayesgmm.mfm import MfmPosterior
from bayesgmm.observations import DataWarning, Observations
from bayesgmm.posterior import Posterior
from bayesgmm.prior import Prior
from bayesgmm.specification import Specification
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import positive_integers

AGREE = "The two agree."
DISAGREE = (
    "The two disagree: BIC asks for the number of components, LOO for the best prediction, to which extra components can add "
    "even where no extra group exists. Read both columns before you speak of groups."
)
KINDS = ("posterior", "filled")
NEAR_TIE = 2.0  # difference in BIC that Kass & Raftery (1995, doi:10.1080/01621459.1995.10476572) call barely worth a mention


@dataclass(frozen=True, eq=False)
class Candidate:
    """One number of components, fitted both ways.

    Attributes
    ----------
    em : EMResult
        Maximum likelihood.
    posterior : Posterior
    """

    em: EMResult
    posterior: Posterior

    @cached_property
    def waic(self) -> az.ELPDData:
        """WAIC of the posterior."""
        return waic(self.posterior)

    @cached_property
    def loo(self) -> az.ELPDData:
        """PSIS-LOO of the posterior."""
        return loo(self.posterior)

    @cached_property
    def evidence(self) -> LogMarginalLikelihood:
        """Log marginal likelihood of the posterior; NaN where its draws tell none."""
        if why_no_evidence(self.posterior):
            return LogMarginalLikelihood(float("nan"), float("nan"))
        return log_marginal_likelihood(self.posterior)

    def row(self) -> dict[str, Any]:
        """Its row in the table of criteria."""
        diagnosis = self.posterior.diagnosis
        return {
            "n_parameters": self.em.n_parameters,
            "log_likelihood": self.em.log_likelihood,
            "em_status": self.em.status.name.lower(),
            "aic": self.em.aic,
            "bic": self.em.bic,
            "icl": self.em.icl,
            "elpd_waic": self.waic.elpd,
            "elpd_waic_se": self.waic.se,
            "elpd_loo": self.loo.elpd,
            "elpd_loo_se": self.loo.se,
            "p_loo": self.loo.p,
            "pareto_k_bad": int((self.loo.pareto_k > self.loo.good_k).sum()),
            "log_evidence": self.evidence.value,
            "log_evidence_se": self.evidence.standard_error,
            "converged": diagnosis.converged,
            "components_trusted": diagnosis.components_trusted,
        }


@dataclass(frozen=True, eq=False)
class Selection:
    """Candidates for the number of components, and the choice.

    Attributes
    ----------
    candidates : dict of int to Candidate
    missing : tuple of int
        Numbers of components that were asked for and not fitted, since Ctrl-C came first.
    """

    candidates: dict[int, Candidate]
    missing: tuple[int, ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a number of components: see :func:`select_n_components`."""
        table = pd.DataFrame([candidate.row() for candidate in self.candidates.values()])
        table.index = pd.Index(list(self.candidates), name="n_components")
        ranking = self.ranking
        for source, name in {"elpd_diff": "elpd_loo_diff", "dse": "elpd_loo_diff_se"}.items():
            table[name] = [float(ranking.loc[str(k), source]) for k in table.index]
        relative = np.exp(table["log_evidence"] - table["log_evidence"].max())
        table["probability"] = relative / relative.sum()
        return table

    def page(self, unknown: MfmPosterior | None) -> pd.DataFrame:
        """The table with the probabilities of K and K+ by a sampler to which the number is unknown, and all reasons."""
        table = self.table.copy()
        table.attrs["reasons"] = self.reasons
        if unknown is not None:
            found = unknown.probabilities
            table["p_components"], table["p_filled"] = (found[name].reindex(table.index, fill_value=0.0) for name in KINDS)
            table.attrs["reasons"] += (_told_by_telescoping(unknown),)
        return table

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """All candidates as ``az.compare`` ranks them by LOO, with stacking weights."""
        return self._rank(self.candidates)

    @staticmethod
    def _rank(candidates: dict[int, Candidate]) -> pd.DataFrame:
        if len(candidates) == 1:
            return pd.DataFrame({"elpd_diff": 0.0, "dse": 0.0, "weight": 1.0}, index=[str(k) for k in candidates])
        return rank({str(k): candidate.loo for k, candidate in candidates.items()})

    @cached_property
    def by_loo(self) -> int:
        """The fewest components whose elpd is within one standard error of the difference to the best.

        Only fits whose chains have converged are ranked, if there are any.
        """
        ranking = self._rank({k: candidate for k, candidate in self.candidates.items() if k in self.rankable})
        return min(int(k) for k, row in ranking.iterrows() if abs(row["elpd_diff"]) <= row["dse"])

    @cached_property
    def rankable(self) -> list[int]:
        """The numbers of components whose chains have converged, or all if none has."""
        converged = [k for k, candidate in self.candidates.items() if candidate.posterior.diagnosis.converged]
        return converged or list(self.candidates)

    @cached_property
    def by_bic(self) -> int | None:
        """The lowest BIC; None if every EM fit collapsed."""
        bic = self.table["bic"].dropna()
        return int(bic.idxmin()) if len(bic) else None

    @property
    def chosen(self) -> int:
        """The number that a report tells about: by BIC, which is consistent for the number of components; else by LOO."""
        return self.by_loo if self.by_bic is None else self.by_bic

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences."""
        missing = (self.shortfall,) if self.missing else ()
        if len(self.candidates) == 1:
            return missing or (f"K = {self.chosen} was asked for; no other number was tried.",)
        sentences = [*missing, self._told_by_bic(), self._told_by_loo()]
        if self.by_bic is not None and len(self.rankable) > 1:
            sentences.append(AGREE if self.by_bic == self.by_loo else DISAGREE)
        collapsed = [str(k) for k, status in self.table["em_status"].items() if status == "collapsed"]
        if collapsed:
            sentences.append(f"BIC is missing for K = {', '.join(collapsed)}, where every start of EM ended in a collapse.")
        unsure = [str(k) for k, converged in self.table["converged"].items() if not converged]
        if unsure:
            unranked = "so LOO does not rank them" if len(unsure) < len(self.candidates) else "so their LOO is uncertain"
            sentences.append(f"The chains of K = {', '.join(unsure)} have not converged, {unranked}.")
        return (*sentences, self._told_by_evidence())

    @property
    def shortfall(self) -> str:
        """What an interrupted comparison lacks, in a sentence; empty for a whole one."""
        if not self.missing:
            return ""
        there, missing = (", ".join(map(str, numbers)) for numbers in (self.candidates, self.missing))
        return f"Partial: Ctrl-C came when K = {there} was finished; K = {missing} is missing, and may be better."

    def _told_by_bic(self) -> str:
        bic = self.table["bic"].dropna().sort_values()
        if bic.empty:
            return "BIC is missing: every EM fit collapsed, so LOO decides."
        sentence = f"BIC is lowest at K = {bic.index[0]}"
        if len(bic) == 1:
            return f"{sentence}, the only one that has it."
        gap = bic.iloc[1] - bic.iloc[0]
        near = ", a near tie" if gap < NEAR_TIE else ""
        return f"{sentence}; K = {bic.index[1]} is {gap:.1f} higher{near}."

    def _told_by_loo(self) -> str:
        if len(self.rankable) == 1:
            return f"LOO ranks nothing, for K = {self.rankable[0]} alone has chains that have converged."
        best = int(self.table.loc[self.rankable, "elpd_loo"].idxmax())
        among = "" if len(self.rankable) == len(self.candidates) else " among the fits that have converged"
        if best == self.by_loo:
            return f"LOO is highest at K = {best}{among}; no smaller K comes within one standard error of it."
        return f"LOO is highest at K = {best}{among}, but K = {self.by_loo} is within one standard error of it."

    def _told_by_evidence(self) -> str:
        table = self.table.loc[self.rankable].dropna(subset="log_evidence").sort_values("log_evidence", ascending=False)
        if table.empty:
            return f"The evidence is missing. {why_no_evidence(self.candidates[self.rankable[0]].posterior)}"
        if len(table) == 1:
            return f"Only the evidence of K = {table.index[0]} may be believed, so that it compares nothing."
        best, second = table.index[:2]
        gap = table.loc[best, "log_evidence"] - table.loc[second, "log_evidence"]
        near = gap < 2 * np.hypot(*table.loc[[best, second], "log_evidence_se"])
        untold = ", which their Monte Carlo errors do not tell apart" if near else ""
        return (
            f"The evidence is highest at K = {best}; K = {second} is {gap:.1f} nats lower{untold}. Unlike BIC it depends on the "
            "prior of the components."
        )


def _told_by_telescoping(unknown: MfmPosterior) -> str:
    filled = unknown.probabilities["filled"]
    most = int(filled.idxmax())
    filled_are = f"{most} filled components are" if most > 1 else "one filled component is"
    sentence = (
        f"With K unknown ({unknown.specification.components_prior}), {filled_are} likeliest (probability "
        f"{filled[most]:.2f}); components of the population may be more, since some of them may have no row in the data."
    )
    return sentence if unknown.diagnosis.converged else f"{sentence} Those chains have not converged."


def select_n_components(
    X: Any,
    n_components: Iterable[int] = range(1, 6),
    covariance: str = "full",
    prior: Prior | None = None,
    seed: Seed = 0,
    progress: bool = True,
    **settings: Any,
) -> pd.DataFrame:
    """Compare numbers of components by EM criteria, expected predictive accuracy, evidence, and by drawing the number itself.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features), or Source
    n_components : iterable of int
    covariance : str
        Covariance structure.
    prior : Prior, optional
        Held fixed over K; None: :meth:`Prior.weakly_informative`.
    seed : int, SeedSequence or Generator
    progress : bool
    **settings
        Passed on to :func:`fit_bayes`: draws, tune, chains, cores, engine, target_accept.

    Returns
    -------
    pandas.DataFrame
        Index ``n_components``. ``aic``, ``bic``, ``icl`` of the maximum-likelihood fit (lower is better; missing where a
        component collapsed), ``elpd_waic``, ``elpd_loo`` of the posterior with standard errors (higher is better),
        ``elpd_loo_diff`` to the best with its own standard error, ``pareto_k_bad`` (rows whose LOO is not reliable),
        ``converged`` and ``components_trusted`` of :func:`diagnose`, and how EM ended; ``log_evidence`` with its standard error
        and the ``probability`` of each K, all these being alike before the data; ``p_components`` and ``p_filled``, the
        probabilities of K and K+ by :func:`fit_mfm` with its own prior on K and number of draws, where the prior allows it and
        rows are in memory.
        ``attrs["reasons"]`` says in sentences where these agree, where not, and what that usually means.

    Warns
    -----
    PartialWarning
        If Ctrl-C came before every number was fitted: the finished ones are returned.
    """
    observations = Observations.from_data(X)
    prior = Prior.weakly_informative(observations, covariance) if prior is None else prior
    selection = sweep(observations, n_components, covariance, prior, seed, progress, **settings)
    drawn = {name: settings[name] for name in ("chains", "cores") if name in settings}
    if selection.missing or observations.is_stored or telescoping.refusal(covariance, prior):
        return selection.page(None)
    try:
        unknown = telescoping.fit_mfm(observations, None, covariance, prior, seed=seed, progress=progress, **drawn)
    except KeyboardInterrupt:  # before there were draws enough; what was fitted before is not lost
        warnings.warn("Partial: Ctrl-C came before p_components and p_filled were known.", PartialWarning, stacklevel=2)
        return selection.page(None)
    return selection.page(unknown)


def sweep(
    X: Any,
    n_components: Iterable[int],
    covariance: str = "full",
    prior: Prior | None = None,
    seed: Seed = 0,
    progress: bool = True,
    **settings: Any,
) -> Selection:
    """Fit each number of components by EM and by MCMC; the arguments are those of :func:`select_n_components`."""
    observations = Observations.from_data(X)
    prior = Prior.weakly_informative(observations, covariance) if prior is None else prior
    root = seed_sequence(seed)
    numbers, fits = positive_integers(n_components, "n_components"), dict[int, Candidate]()
    for k in reversed(numbers):  # all of them before the first fit, which takes long; the largest is the first to be impossible
        specification = Specification(k, covariance, prior)
        engine = engine_named(settings.get("engine", AUTO), specification)
        ENGINES[engine].abilities.require(observations, specification)
        specification.tell_doubts(observations)
    try:
        for k in numbers:
            candidate = _candidate(observations, k, covariance, prior, root, progress, settings)
            candidate.row()  # judged at once, so that Ctrl-C later costs nothing of it
            fits[k] = candidate
    except KeyboardInterrupt:
        if not fits:
            raise
    selection = Selection(fits, missing=tuple(k for k in numbers if k not in fits))
    if selection.missing:
        warnings.warn(selection.shortfall, PartialWarning, stacklevel=3)
    return selection


def _candidate(
    observations: Observations,
    n_components: int,
    covariance: str,
    prior: Prior,
    seed: Any,
    progress: bool,
    settings: dict[str, Any],
) -> Candidate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the table tells it
        warnings.simplefilter("ignore", PartialWarning)
        warnings.simplefilter("ignore", DataWarning)  # told already
        em = fit_em(observations, n_components, covariance, seed=seed)
        if em.partial:
            raise KeyboardInterrupt
        posterior = fit_bayes(observations, n_components, covariance, prior, seed=seed, progress=progress, **settings)
        if posterior.partial:
            raise KeyboardInterrupt
    return Candidate(em, posterior)
