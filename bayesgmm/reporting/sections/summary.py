"""The summary: the answer in sentences that need no statistics. The table of what is claimed is put below it by the document."""

from collections.abc import Iterator

import pandas as pd

from bayesgmm import plots
from bayesgmm.numbers import known_to, percent, short
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Block, Points, Table
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import answer, assignment, checks, criteria

MOST_FEATURES = 4


def _blocks(analysis: Analysis) -> Iterator[Block]:
    if analysis.diagnosis.components_trusted and analysis.chosen > 1:
        yield Points((*criteria(analysis), assignment(analysis), checks(analysis)))
        yield _groups(analysis)
    else:
        yield Points((*answer(analysis)[1:], checks(analysis)))


def _groups(analysis: Analysis) -> Table:
    """How large the components are, and where: one row each."""
    names, weights = analysis.observations.names, analysis.described("weight")
    shown = plots.separating_features(analysis.em.mixture, MOST_FEATURES)
    rows = []
    for k in range(analysis.chosen):
        weight, means = weights.iloc[k], [analysis.described("mean", j).iloc[k] for j in shown]
        share = f"{percent(weight['mean'])} [{percent(weight['lower'])}, {percent(weight['upper'])}]"
        rows.append((f"component {k}", share, *(_mean(row) for row in means)))
    columns = ("", "share of the population", *(f"mean of {short(names[j], 24)}" for j in shown))
    note = "In brackets the interval that holds the true value with a probability of 90%."
    if len(shown) < len(names):
        note += f" Shown are the {len(shown)} features of {len(names)} in which the components differ most."
    data = pd.concat([weights, *(analysis.described("mean", j) for j in range(len(names)))])
    return Table(note, columns, tuple(rows), title="How large the components are, and where", name="groups", data=data)


def _mean(row: "pd.Series[float]") -> str:
    mean, lower, upper = (known_to(row[name], row["sd"], 1) for name in ("mean", "lower", "upper"))
    return f"{mean} [{lower}, {upper}]"


SUMMARY = Section("summary", "Summary", _blocks)
