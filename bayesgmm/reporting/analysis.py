"""The analysis that a report tells: fits, choice, judgement and comparison, computed once and frozen."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import arviz as az
import numpy as np
import pandas as pd

from bayesgmm.agreement import Agreement, agreement
from bayesgmm.comparison import Comparison, compare_em_bayes
from bayesgmm.diagnostics import Diagnosis
from bayesgmm.em import EMResult
from bayesgmm.engines import ENGINES, engines_for, fit_bayes
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import DataWarning, Observations
from bayesgmm.posterior import Posterior, relabel
from bayesgmm.prior import Prior
from bayesgmm.reporting.components import component_table
from bayesgmm.selection import Candidate, Selection, sweep
from bayesgmm.streams import Seed, Use, child, seed_sequence
from bayesgmm.validation import instance_of

DISPUTED = "No: another sampler of this posterior found another one; use no number before the two agree."


@dataclass(frozen=True, eq=False)
class Check:
    """What another sampler says of the chosen posterior, or why none was asked; and the seconds that it took, by phase."""

    agreement: Agreement | None
    unasked: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The same in a sentence."""
        return self.unasked if self.agreement is None else self.agreement.verdict

    @property
    def is_disputed(self) -> bool:
        """Whether the other sampler found another posterior."""
        return self.agreement is not None and self.agreement.is_disputed


NOT_ASKED = Check(None, "No other sampler was asked to check the posterior.")


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything that a report tells; renderers only read it.

    Attributes
    ----------
    source : str
        What the data are called.
    command : str
        How to make it again.
    selection : Selection
        Every number of components that was tried.
    posterior : Posterior
        Of the chosen number of components, relabelled.
    comparison : Comparison
        EM beside that posterior.
    check : Check
        What another sampler says of that posterior.
    """

    source: str
    command: str
    selection: Selection
    posterior: Posterior
    comparison: Comparison
    check: Check

    @classmethod
    def of(cls, selection: Selection, source: str | None = None, command: str | None = None, check: Check = NOT_ASKED) -> Self:
        """Judge and compare the chosen candidate of a selection."""
        candidate = selection.candidates[selection.chosen]
        posterior = relabel(candidate.posterior)
        comparison = compare_em_bayes(candidate.em, posterior)
        command = command or _python_call(selection, check)
        return cls(source or "the data", command, selection, posterior, comparison, check)

    @property
    def chosen(self) -> int:
        """The number of components that the report tells about."""
        return self.selection.chosen

    @property
    def candidate(self) -> Candidate:
        """The fits of the chosen number."""
        return self.selection.candidates[self.chosen]

    @property
    def observations(self) -> Observations:
        """The data."""
        return self.posterior.observations

    @property
    def em(self) -> EMResult:
        """The maximum-likelihood fit of the chosen number."""
        return self.candidate.em

    @property
    def diagnosis(self) -> Diagnosis:
        """What may be believed of the posterior: nothing, where another sampler found another one."""
        own = self.candidate.posterior.diagnosis
        return own.denied(DISPUTED) if self.check.is_disputed else own

    @property
    def loo(self) -> az.ELPDData:
        """PSIS-LOO of the posterior."""
        return self.candidate.loo

    @property
    def uses_default_prior(self) -> bool:
        """Whether the prior is the one that is used when none is given."""
        return _has_default_prior(self.posterior)

    @cached_property
    def components(self) -> pd.DataFrame:
        """Weights, means, scales and correlations with intervals; may be claimed only where the diagnosis trusts components."""
        return component_table(self.posterior.draws, self.observations.names)


def analyse(
    X: Any,
    n_components: Iterable[int] = range(1, 6),
    covariance: str = "full",
    prior: Prior | None = None,
    seed: Seed = 0,
    progress: bool = True,
    *,
    check: bool = True,
    source: str | None = None,
    command: str | None = None,
    **settings: Any,
) -> Analysis:
    """Fit each number of components by EM and by MCMC, choose, judge and compare; the arguments are those of :func:`report`."""
    instance_of(check, bool, "check")
    root = seed_sequence(seed)
    selection = sweep(X, n_components, covariance, prior, root, progress, **settings)
    checked = check_by_another_engine(selection, root, progress, settings) if check else NOT_ASKED
    return Analysis.of(selection, source, command, checked)


def check_by_another_engine(
    selection: Selection, seed: np.random.SeedSequence, progress: bool, settings: dict[str, Any]
) -> Check:
    """Draw from the chosen posterior by another engine, from other starts, and compare."""
    posterior = selection.candidates[selection.chosen].posterior
    specification, engine = posterior.specification, posterior.settings["engine"]
    others = [name for name in engines_for(specification) if name != engine]
    if not others:
        return Check(None, f"Only {ENGINES[engine].abilities.engine} takes this model, so that no other sampler checks it.")
    other_name = ENGINES[others[0]].abilities.engine
    if not posterior.diagnosis.converged:
        return Check(None, f"The chains have not converged, so that there is nothing yet for {other_name} to check.")
    interrupted = Check(None, f"Ctrl-C came before {other_name} had checked the posterior.")
    if selection.missing:
        return interrupted
    own = {name for other in ENGINES.values() for name in other.settings} - set(ENGINES[others[0]].settings)
    taken = {name: value for name, value in settings.items() if name not in {*own, "engine", "warm_start"}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # told already
            warnings.simplefilter("ignore", PartialWarning)
            other = fit_bayes(
                posterior.observations,
                specification.n_components,
                specification.covariance,
                specification.prior,
                others[0],
                seed=child(seed, Use.CHECK),
                progress=progress,
                **taken,
            )
    except KeyboardInterrupt:
        return interrupted
    if other.partial:
        return interrupted
    return Check(agreement(posterior, other), seconds=other.settings["seconds"])


def _has_default_prior(posterior: Posterior) -> bool:
    specification = posterior.specification
    default = Prior.weakly_informative(posterior.observations, specification.covariance)
    return default.to_json() == specification.required_prior.to_json()


REPEATED = ("engine", "draws", "tune", "chains", "target_accept", "thin", "switch_labels")  # settings that a call repeats


def _python_call(selection: Selection, check: Check) -> str:
    """The call of ``report`` that makes the same analysis from the same data."""
    posterior = selection.candidates[selection.chosen].posterior
    settings, seed = posterior.settings, posterior.settings["seed"]
    arguments: dict[str, Any] = {
        "n_components": sorted([*selection.candidates, *selection.missing]),
        "covariance": posterior.specification.covariance,
        **{name: settings[name] for name in REPEATED if name in settings},
    }
    told = [f"{name}={value!r}" for name, value in arguments.items()]
    told += [] if _has_default_prior(posterior) else ["prior=prior"]
    told += ["check=False"] if check is NOT_ASKED else []
    told.append(f"seed={seed['entropy']}" if not seed["spawn_key"] else f"seed=np.random.SeedSequence(**{seed})")
    return f"bayesgmm.report(X, {', '.join(told)})"
