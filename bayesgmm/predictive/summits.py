"""How many modes the density has and where they are: groups that can be seen, which components need not be."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.draws import equal_tailed
from bayesgmm.labels.assignment import MOST_ROUNDS, best_orders
from bayesgmm.mfm import MfmPosterior, shares_of
from bayesgmm.posterior import Posterior, require_any_posterior
from bayesgmm.predictive.ascent import modes_of
from bayesgmm.validation import positive_integer, probability

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Modes:
    """Posterior of the modes of the density.

    Attributes
    ----------
    counts : ndarray of int64, shape (n_chains, n_draws)
        Number of modes at each of the draws that were looked at.
    locations : ndarray of shape (n_draws_of_that_number, n_modes, n_features)
        Of the draws that have the most probable number: their modes, each mode in the same place in every draw, places by their
        mean along the first feature.
    names : tuple of str
        Of the features.
    prob : float
        Of the intervals.
    """

    counts: NDArray[np.int64]
    locations: Array
    names: tuple[str, ...]
    prob: float

    @property
    def number(self) -> int:
        """The most probable number of modes; of equals the smallest."""
        return most_probable(self.counts)

    @cached_property
    def probabilities(self) -> pd.DataFrame:
        """Posterior probability of each number of modes.

        Returns
        -------
        pandas.DataFrame
            Index ``n_modes``; ``probability`` and its Monte Carlo standard error ``mcse``, NaN where all draws or none have it.
        """
        numbers = np.arange(1, self.counts.max() + 1)
        shares, errors = shares_of(self.counts, numbers)
        return pd.DataFrame({"probability": shares, "mcse": errors}, index=pd.Index(numbers, name="n_modes"))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Where the modes are, given that there are the most probable number of them.

        Returns
        -------
        pandas.DataFrame
            Index (``mode``, ``feature``); posterior ``mean``, ``sd``, ``lower`` and ``upper``, in the data's units.
        """
        found = [self.locations.mean(axis=0), self.locations.std(axis=0), *equal_tailed(self.locations, self.prob)]
        where = pd.MultiIndex.from_product([range(self.number), self.names], names=["mode", "feature"])
        columns = ("mean", "sd", "lower", "upper")
        return pd.DataFrame({name: part.ravel() for name, part in zip(columns, found, strict=True)}, index=where)

    def __str__(self) -> str:
        told = ", ".join(f"{n}: {p:.3g}" for n, p in self.probabilities["probability"].items() if p > 0)
        return (
            f"Modes of the density at {self.counts.size} draws. Probability of each number: {told}\n"
            f"Where they are, given {self.number}, with {self.prob:.0%} intervals:\n{self.table.to_string()}"
        )

    __repr__ = __str__


def modes(posterior: Posterior | MfmPosterior, n_draws: int = 1000, prob: float = 0.9) -> Modes:
    r"""Posterior of the number of modes of the density, and of where they are.

    A number of modes needs no labels, and it is what the eye calls groups: components that overlap make one mode together. For
    one feature all modes of each draw are found. For several they are those that are reached by going up from each component's
    mean, by modal EM and at last by Newton's method: a mixture of normals of several features may have more modes than
    components, and those that no climb from a mean ends at are not counted.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
        No relabelling changes the answer.
    n_draws : int
        At most so many draws (at least one of each chain) are looked at, evenly spaced over every chain.
    prob : float
        Of the equal-tailed intervals.

    Returns
    -------
    Modes
        ``print`` it; ``probabilities``, ``table``.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior.
    ValueError
        If ``prob`` is no probability.

    References
    ----------
    Carreira-Perpinan (2000), doi:10.1109/34.888716. Li, Ray & Lindsay (2007), A nonparametric statistical approach to clustering
    via mode identification, JMLR 8:1687-1723. Ray & Lindsay (2005), doi:10.1214/009053605000000417, for how many there may be.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> post = bg.fit_bayes(bg.load_dataset("faithful"), 2, engine="gibbs", draws=500, progress=False)
    >>> found = modes(post, n_draws=200)
    >>> found.number, found.table.loc[0, "mean"].round(0).to_list()
    (2, [2.0, 54.0])
    """
    require_any_posterior(posterior)
    posterior.tell_doubt()
    prob = probability(prob)
    draws, observations = posterior.draws.at_most(positive_integer(n_draws, "n_draws")), posterior.observations
    found = modes_of(draws)
    counts = np.array([len(one) for one in found])
    of_number = np.stack([one for one in found if len(one) == most_probable(counts)])
    return Modes(counts.reshape(draws.shape), _matched(of_number, observations.ranges), observations.names, prob)


def most_probable(counts: NDArray[np.int64]) -> int:
    """The number that most draws have; of equals the smallest."""
    return int(np.bincount(counts.ravel()).argmax())


def _matched(points: Array, units: Array) -> Array:
    """Points (n, M, d) of each draw in the order in which they lie nearest to the mean of the others' in the same place.

    Begun with each draw's order along the first feature, in turn until no order changes.
    """
    points = np.take_along_axis(points, points[..., 0].argsort(axis=1)[..., None], axis=1)
    for _ in range(MOST_ROUNDS):
        away = (points[:, :, None] - points.mean(axis=0)) / units
        orders = best_orders(-np.square(away).sum(axis=-1))
        points = np.take_along_axis(points, orders[..., None], axis=1)
        if (orders == np.arange(orders.shape[1])).all():
            break
    return points[:, points[..., 0].mean(axis=0).argsort()]
