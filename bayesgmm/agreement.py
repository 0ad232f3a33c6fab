"""Two samplers of one posterior, held against each other: what one of them gets wrong the other does not repeat."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from bayesgmm.draws import Draws
from bayesgmm.engines import ENGINES
from bayesgmm.labels import best_orders
from bayesgmm.posterior import Posterior

FALSE_ALARM = 1e-3  # chance that samplers of one posterior are said to disagree, over all quantities together


@dataclass(frozen=True, eq=False)
class Agreement:
    """Whether two samplers found the same posterior.

    Attributes
    ----------
    engines : tuple of str
        As they are called in sentences.
    table : pandas.DataFrame
        One row a quantity that does not depend on labels: posterior mean by the ``first`` and the ``second`` engine, posterior
        ``sd``, and the ``difference`` of the second mean from the first in Monte Carlo standard errors.
    allowed : float
        Largest difference that is no disagreement: by Bonferroni's rule, 1 in 1,000 pairs of right samplers goes beyond it.
    unconverged : tuple of str
        Engines whose chains have not converged, so that nothing can be said.
    """

    engines: tuple[str, str]
    table: pd.DataFrame
    allowed: float
    unconverged: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every quantity agrees."""
        return bool((self.table["difference"].abs() <= self.allowed).all())

    @property
    def is_disputed(self) -> bool:
        """Whether both have converged, to different places."""
        return not self.unconverged and not self.agrees

    @property
    def verdict(self) -> str:
        """The same in a sentence."""
        first, second = self.engines
        if self.unconverged:
            those = " and ".join(self.unconverged)
            return f"{first} was checked by {second}, which tells nothing: the chains of {those} have not converged."
        worst = self.table["difference"].abs().idxmax()
        largest = f"{abs(self.table.loc[worst, 'difference']):.1f} standard errors, in {worst} ({self.allowed:.1f} are allowed)"
        if self.agrees:
            return (
                f"{second}, another sampler of the same posterior, agrees with {first}: of {len(self.table)} quantities that do "
                f"not depend on labels the largest difference is {largest}."
            )
        return (
            f"{second}, another sampler of the same posterior, DISAGREES with {first}: the largest difference is {largest}. "
            "One of them misses a part of the posterior: take more draws and chains, and believe neither before they agree."
        )


def matched(one: Posterior, other: Posterior) -> Draws:
    """The other's relabelled draws, its components in the places of those of the first that share most rows with them."""
    ours, theirs = (post.relabelled.draws.responsibilities(one.some_rows)[0] for post in (one, other))
    order = best_orders(theirs.T @ ours)
    draws = other.relabelled.draws
    return draws.permuted(np.broadcast_to(order, (*draws.shape, len(order))))


def agreement(one: Posterior, other: Posterior) -> Agreement:
    """Compare two posteriors of the same data and model, by different engines, on what does not depend on labels."""
    left, right = one.diagnosis.label_free, other.diagnosis.label_free
    difference = right["mean"] - left["mean"]
    error = np.hypot(left["mcse_mean"], right["mcse_mean"])
    first, second = (ENGINES[post.settings["engine"]].abilities.engine for post in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):  # of a quantity that never varies
        scores = np.where(difference == 0, 0.0, difference / error)
    table = pd.DataFrame(
        {"first": left["mean"], "second": right["mean"], "sd": left["sd"], "difference": scores}, index=left.index
    )
    allowed = float(norm.isf(0.5 * FALSE_ALARM / len(table)))
    unconverged = tuple(engine for engine, post in ((first, one), (second, other)) if not post.diagnosis.converged)
    return Agreement((first, second), table, allowed, unconverged)
