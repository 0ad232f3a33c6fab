"""The point partition: the one of least posterior expected loss, and what each row says about it."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.interruption import Interrupted, PartialWarning
from bayesgmm.kernels.threads import called
from bayesgmm.mfm import MfmPosterior
from bayesgmm.partitions.clusters import started
from bayesgmm.partitions.contingency import in_order, of_rows
from bayesgmm.partitions.drawn import DrawnPartitions, Labels
from bayesgmm.partitions.losses import LOSSES, Loss
from bayesgmm.partitions.runs import best_partition
from bayesgmm.posterior import Posterior
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import known_name, listed, positive_integer

DRAWS, RUNS = 4000, 16
SHOWN = 12  # sizes of clusters
SURE = 0.9  # mean probability of being together with the others of the cluster, from which a row is not spoken of


@dataclass(frozen=True, eq=False)
class Partition:
    """A partition of rows into clusters, beside the posterior.

    Attributes
    ----------
    labels : ndarray of int64, shape (n_rows,)
        The cluster of each row, from 0 by falling size; clusters of one size in the order of their first rows.
    loss : str
        ``"vi"``, ``"binder"`` or ``"omari"``.
    expected_loss : float
        Its posterior mean: bits for ``"vi"``, the share of all pairs for ``"binder"``, one minus the expected adjusted Rand index
        for ``"omari"``.
    rows : ndarray of int64, shape (n_rows,)
        Numbers of these rows among the observations.
    table : pandas.DataFrame
        One row an observation. ``cluster``; ``together``, the mean posterior probability that it is in one component with the
        other rows of its cluster, missing where it has none; ``nearest``, the other cluster for which that mean is largest, -1
        where there is none, and ``nearest_together``, that mean; ``uncertainty``, in bits: what the row contributes to the
        expected variation of information, which is the mean of this column, whatever the loss. All are means over the drawn
        partitions.
    n_draws : int
        Drawn partitions that the posterior was taken to be.
    doubt : str
        Why this may not be the posterior's, in a sentence; empty where there is no reason.
    """

    labels: Labels
    loss: str
    expected_loss: float
    rows: Labels
    table: pd.DataFrame
    n_draws: int
    doubt: str

    @classmethod
    def of(cls, labels: Labels, drawn: DrawnPartitions, loss: Loss, doubt: str = "") -> "Partition":
        """Hold labels, by falling size, against drawn partitions."""
        table = _table(labels, drawn, loss)
        doubts = " ".join(filter(None, (doubt, drawn.doubt)))
        return cls(labels, loss.name, float(drawn.losses(labels, loss).mean()), drawn.rows, table, drawn.n_draws, doubts)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each cluster, shape (n_clusters,)."""
        return np.bincount(self.labels)

    @property
    def n_clusters(self) -> int:
        """Clusters."""
        return len(self.sizes)

    def __str__(self) -> str:
        loss, n = LOSSES[self.loss], len(self.labels)
        bits = f", from 0 to log2(n) = {np.log2(n):.2f}" if self.loss == "vi" and n > 1 else ""
        expected = f"{self.expected_loss:.3g}{loss.unit} ({loss.title}{bits})"
        sentences = [
            self._clusters(),
            f"Expected loss by {self.n_draws:,} drawn partitions: {expected}.",
            self._least_sure(),
            self.doubt,
        ]
        return "\n".join(filter(None, sentences))

    __repr__ = __str__

    def _clusters(self) -> str:
        n = len(self.labels)
        if self.n_clusters == 1:
            return f"One cluster of all {n:,} rows." if n > 1 else "One row, one cluster."
        return f"{self.n_clusters:,} clusters of {n:,} rows, with {listed([f'{size:,}' for size in self.sizes], SHOWN)} of them."

    def _least_sure(self) -> str:
        """Which rows are not sure where they belong."""
        together = self.table["together"]
        unsure = together[together < SURE]
        if not len(unsure):
            return ""
        row = unsure.idxmin()
        cluster, nearest, share = self.table.loc[row, ["cluster", "nearest", "nearest_together"]]
        beside = f" (with the rows of cluster {int(nearest)}: {share:.2f})" if nearest >= 0 else ""
        many = f"{len(unsure):,} rows are" if len(unsure) > 1 else "One row is"
        return (
            f"{many} together with the others of the cluster with a mean probability below {SURE}; the lowest is "
            f"{together[row]:.2f}, of row {row} in cluster {int(cluster)}{beside}."
        )


def _table(labels: Labels, drawn: DrawnPartitions, loss: Loss) -> pd.DataFrame:
    problem = drawn.problem(loss)
    ordered, _ = called(in_order, labels[None], int(labels.max()) + 1)
    together, nearest, nearest_together, uncertainty = called(
        of_rows, problem, called(started, problem, ordered[0].astype(np.int64))
    )
    names = np.empty(ordered.max() + 1, np.int64)
    names[ordered[0]] = labels
    return pd.DataFrame(
        {
            "cluster": labels,
            "together": together,
            "nearest": np.where(nearest < 0, -1, names[nearest]),
            "nearest_together": nearest_together,
            "uncertainty": uncertainty,
        },
        index=pd.Index(drawn.rows, name="observation"),
    )


def partition(
    posterior: Posterior | MfmPosterior,
    loss: str = "vi",
    *,
    rows: Any = None,
    n_draws: int = DRAWS,
    n_runs: int = RUNS,
    max_clusters: int | None = None,
    seed: Seed = 0,
) -> Partition:
    r"""The partition of the rows that is least far from those of the posterior, on average.

    .. math:: \hat c = \arg\min_c \; \mathrm E \{ L(c, z) \mid x \}

    Partitions z are drawn: the rows' allocations at the draws of the posterior, so that nothing depends on what components are
    called or on how many there are. No cluster of the answer need be a component. The search is greedy and stochastic: rows go
    one by one where the expected loss is least, sweeps go on until no row moves, whole clusters are dissolved and put anew; the
    best of several runs counts. It finds no proof that nothing is better.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
    loss : str
        ``"vi"``: the variation of information, H(c) + H(z) - 2 I(c, z) in bits. ``"binder"``: Binder's with equal costs, as the
        share of all pairs of rows that are together in one partition and apart in the other, which is one minus the Rand index;
        it is readier for small clusters. ``"omari"``: one minus the adjusted Rand index.
    rows : array-like of int, optional
        Numbers of the rows to be partitioned; None: all.
    n_draws : int
        Draws that are used, evenly spaced; all where there are fewer.
    n_runs : int
        Runs of the search: the first from the best of 64 drawn partitions, the others from nothing.
    max_clusters : int, optional
        None: no limit.
    seed : int, SeedSequence or Generator

    Returns
    -------
    Partition
        ``labels``, ``table`` and more; ``print`` it for a few sentences.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.
    PartialWarning
        If Ctrl-C came when some runs were finished: the best of them is returned.

    Raises
    ------
    TypeError, ValueError
        If arguments are not usable; the message says which and what to do.

    References
    ----------
    Dahl, Johnson & Mueller (2022), Search algorithms and loss functions for Bayesian clustering,
    doi:10.1080/10618600.2022.2069779. Wade & Ghahramani (2018), Bayesian cluster analysis, doi:10.1214/17-BA1073. Meila (2007),
    Comparing clusterings, doi:10.1016/j.jmva.2006.11.013. Binder (1978), Bayesian cluster analysis, doi:10.1093/biomet/65.1.31.
    Fritsch & Ickstadt (2009), Improved criteria for clustering based on the posterior similarity matrix, doi:10.1214/09-BA414.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> from bayesgmm.partitions import partition
    >>> X, _, _ = bg.simulate(200, n_components=2, n_features=2, separation=6.0, seed=0)
    >>> post = bg.fit_bayes(X, 2, engine="gibbs", progress=False)
    >>> partition(post).sizes.tolist()
    [125, 75]
    """
    chosen, root = LOSSES[known_name(loss, "loss", LOSSES)], seed_sequence(seed)
    n_runs = positive_integer(n_runs, "n_runs")
    most = None if max_clusters is None else positive_integer(max_clusters, "max_clusters")
    drawn = DrawnPartitions.of(posterior, rows, n_draws, root)
    return least_expected(drawn, chosen, n_runs, most, root)


def least_expected(
    drawn: DrawnPartitions, loss: Loss, n_runs: int, max_clusters: int | None, seed: np.random.SeedSequence
) -> Partition:
    """The partition that is least far from drawn ones; at Ctrl-C the best so far, with a warning to the caller's caller."""
    doubt = ""
    try:
        labels = best_partition(drawn, loss, n_runs, max_clusters, seed)
    except Interrupted as interrupted:
        labels, n_finished = interrupted.finished
        doubt = f"Partial: Ctrl-C came when {n_finished} of {n_runs} runs of the search were finished; this is the best of them."
        warnings.warn(doubt, PartialWarning, stacklevel=3)
    return Partition.of(labels, drawn, loss, doubt)
