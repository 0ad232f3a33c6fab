"""The check of a posterior: the same model drawn from once more by another engine, from other starts."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesgmm.agreement import Agreement, agreement
from bayesgmm.engines import ENGINES, engines_for, fit_bayes
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import DataWarning
from bayesgmm.posterior import Posterior
from bayesgmm.selection import Selection
from bayesgmm.streams import Use, child


@dataclass(frozen=True, eq=False)
class Check:
    """What another sampler says of the chosen posterior, or why none was asked.

    Attributes
    ----------
    agreement : Agreement, optional
    unasked : str
        Why there is none.
    seconds : mapping of str to float
        That it took, by phase.
    posterior : Posterior, optional
        What the other sampler drew.
    """

    agreement: Agreement | None
    unasked: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    posterior: Posterior | None = None

    @property
    def verdict(self) -> str:
        """The same in a sentence."""
        return self.unasked if self.agreement is None else self.agreement.verdict

    @property
    def is_disputed(self) -> bool:
        """Whether the other sampler found another posterior."""
        return self.agreement is not None and self.agreement.is_disputed


NOT_ASKED = Check(None, "No other sampler was asked to check the posterior.")


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
    return Check(agreement(posterior, other), seconds=other.settings["seconds"], posterior=other)
