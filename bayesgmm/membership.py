"""Which component each row comes from: the posterior of its responsibilities, and allocations drawn from it.

Components may be spoken of only where they are the same ones in every draw; what needs no labels (which rows belong together) is
in :mod:`bayesgmm.partitions`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesgmm.draws import Draws, blocks, equal_tailed
from bayesgmm.posterior import Posterior, UnresolvedLabelsError, require_posterior
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.table import Table
from bayesgmm.validation import positive_integer, probability

type Array = NDArray[np.float64]

MOST_ALLOCATIONS = 1_000_000_000  # 4 GB
CLEAR = 0.9  # posterior mean responsibility from which a row counts as clear where it is told


@dataclass(frozen=True, eq=False)
class Memberships:
    """Posterior of the responsibilities of rows.

    Attributes
    ----------
    mean, sd : ndarray of shape (n_observations, n_components)
        Posterior mean and standard deviation of r_ik. The mean is the probability that the row comes from the component, whatever
        the parameters are; rows of it sum to one.
    lower, upper : ndarray of shape (n_observations, n_components)
        Equal-tailed interval of r_ik.
    prob : float
        Of the intervals.
    """

    mean: Array
    sd: Array
    lower: Array
    upper: Array
    prob: float

    @cached_property
    def table(self) -> pd.DataFrame:
        """The likeliest component of each row.

        Returns
        -------
        pandas.DataFrame
            One row an observation: ``component``, the posterior ``mean``, ``sd``, ``lower`` and ``upper`` of its responsibility,
            the ``second`` likeliest component and its mean ``second_mean``; -1 and 0 where there is no other component.
        """
        order = np.argsort(-self.mean, axis=1, kind="stable")
        rows, first = np.arange(len(order)), order[:, 0]
        second, second_mean = np.full(len(order), -1), np.zeros(len(order))
        if order.shape[1] > 1:
            second, second_mean = order[:, 1], self.mean[rows, order[:, 1]]
        columns = {"component": first} | {name: getattr(self, name)[rows, first] for name in ("mean", "sd", "lower", "upper")}
        columns |= {"second": second, "second_mean": second_mean}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(order), name="observation"))

    def most_ambiguous(self, n: int = 10) -> pd.DataFrame:
        """The n rows of :attr:`table` whose likeliest component has the lowest posterior mean, the lowest first."""
        return self.table.sort_values("mean", kind="stable").head(positive_integer(n, "n"))

    def __str__(self) -> str:
        n, k = self.mean.shape
        sizes = ", ".join(map(str, np.bincount(self.table["component"], minlength=k)))
        unclear = int((self.table["mean"] < CLEAR).sum())
        return (
            f"Memberships of {n} rows in {k} components, with {self.prob:.0%} intervals\n"
            f"rows by likeliest component: {sizes}; {unclear} of them with a posterior mean below {CLEAR:g}\n"
            "table has one row an observation, most_ambiguous() the rows that are least sure."
        )

    __repr__ = __str__


def memberships(posterior: Posterior, X: Any = None, prob: float = 0.9) -> Memberships:
    r"""Posterior of the probability that each row comes from each component.

    .. math:: r_{ik} = w_k\,\mathcal N(x_i;\mu_k,\Sigma_k) \,/\, \sum_l w_l\,\mathcal N(x_i;\mu_l,\Sigma_l)

    Parameters
    ----------
    posterior : Posterior
        Relabelled by ECR where it is not relabelled yet.
    X : array-like or DataFrame of shape (n_observations, n_features), optional
        New rows, in the units used for fitting, a DataFrame's columns by name; None: the rows that were fitted.
    prob : float
        Of the equal-tailed intervals. They tell how well the parameters are known, and the means which component a row is from: a
        row halfway between two well known components has means of 1/2 and short intervals.

    Returns
    -------
    Memberships

    Raises
    ------
    TypeError
        If it is no posterior of a known number of components.
    UnresolvedLabelsError
        If the components may not be believed, so that there is no component to come from.
    ValueError
        If rows are not finite or have other features, or ``prob`` is no probability.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=5.0, seed=0)
    >>> found = memberships(bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False))
    >>> found.mean.shape, found.most_ambiguous(1)["component"].to_list()
    ((100, 2), [1])
    """
    require_posterior(posterior)
    prob = probability(prob)
    values = _rows(posterior, X)
    diagnosis = posterior.diagnosis
    if not diagnosis.components_trusted:
        raise UnresolvedLabelsError(
            f"There are no memberships to tell. {diagnosis.verdict[0]} Which rows belong together (similarity_matrix) and groups "
            "of them (partition) need no labels, only chains that have converged."
        )
    found = [
        (shares.mean(axis=0), shares.std(axis=0), *equal_tailed(shares, prob))
        for shares in _blocks(posterior.relabelled.draws, values)
    ]
    mean, sd, lower, upper = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Memberships(mean, sd, lower, upper, prob)


def _blocks(draws: Draws, values: Array) -> Iterator[Array]:
    """r_ik of some rows at a time at every draw, shape (all draws, n_rows, n_components)."""
    n_draws, k = draws.shape[0] * draws.shape[1], draws.n_components
    for rows in blocks(len(values), n_draws * k):
        shares = draws.shares(values[rows])
        yield shares.reshape(n_draws, *shares.shape[2:])


def draw_allocations(posterior: Posterior, X: Any = None, seed: Seed = 0) -> xr.DataArray:
    """Draw the component of each row at each draw of the parameters, z_i with P(z_i = k) = r_ik.

    Parameters
    ----------
    posterior : Posterior
        Components are numbered as its parameters are: as drawn, or relabelled.
    X : array-like or DataFrame of shape (n_observations, n_features), optional
        New rows, in the units used for fitting; None: the rows that were fitted.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.DataArray
        ``allocations``, integers of dims (chain, draw, observation). Given the parameters, rows are independent.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior of a known number of components.
    ValueError
        If rows are not finite or have other features, or so many that the allocations would not fit.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=5.0, seed=0)
    >>> draw_allocations(bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False)).sizes
    Frozen({'chain': 4, 'draw': 500, 'observation': 100})
    """
    require_posterior(posterior)
    values, draws = _rows(posterior, X), posterior.draws
    size = draws.shape[0] * draws.shape[1] * len(values)
    if size > MOST_ALLOCATIONS:
        raise ValueError(
            f"The allocations of {len(values):,} rows at every draw have {4e-9 * size:.0f} GB: give at most "
            f"{MOST_ALLOCATIONS * len(values) // size:,} rows at a time as X."
        )
    posterior.tell_doubt()
    drawn = draws.allocations(values, stream(seed_sequence(seed), Use.ALLOCATIONS))
    kept = posterior.tree["posterior"]
    coords = {"chain": kept["chain"].to_numpy(), "draw": kept["draw"].to_numpy(), "observation": np.arange(len(values))}
    return xr.DataArray(drawn, coords, ("chain", "draw", "observation"), name="allocations")


def _rows(posterior: Posterior, X: Any) -> Array:
    """The fitted rows, or new ones with the same features; those of a source are refused."""
    observations = posterior.observations
    return np.asarray(observations.values) if X is None else Table.of(X).arranged(observations.names)
