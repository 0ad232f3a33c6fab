"""Which rows belong to which component, and which rows are least sure of it; for components that may be believed."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.membership import Memberships, memberships
from bayesgmm.numbers import percent, short, significant
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Paragraph, Picture, Table
from bayesgmm.reporting.components import PROB
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import SURE, assignment, denied

SHOWN = 10
ALMOST = 0.999  # probability beyond which no more digits are told
MOST_ROWS = 2000  # whose intervals are computed, the least sure ones
TABLE_FEATURES = 4
ALONE = "There is one component, to which every row belongs."
WITHHELD = (
    "Rows are not put into components, which are not the same ones in every draw. Which rows belong together needs no "
    "components: see the groups without labels."
)
UNCONVERGED = "Rows are not put into components: the chains have not converged."


def _blocks(analysis: Analysis) -> Iterator[Block]:
    what = "Which row belongs to which component"
    if not analysis.diagnosis.components_trusted:
        reason = "components are not the same in every draw" if analysis.diagnosis.converged else denied(analysis)
        yield Claim(what, "withheld", Belief.NO, reason)
        yield Caution(WITHHELD if analysis.diagnosis.converged else UNCONVERGED)
        return
    if analysis.chosen == 1:
        yield Paragraph(ALONE)
        return
    best = analysis.responsibilities[0].max(axis=1)
    sure = int((best >= SURE).sum())
    yield Claim(what, f"{sure:,} of {len(best):,} rows with a probability of at least {SURE:g}", Belief.YES)
    yield Paragraph(assignment(analysis))
    yield _shares(analysis)
    yield _least_sure(analysis, best)


def _shares(analysis: Analysis) -> Picture:
    mean = analysis.responsibilities[0]

    def paint(figure: Figure) -> None:
        plots.responsibilities(figure.subplots(), mean)

    caption = (
        "Probability that a row comes from a component: a line across for each row, a column for each component. Rows lie by "
        "their most probable component, the most certain first."
    )
    return picture("memberships", paint, 3.6, "Probability of each component for each row.", caption)


def _least_sure(analysis: Analysis, best: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Table:
    """The rows whose most probable component is least probable."""
    values, names = analysis.observations.values, analysis.observations.names
    some = np.argsort(best, kind="stable")[:MOST_ROWS]
    table = _told(memberships(analysis.posterior, np.ascontiguousarray(values[some]), PROB), some)
    features = plots.separating_features(analysis.em.mixture, TABLE_FEATURES)
    rows = tuple(
        (
            str(i),
            str(int(row["component"])),
            f"{_share(row['mean'])} [{_share(row['lower'])}, {_share(row['upper'])}]",
            f"{int(row['second'])} ({_share(row['second_mean'])})",
            *map(significant, values[int(str(i)), list(features)]),
        )
        for i, row in table.iterrows()
    )
    columns = ("row", "component", "its probability [90%]", "second", *(short(names[j], 24) for j in features))
    note = (
        "Rows and components are counted from 0. In brackets the 90% interval of the probability, for the parameters are not "
        "known exactly; second: the next component, with its probability."
    )
    if len(some) < len(values):
        note += f" Intervals were computed for the {len(some):,} least sure rows."
    title = "The rows that are least sure"
    whole = Table(note, columns, rows, title=title, name="memberships", data=table)
    return whole.at_most(SHOWN, "least sure")


def _told(found: Memberships, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pd.DataFrame:
    """The table of memberships, its rows numbered as the observations are and the least sure first."""
    return found.table.set_axis(pd.Index(rows, name="observation"))


def _share(probability: float) -> str:
    """In per cent, never as if it were certain."""
    if probability > ALMOST:
        return f"above {ALMOST:.1%}"
    return percent(probability) if probability >= 1 - ALMOST else f"below {1 - ALMOST:.1%}"


ROWS = Section("rows", "Which rows belong where", _blocks)
