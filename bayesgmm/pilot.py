"""Pilot: EM on some of the rows, ahead of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from bayesgmm.acceleration import Derivative
from bayesgmm.climb import Settings, Status, maximise, nuisance_of
from bayesgmm.interruption import Interrupted
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.race import race, winner
from bayesgmm.specification import Specification
from bayesgmm.streams import Use, stream

ROWS = 100_000


@dataclass(frozen=True, eq=False)
class Pilot:
    """EM on some rows that fit into memory, ahead of all.

    The optimum of all rows is not far from that of some, and EM's map about the same: a few passes over all rows are enough.

    Attributes
    ----------
    start : tuple of str and Mixture
        The best of the starts, climbed from to the optimum of these rows, and what it is called.
    learnt : Derivative, optional
        What EM's map is like there, where it is smooth.
    n_rows_read : int
        In all: those that were passed over to find some, and these in each pass.
    """

    start: tuple[str, Mixture]
    learnt: Derivative | None
    n_rows_read: int

    @staticmethod
    def rows(observations: Observations, seed: np.random.SeedSequence) -> Observations:
        """Some rows in memory, found in one reading of all."""
        return observations.sample(ROWS, stream(seed, Use.PILOT))

    @classmethod
    def of(
        cls,
        observations: Observations,
        some: Observations,
        specification: Specification,
        starts: Sequence[tuple[str, Mixture]],
        settings: Settings,
    ) -> Self:
        """Climb on some of the rows, from starts that were made of them."""
        try:
            runs = race(some, specification, starts, settings)
        except Interrupted:  # these runs are of some rows only
            raise KeyboardInterrupt from None
        best, n_passes = winner(runs, settings.tolerance), sum(run.n_passes for run in runs)
        start = f"{best.origin}, the best of {len(runs)} on {some.n_observations:,} rows", best.mixture
        if best.status is Status.COLLAPSED:  # on so few rows, or on any: the whole will show
            return cls(starts[0], None, observations.n_observations + n_passes * some.n_observations)

        def image(mixture: Mixture) -> Mixture:
            nonlocal n_passes
            n_passes += 1
            statistics = mixture.expected_statistics(some)
            return maximise(specification, statistics, mixture, nuisance_of(specification, mixture))[0]

        is_smooth = settings.accelerate and not settings.regularization and specification.frozen is None
        learnt = Derivative.at(best.mixture, image) if is_smooth and best.status is Status.CONVERGED else None
        return cls(start, learnt, observations.n_observations + n_passes * some.n_observations)
