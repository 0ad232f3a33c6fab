"""The credible ball: how far from a partition the posterior's partitions lie, and what the outermost of them look like."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesgmm.mfm import MfmPosterior
from bayesgmm.partitions.drawn import DrawnPartitions, Labels
from bayesgmm.partitions.losses import LOSSES, Loss
from bayesgmm.partitions.point import DRAWS, RUNS, Partition, least_expected
from bayesgmm.partitions.runs import by_size
from bayesgmm.posterior import Posterior
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import integer_array, known_name, probability

ROUNDING = 1e-9  # difference of distances that are taken for the same


@dataclass(frozen=True, eq=False)
class CredibleBall:
    """The smallest ball about a partition that holds the drawn partitions with a given probability.

    Attributes
    ----------
    centre : Partition
    prob : float
        Probability that was asked for.
    loss : str
        The distance: ``"vi"`` in bits, or ``"binder"`` as a share of all pairs.
    radius : float
        Largest distance from the centre in the ball.
    held : float
        Share of the drawn partitions that lie in it, ``prob`` or a little more.
    upper : ndarray of int64, shape (n_rows,)
        Vertical upper bound: of the drawn partitions in the ball with the fewest clusters the one farthest from the centre.
    lower : ndarray of int64, shape (n_rows,)
        Vertical lower bound: the same of those with the most clusters.
    horizontal : ndarray of int64, shape (n_rows,)
        Horizontal bound: the farthest of all in the ball.
    table : pandas.DataFrame
        One row for each of ``centre``, ``upper``, ``lower``, ``horizontal``: ``n_clusters``, ``distance`` from the centre, and
        ``n_tied``, how many different partitions are that bound with equal right; the first drawn of them is given.
    n_draws : int
    """

    centre: Partition
    prob: float
    loss: str
    radius: float
    held: float
    upper: Labels
    lower: Labels
    horizontal: Labels
    table: pd.DataFrame
    n_draws: int

    def __str__(self) -> str:
        loss, number, distance = LOSSES[self.loss], self.table["n_clusters"], self.table["distance"]
        lines = [
            f"{self.prob:.0%} credible ball about {_clusters(number['centre'])} of {len(self.upper):,} rows: radius "
            f"{self.radius:.3g}{loss.unit} ({loss.title}), with {self.held:.1%} of {self.n_draws:,} drawn partitions.",
            f"Coarsest in it (upper bound): {_clusters(number['upper'])}, at {distance['upper']:.3g}; finest (lower bound): "
            f"{_clusters(number['lower'])}, at {distance['lower']:.3g}; farthest (horizontal bound): "
            f"{_clusters(number['horizontal'])}, at {distance['horizontal']:.3g}.",
        ]
        return "\n".join(filter(None, [*lines, self.centre.doubt]))

    __repr__ = __str__


def _clusters(number: int) -> str:
    return f"{number:,} clusters" if number > 1 else "one cluster"


def credible_ball(
    posterior: Posterior | MfmPosterior,
    prob: float = 0.95,
    loss: str = "vi",
    *,
    centre: Partition | Any = None,
    rows: Any = None,
    n_draws: int = DRAWS,
    seed: Seed = 0,
) -> CredibleBall:
    r"""How sure a partition is: the smallest ball about it that holds the posterior's partitions with a given probability.

    .. math:: B_\epsilon(\hat c) = \{c : d(c, \hat c) \le \epsilon\}, \qquad
        \epsilon = \min\{\epsilon : P(B_\epsilon(\hat c) \mid x) \ge p\}

    The bounds say in which directions the posterior reaches farthest: to fewer clusters, to more, and in any.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
    prob : float
    loss : str
        ``"vi"`` or ``"binder"``, which are distances.
    centre : Partition or array-like of int, shape (n_rows,), optional
        None: what :func:`partition` gives by the same loss, rows, draws and seed. Labels are numbered anew, by falling size.
    rows : array-like of int, optional
        Numbers of the rows that are partitioned; None: all, or those of the centre.
    n_draws : int
        Draws that are used, evenly spaced; all where there are fewer.
    seed : int, SeedSequence or Generator

    Returns
    -------
    CredibleBall

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.
    PartialWarning
        If Ctrl-C came when some runs of the search for the centre were finished: the best of them is the centre.

    Raises
    ------
    TypeError, ValueError
        If arguments are not usable, such as ``loss="omari"``, by which there is no ball; the message says what to do.

    References
    ----------
    Wade & Ghahramani (2018), Bayesian cluster analysis: point estimation and credible balls, doi:10.1214/17-BA1073.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> from bayesgmm.partitions import credible_ball
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=4.0, seed=0)
    >>> ball = credible_ball(bg.fit_bayes(X, 2, engine="gibbs", progress=False))
    >>> ball.table["n_clusters"].tolist(), ball.held >= 0.95
    ([2, 2, 2, 2], True)
    """
    prob, distance = probability(prob), LOSSES[known_name(loss, "loss", LOSSES)]
    if not distance.is_metric:
        metrics = " or ".join(repr(each.name) for each in LOSSES.values() if each.is_metric)
        raise ValueError(f"A ball needs a distance, which loss={loss!r} is not (the triangle inequality fails): take {metrics}.")
    root = seed_sequence(seed)
    own_rows = centre.rows if isinstance(centre, Partition) and rows is None else rows
    drawn = DrawnPartitions.of(posterior, own_rows, n_draws, root)
    middle = least_expected(drawn, distance, RUNS, None, root) if centre is None else _given(centre, drawn, distance)
    return _ball(middle, prob, drawn, distance)


def _given(centre: Any, drawn: DrawnPartitions, loss: Loss) -> Partition:
    """A partition of the same rows; labels are numbered by falling size."""
    if not isinstance(centre, Partition):
        labels = integer_array(centre, "centre (a Partition, or the cluster of each row)", (drawn.n_rows,))
        return Partition.of(by_size(labels), drawn, loss)
    if not np.array_equal(centre.rows, drawn.rows):
        raise ValueError(
            f"centre is a partition of {len(centre.rows):,} rows, and these are not the {drawn.n_rows:,} that rows= names: leave "
            "rows= out, and those of the centre are taken."
        )
    return centre


def _ball(centre: Partition, prob: float, drawn: DrawnPartitions, loss: Loss) -> CredibleBall:
    distances = drawn.losses(centre.labels, loss)
    radius = float(np.sort(distances)[math.ceil(prob * drawn.n_draws - ROUNDING) - 1])
    inside = distances <= radius + ROUNDING
    fewest, most = drawn.numbers[inside].min(), drawn.numbers[inside].max()
    kinds = {
        "upper": inside & (drawn.numbers == fewest),
        "lower": inside & (drawn.numbers == most),
        "horizontal": inside,
    }
    bounds, rows = {}, [(centre.n_clusters, 0.0, 1)]
    for name, among in kinds.items():
        tied = np.flatnonzero(among & (distances >= distances[among].max() - ROUNDING))
        bounds[name] = by_size(drawn.labels[tied[0]])
        rows.append((int(drawn.numbers[tied[0]]), float(distances[tied[0]]), len(np.unique(drawn.labels[tied], axis=0))))
    table = pd.DataFrame(rows, index=["centre", *bounds], columns=["n_clusters", "distance", "n_tied"])
    return CredibleBall(centre, prob, loss.name, radius, float(inside.mean()), **bounds, table=table, n_draws=drawn.n_draws)
