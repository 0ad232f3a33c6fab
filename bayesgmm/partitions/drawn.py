"""Partitions drawn from a posterior: the allocations of each draw, whatever the components are called."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesgmm.kernels.threads import called
from bayesgmm.mfm import MfmPosterior
from bayesgmm.partitions.clusters import Problem
from bayesgmm.partitions.contingency import in_order, joint_sums
from bayesgmm.partitions.losses import Loss
from bayesgmm.posterior import Posterior, require_any_posterior
from bayesgmm.streams import Use, stream
from bayesgmm.validation import integer_array, positive_integer, real_array

type Array = NDArray[np.float64]
type Labels = NDArray[np.int64]

MOST_ROWS = 65_535  # which are counted in two bytes
MOST_NUMBERS = 250_000_000  # rows x draws, which are held as 2 GB or so


def chosen_rows(rows: Any, n_observations: int) -> Labels:
    """Numbers of rows; all of them for None.

    Raises
    ------
    ValueError
        If they are no distinct numbers of rows.
    """
    if rows is None:
        return np.arange(n_observations)
    what = "rows (numbers of rows, from 0)"
    given = real_array(rows, what)
    chosen = integer_array(given, what, given.shape if given.ndim == 1 else (given.size,))
    if not len(chosen):
        raise ValueError("rows is empty: give the number of at least one row, or None for all.")
    beyond = chosen[(chosen < 0) | (chosen >= n_observations)]
    if len(beyond):
        raise ValueError(f"rows must be from 0 to {n_observations - 1}, the last of the {n_observations:,}, got {beyond[0]}.")
    distinct, times = np.unique(chosen, return_counts=True)
    if len(distinct) < len(chosen):
        raise ValueError(f"rows must be distinct: {distinct[times > 1][0]} is among them {times.max()} times.")
    return chosen


@dataclass(frozen=True, eq=False)
class DrawnPartitions:
    """Partitions of the same rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n_rows,)
        Their numbers among the observations.
    labels : ndarray of int16, shape (n_draws, n_rows)
        Clusters of each draw, numbered in the order of their first rows.
    numbers : ndarray of int64, shape (n_draws,)
        Of clusters.
    doubt : str
        Why the draws may not be those of the posterior, in a sentence; empty where there is no reason.
    """

    rows: Labels
    labels: NDArray[np.int16]
    numbers: Labels
    doubt: str

    @classmethod
    def of(cls, posterior: Posterior | MfmPosterior, rows: Any, n_draws: int, seed: np.random.SeedSequence) -> "DrawnPartitions":
        """Allocate rows at about ``n_draws`` draws of a posterior, or at all where these are fewer; warn if there is a doubt."""
        require_any_posterior(posterior)
        drawn = posterior.as_drawn() if isinstance(posterior, Posterior) else posterior  # relabelling changes no bit
        draws = drawn.draws.at_most(positive_integer(n_draws, "n_draws"))
        chosen = chosen_rows(rows, posterior.observations.n_observations)
        if len(chosen) > MOST_ROWS:
            raise ValueError(
                f"{len(chosen):,} rows are more than the {MOST_ROWS:,} that can be partitioned: take some of them, such as "
                f"rows=numpy.arange(0, {len(chosen)}, {-(-len(chosen) // MOST_ROWS)})."
            )
        size = len(chosen) * draws.shape[0] * draws.shape[1]
        if size > MOST_NUMBERS:
            raise ValueError(
                f"{len(chosen):,} rows at {size // len(chosen):,} draws are more than can be held at a time, {MOST_NUMBERS:,} "
                f"allocations: take fewer draws (n_draws={MOST_NUMBERS // len(chosen)}), or some of the rows (rows=...)."
            )
        allocations = draws.allocations(drawn.observations.values[chosen], stream(seed, Use.ALLOCATIONS))
        labels, numbers = called(in_order, allocations.reshape(-1, len(chosen)), draws.n_components)
        posterior.tell_doubt()
        return cls(chosen, labels, numbers, posterior.doubt)

    @property
    def n_draws(self) -> int:
        """S."""
        return len(self.labels)

    @property
    def n_rows(self) -> int:
        """Rows that are partitioned."""
        return len(self.rows)

    @cached_property
    def offsets(self) -> Labels:
        """The first cell of each draw, its clusters being cells that are numbered through all draws; shape (n_draws,)."""
        return np.asarray(np.cumsum(self.numbers) - self.numbers)

    @cached_property
    def cells(self) -> Labels:
        """Rows of each cell."""
        return np.concatenate([np.bincount(labels) for labels in self.labels])

    def losses(self, labels: Labels, loss: Loss) -> Array:
        """The loss of a partition from each drawn one, shape (n_draws,)."""
        f = loss.table(self.n_rows)
        joint = called(joint_sums, self.labels, self.numbers, labels, f)
        within = np.add.reduceat(f[self.cells], self.offsets)
        return loss.between(float(f[np.bincount(labels)].sum()), within, joint, self.n_rows)

    def problem(self, loss: Loss) -> Problem:
        """The same as the search takes it, row by row."""
        f = loss.table(self.n_rows)
        return Problem(
            labels=np.ascontiguousarray(self.labels.T),
            offsets=self.offsets.astype(np.int32),
            n_cells=int(self.numbers.sum()),
            f=f,
            steps=np.diff(f),
            kind=loss.kind,
            scale=loss.scale(self.n_rows),
        )
