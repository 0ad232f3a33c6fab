r"""Stepwise EM: an M-step after each block of rows, from a running average of their statistics.

.. math:: \bar s_t = (1 - \gamma_t)\,\bar s_{t-1} + \gamma_t\,s_t(\theta_{t-1}),\qquad \gamma_t = (t + t_0)^{-\alpha}

A reading of the data makes as many M-steps as there are blocks, where EM makes one. It ends near an optimum and not at it, for
each step hears the noise of its block: what follows is EM over all rows.

References
----------
Cappe & Moulines (2009), On-line expectation-maximization algorithm for latent data models,
doi:10.1111/j.1467-9868.2009.00698.x. Liang & Klein (2009), Online EM for unsupervised models, doi:10.3115/1620754.1620843.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bayesgmm.climb import maximise, nuisance_of
from bayesgmm.collapse import Yardstick, too_few
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.statistics import SufficientStatistics

DECAY, DELAY = 0.6, 2.0  # alpha and t_0
BLOCK_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Stepwise:
    """Where stepwise EM is.

    Attributes
    ----------
    specification : Specification
    mixture : Mixture
        The parameters after the last step.
    statistics : SufficientStatistics or None
        The running average, for one row; None before the first step.
    n_steps : int
    n_rows : int
        Rows that were read.
    """

    specification: Specification
    mixture: Mixture
    statistics: SufficientStatistics | None = None
    n_steps: int = 0
    n_rows: int = 0

    def step(self, block: Observations, total: float, yardstick: Yardstick) -> Self:
        """The next one, after a block of rows of ``total`` in all; itself where a component would collapse by it."""
        found = _scaled(self.mixture.expected_statistics(block), 1 / block.total_weight)
        share = (self.n_steps + DELAY) ** -DECAY
        mean = found if self.statistics is None else _scaled(self.statistics, 1 - share) + _scaled(found, share)
        read = replace(self, n_rows=self.n_rows + block.n_observations)
        whole = _scaled(mean, total)  # so that a prior weighs what it will weigh
        if too_few(self.specification, whole.counts, block.n_features):
            return read
        nuisance = nuisance_of(self.specification, self.mixture)
        image, _ = maximise(self.specification, whole, self.mixture, nuisance)
        if yardstick.collapse(image.covariances):
            return read
        return replace(read, mixture=image, statistics=mean, n_steps=self.n_steps + 1)


def stepwise(observations: Observations, specification: Specification, start: Mixture, n_readings: int) -> Stepwise:
    """Stepwise EM from a start, over all rows so many times."""
    yardstick, state = Yardstick.of(observations), Stepwise(specification, start)
    for _ in range(n_readings):
        for block in _blocks(observations):
            state = state.step(block, observations.total_weight, yardstick)
    return state


def _blocks(observations: Observations) -> Iterator[Observations]:
    """All rows in blocks of about equal size, in one reading."""
    for part in observations.parts():
        n_blocks = max(1, round(part.n_observations / BLOCK_ROWS))
        edges = np.linspace(0, part.n_observations, n_blocks + 1).astype(int)
        for first, last in zip(edges[:-1], edges[1:], strict=True):
            yield part.rows(slice(int(first), int(last)))


def _scaled(statistics: SufficientStatistics, factor: float) -> SufficientStatistics:
    return SufficientStatistics(
        statistics.counts * factor,
        statistics.sums * factor,
        statistics.scatter * factor,
        statistics.reference,
        statistics.log_likelihood * factor,
        statistics.noise_count * factor,
    )
