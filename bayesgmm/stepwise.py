r"""Stepwise EM: rows that come in batches, each seen once, and what is known of all so far in sufficient statistics.

With the batch's expected statistics :math:`\hat s_t` for one row, at the estimate so far,

.. math:: s_t = (1 - \gamma_t)\, s_{t-1} + \gamma_t\, \hat s_t, \qquad \gamma_t = (m_t / n_t)^{\alpha},

:math:`m_t` rows being in the batch and :math:`n_t` in all so far, and the next estimate is the M-step at :math:`s_t`. With
:math:`\alpha = 1` every row counts the same, however bad the estimate was when it came; below, early ones are forgotten.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.climb import maximise, nuisance_of
from bayesgmm.collapse import Yardstick
from bayesgmm.em import ABILITIES, fit_em
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Prior
from bayesgmm.specification import Specification
from bayesgmm.starts import given_start
from bayesgmm.statistics import SufficientStatistics
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.table import Table
from bayesgmm.validation import finite_array

FORGETTING = 0.6  # alpha, as Cappe & Moulines recommend; they average the estimates besides, where here full passes may follow


@dataclass(frozen=True, eq=False)
class StepwiseEM:
    """An estimate from the rows that have come so far; ``step`` gives the next one, and leaves this one as it is.

    For a stream that has no end. Rows that can be read again are better fitted by :func:`bayesgmm.fit_em`, which may start from
    the estimate: it ends at the optimum, where this comes near to it only.

    Attributes
    ----------
    specification : Specification
    mixture : Mixture
    statistics : SufficientStatistics
        Of one row: the counts, and that of the noise, sum to one.
    names : tuple of str
        Of the columns.
    n_rows : int
        Rows that have come.
    total_weight : float
        And how much they weigh: the same, but for row weights.
    n_steps : int
        Batches that have come after the first.
    forgetting : float
        alpha, above 0.5 and at most 1.
    ridge : ndarray of shape (n_features, n_features), optional
        Added to each covariance in each M-step.
    yardstick : Yardstick, optional
        What a collapse is judged by; None where the ridge prevents any.

    References
    ----------
    Cappé & Moulines (2009), On-line expectation-maximization algorithm for latent data models,
    doi:10.1111/j.1467-9868.2009.00698.x. Neal & Hinton (1998), doi:10.1007/978-94-011-5014-9_12.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, truth = bg.simulate(20_000, n_components=3, separation=4.0, seed=1)
    >>> fit = bg.StepwiseEM.of(X[:1000], n_components=3)
    >>> for first in range(1000, 20_000, 1000):
    ...     fit = fit.step(X[first : first + 1000])
    >>> fit.n_rows, bool(abs(fit.mixture.log_density(X).mean() - truth.log_density(X).mean()) < 0.001)
    (20000, True)
    """

    specification: Specification
    mixture: Mixture
    statistics: SufficientStatistics
    names: tuple[str, ...]
    n_rows: int
    total_weight: float
    n_steps: int = 0
    forgetting: float = FORGETTING
    ridge: NDArray[np.float64] | None = None
    yardstick: Yardstick | None = None

    @classmethod
    def of(
        cls,
        X: Any,
        n_components: int,
        covariance: str = "full",
        prior: Prior | None = None,
        n_init: int = 10,
        seed: Seed = 0,
        *,
        start: Any = None,
        forgetting: float = FORGETTING,
    ) -> Self:
        """Begin with a first batch, by EM to its end where no start is given.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_observations, n_features)
            Rows enough to tell the components apart.
        n_components : int
        covariance : str
        prior : Prior, optional
            As for :func:`bayesgmm.fit_em`.
        n_init : int
        seed : int, SeedSequence or Generator
        start : Mixture, array-like of shape (n_observations,), or str, optional
            As for :func:`bayesgmm.fit_em`; it is the first estimate, and no EM is run on the first batch.
        forgetting : float
            Above 0.5, and at most 1.

        Returns
        -------
        StepwiseEM

        Raises
        ------
        ValueError
            If the data or the numbers are not usable.
        """
        alpha = float(finite_array(forgetting, "forgetting", ()))
        if not 0.5 < alpha <= 1:
            raise ValueError(f"forgetting must be above 0.5 and at most 1, or the estimate would never settle; got {alpha:g}.")
        observations, specification = ABILITIES.door(X, n_components, covariance, prior)
        if start is None:
            mixture = fit_em(observations, n_components, covariance, prior, n_init, seed).mixture
        else:
            _, mixture = given_start(start, observations, specification, seed_sequence(seed))
        return cls.begun(observations, specification, mixture, forgetting=alpha, yardstick=Yardstick.of(observations))

    @classmethod
    def begun(cls, observations: Observations, specification: Specification, mixture: Mixture, **settings: Any) -> Self:
        """Begin with a first batch and what was estimated from it."""
        n = observations.total_weight
        statistics = mixture.expected_statistics(observations).scaled(1 / n)
        return cls(specification, mixture, statistics, observations.names, observations.n_observations, n, **settings)

    def step(self, X: Any) -> Self:
        """The estimate after another batch.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_observations, n_features)
            One row or more; named columns in any order.

        Returns
        -------
        StepwiseEM
            Another one; this one stays as it is.

        Raises
        ------
        ValueError
            If the rows cannot be used, or a component has collapsed.
        """
        return self.after(self._rows(X))

    def after(self, batch: Observations) -> Self:
        """The same for rows that have been checked."""
        m, n = batch.total_weight, self.total_weight + batch.total_weight
        share = (m / n) ** self.forgetting
        found = self.mixture.expected_statistics(batch).scaled(1 / m)
        statistics = self.statistics.scaled(1 - share) + found.scaled(share)
        nuisance = nuisance_of(self.specification, self.mixture)
        mixture, _ = maximise(self.specification, statistics.scaled(n), self.mixture, nuisance, self.ridge)
        reason = "" if self.yardstick is None else self.yardstick.collapse(mixture.covariances)
        if reason:
            raise ValueError(f"{reason} Give a prior, larger batches, or use fewer components than {mixture.n_components}.")
        return replace(
            self,
            mixture=mixture,
            statistics=statistics,
            n_rows=self.n_rows + batch.n_observations,
            total_weight=n,
            n_steps=self.n_steps + 1,
        )

    def _rows(self, X: Any) -> Observations:
        """A batch, which need not vary."""
        given = X if isinstance(X, Observations) else None
        if given is not None and given.names == self.names:
            return given
        table = Table.of(X) if given is None else Table.of(given.values, given.names)
        values = table.arranged(self.names)
        return Observations(values, np.broadcast_to(1.0, (len(values),)) if given is None else given.weights, self.names)
