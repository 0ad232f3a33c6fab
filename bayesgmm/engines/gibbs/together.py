"""Chains that share each pass over the rows, which go through memory, or are read, once for all of them."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.engines.gibbs.sweeps import Laws, State, begin, finish, keep, room_for
from bayesgmm.observations import Observations
from bayesgmm.progress import progress_bar
from bayesgmm.sources import Sums

type Array = NDArray[np.float64]


class Together:
    """Chains on their way side by side: where they are, and the draws that they have made.

    Allocations are drawn where the rows are, by streams keyed by a chain's sweep and a row's number: how rows are cut, and who
    works on which, changes no draw.

    Attributes
    ----------
    draws : State
        Of shape (n_chains, n_draws, ...).
    log_likelihoods : ndarray of shape (n_chains, n_draws)
    n_drawn : int
        Draws of each chain whose log-likelihood is known: a draw's is met by the pass of the sweep after it.
    """

    def __init__(
        self,
        observations: Observations,
        laws: Laws,
        states: Sequence[State],
        rngs: Sequence[np.random.Generator],
        tune: int,
        draws: int,
        thin: int,
    ) -> None:
        self.observations, self.laws, self.states, self.rngs = observations, laws, states, rngs
        self.tune, self.thin, self.n_drawn = tune, thin, 0
        self.draws = room_for(laws, states[0], len(states), draws)
        self.log_likelihoods = np.empty((len(states), draws))

    def run(self, progress: bool) -> None:
        """Sweep on to the end, or until Ctrl-C."""
        before, after = self.tune * self.thin, self.log_likelihoods.shape[1] * self.thin
        with kernels.kept_threads(), progress_bar(progress) as bar:
            task = bar.add_task("Sampling", total=self.log_likelihoods.size + self.tune * len(self.states))
            try:
                for sweep in range(-before, after + 1):  # the last one only to meet the log-likelihood of the last draw
                    self._sweep(sweep)
                    bar.update(task, completed=(sweep + before) // self.thin * len(self.states))
            except KeyboardInterrupt:
                return

    def _sweep(self, sweep: int) -> None:
        """One sweep of every chain; the first that counts for a draw is number 0."""
        constants = np.empty((len(self.states), len(self.laws.weights)))
        keys = [kernels.called(begin, *each) for each in zip(self.states, self.rngs, constants, strict=True)]
        means, factors = (np.stack([getattr(state, name) for state in self.states]) for name in ("means", "factors"))
        log_likelihoods, *statistics = sampled(self.observations, np.array(keys), constants, means, factors)
        n_drawn, is_next = divmod(sweep, self.thin)
        if sweep > 0 and is_next == 0:
            self.log_likelihoods[:, n_drawn - 1] = log_likelihoods
            self.n_drawn = n_drawn
        if n_drawn == self.log_likelihoods.shape[1]:
            return
        permutation = np.empty(constants.shape[1], dtype=np.int64)
        for chain, (state, rng) in enumerate(zip(self.states, self.rngs, strict=True)):
            kernels.called(finish, rng, self.laws, *(part[chain] for part in statistics), permutation, state)
            if sweep >= 0 and (sweep + 1) % self.thin == 0:
                kernels.called(keep, State(*(part[chain] for part in self.draws)), n_drawn, state)


def sampled(observations: Observations, keys: NDArray[np.int64], log_constants: Array, means: Array, factors: Array) -> Sums:
    """Log-likelihood, counts, sums and scatter of allocations that are drawn of all rows, with a leading axis of chains.

    Rows that are not in memory are read once.
    """
    return observations.over_rows(partial(_sampled_part, keys, log_constants, means, factors))


def _sampled_part(
    keys: NDArray[np.int64], log_constants: Array, means: Array, factors: Array, rows: slice, values: Array
) -> Sums:
    return Sums(*kernels.threaded_samples(values, keys, log_constants, means, factors, rows.start))
