"""Groups without labels: the partition that the posterior supports best, how sure it is, and which rows belong together."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.numbers import MISSING, count, fixed, percent
from bayesgmm.partitions import CredibleBall, Partition, credible_ball, partition, similarity_matrix
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import REST, Belief, Block, Caution, Claim, Paragraph, Picture, Points, Table
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import denied
from bayesgmm.table import evenly

MOST_ROWS, DRAWS, RUNS = 1000, 1000, 8  # of the partition: seconds, whatever the data
SHOWN = 10
TOLD_SIZES = 6
WHAT = (
    "Two rows belong together as often as they share a component, whatever the component is called. The partition below is the "
    "one nearest, on average, to the partitions that the posterior draws (in variation of information, where 0 is the same "
    "partition)."
)
BOUNDS = {
    "centre": "the partition below",
    "upper": "coarsest in the ball",
    "lower": "finest in the ball",
    "horizontal": "farthest in the ball",
}


def _blocks(analysis: Analysis) -> Iterator[Block]:
    if analysis.chosen == 1:
        yield Paragraph("There is one component, so that all rows belong together.")
        return
    if not analysis.diagnosis.converged:
        yield Claim("Which rows belong together", "withheld", Belief.NO, denied(analysis))
        yield Caution("No partition is told: the chains have not converged.")
        return
    n = analysis.observations.n_observations
    rows = evenly(n, MOST_ROWS)
    found = partition(analysis.posterior, rows=rows, n_draws=DRAWS, n_runs=RUNS)
    ball = credible_ball(analysis.posterior, centre=found, n_draws=DRAWS)
    yield _claim(found, ball)
    cut = f" Of the {n:,} rows {len(rows):,}, evenly spaced, were partitioned." if len(rows) < n else ""
    yield Paragraph(WHAT + cut)
    yield Points(tuple(dict.fromkeys([*str(found).splitlines(), *str(ball).splitlines()])))
    yield _similarity(analysis, found, rows)
    yield _bounds(ball)
    yield _least_sure(found)


def _claim(found: Partition, ball: CredibleBall) -> Claim:
    told = ", ".join(f"{size:,}" for size in found.sizes[:TOLD_SIZES]) + (", …" if found.n_clusters > TOLD_SIZES else "")
    fewest, most = int(ball.table["n_clusters"].min()), int(ball.table["n_clusters"].max())
    sure = fewest == most
    reason = "" if sure else f"{fewest} to {most} clusters are credible"
    number = f"{count(found.n_clusters, 'cluster')} of {told} rows"
    return Claim("Which rows belong together", number, Belief.YES if sure else Belief.CARE, reason)


def _similarity(analysis: Analysis, found: Partition, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Picture:
    def paint(figure: Figure) -> None:
        plots.co_clustering(figure.subplots(), similarity_matrix(analysis.posterior, rows), found.labels)

    caption = (
        "Probability that two rows come from the same component, in the order of the partition: dark squares are groups, and "
        "what is pale within a square or dark outside of it is doubtful."
    )
    return picture("similarity", paint, 5.6, "Matrix of the probabilities that two rows belong together.", caption)


def _bounds(ball: CredibleBall) -> Table:
    rows = tuple(
        (BOUNDS[str(name)], str(int(row["n_clusters"])), fixed(row["distance"], 3)) for name, row in ball.table.iterrows()
    )
    note = (
        f"The ball holds {percent(ball.prob)} of the posterior's partitions, and its radius is {fixed(ball.radius, 3)} bits. The "
        "coarsest and the finest partition in it say how far the number of groups is open."
    )
    title = "How sure the partition is"
    return Table(note, ("partition", "clusters", "distance"), rows, title=title, name="credible_ball", data=ball.table)


def _least_sure(found: Partition) -> Table:
    table = found.table.sort_values("together", kind="stable")
    rows = tuple(
        (
            str(i),
            str(int(row["cluster"])),
            fixed(row["together"], 2),
            MISSING if row["nearest"] < 0 else f"{int(row['nearest'])} ({fixed(row['nearest_together'], 2)})",
            fixed(row["uncertainty"], 3),
        )
        for i, row in table.head(SHOWN).iterrows()
    )
    columns = ("row", "cluster", "together", "nearest other", "uncertainty in bits")
    note = (
        "Rows and clusters are counted from 0, clusters by falling size. together: mean probability of sharing a component with "
        f"the others of its cluster; nearest other: the same for the next cluster. Shown are the least sure of {len(table):,} "
        f"rows; {REST}"
    )
    return Table(note, columns, rows, title="The rows that are least sure", name="partition", data=found.table)


GROUPS = Section("groups", "Groups without labels", _blocks)
