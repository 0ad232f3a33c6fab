"""The analysis that a report tells: fits, choice, judgement and comparison, computed once and frozen."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import arviz as az
import pandas as pd

from bayesgmm.comparison import Comparison, compare_em_bayes
from bayesgmm.diagnostics import Diagnosis
from bayesgmm.draws import Array
from bayesgmm.em import EMResult
from bayesgmm.engines import ENGINES
from bayesgmm.observations import Observations
from bayesgmm.posterior import Posterior
from bayesgmm.prior import Prior
from bayesgmm.reporting.check import NOT_ASKED, Check, check_by_another_engine
from bayesgmm.reporting.components import component_table
from bayesgmm.selection import Candidate, Selection, sweep
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import instance_of

DISPUTED = "No: another sampler of this posterior found another one; use no number before the two agree."


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
        _require_in_memory(candidate.posterior.observations)
        posterior = candidate.posterior.relabelled  # which is judged already
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

    @property
    def engine(self) -> str:
        """What drew the posterior, as it is called in sentences."""
        return ENGINES[self.posterior.settings["engine"]].abilities.engine

    @cached_property
    def responsibilities(self) -> tuple[Array, Array]:
        """Posterior mean and sd of each component's share in each row, two arrays (n_observations, n_components)."""
        return self.posterior.draws.responsibilities(self.observations.values)

    @cached_property
    def components(self) -> pd.DataFrame:
        """Weights, means, scales and correlations with intervals; may be claimed only where the diagnosis trusts components."""
        return component_table(self.posterior.draws, self.observations.names)

    def described(self, what: str, feature: int = 0) -> pd.DataFrame:
        """The rows of :attr:`components` that tell every component's "weight", or its "mean" or "scale" of one feature.

        Found by their place, since names of features may make two quantities read alike.
        """
        k, first = self.chosen, int(self.chosen > 1)
        place = {"weight": 0, "mean": first + feature, "scale": first + self.observations.n_features + feature}[what]
        return self.components.iloc[place * k : (place + 1) * k]


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
    root, observations = seed_sequence(seed), Observations.from_data(X)
    _require_in_memory(observations)
    selection = sweep(observations, n_components, covariance, prior, root, progress, **settings)
    checked = check_by_another_engine(selection, root, progress, settings) if check else NOT_ASKED
    return Analysis.of(selection, source, command, checked)


def _require_in_memory(observations: Observations) -> None:
    """Raise ValueError if rows are read from elsewhere."""
    if observations.is_stored:
        raise ValueError(
            f"A report draws and lists single rows, and the {observations.n_observations:,} rows of {observations.description} "
            "are not in memory: fit them by fit_em, or by fit_bayes with engine='gibbs' or 'laplace', and report a sample, such "
            "as report(em.observations.sample(10_000, np.random.default_rng(0)))."
        )


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
