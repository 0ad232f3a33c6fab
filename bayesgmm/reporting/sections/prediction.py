"""How well new rows are predicted, by leave-one-out, and for which rows that may not be believed."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.numbers import count, fixed, short, significant
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Paragraph, Picture, Table
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import FIRST_LOOK, denied

WORST_ROWS = 10
TABLE_FEATURES = 6


def _blocks(analysis: Analysis) -> Iterator[Block]:
    loo, k = analysis.loo, analysis.loo.pareto_k.to_numpy()
    bad = int((k > loo.good_k).sum())
    number = f"expected log density {fixed(loo.elpd)} (standard error {fixed(loo.se)})"
    if not analysis.diagnosis.converged:
        yield Claim("How well new rows are predicted", number, Belief.NO, denied(analysis))
        yield Caution(FIRST_LOOK)
    elif bad:
        yield Claim("How well new rows are predicted", number, Belief.CARE, f"not reliable for {count(bad, 'row')} of {len(k):,}")
    else:
        yield Claim("How well new rows are predicted", number, Belief.YES)
    yield Paragraph(
        f"The expected log predictive density for new rows is {fixed(loo.elpd)} (standard error {fixed(loo.se)}), with "
        f"{fixed(loo.p)} effective parameters. "
        f"{_reliability(bad, len(k), float(loo.good_k), analysis.diagnosis.converged)}"
    )
    yield _pareto_k(analysis)
    if bad:
        yield _unreliable_rows(analysis)


def _reliability(bad: int, n: int, good: float, converged: bool) -> str:
    """Whether leave-one-out may be believed for every row."""
    if not bad:
        return f"Every row has Pareto k at or below {good:.2f}{', so the estimate may be believed' if converged else ''}."
    return (
        f"{count(bad, 'row')} of {n:,} {'has' if bad == 1 else 'have'} Pareto k above {good:.2f}: the posterior changes "
        "much when such a row is left out, and the estimate is too optimistic about it. "
        "Look at these rows: often they are outliers."
    )


def _pareto_k(analysis: Analysis) -> Picture:
    loo = analysis.loo

    def paint(figure: Figure) -> None:
        plots.pareto_k(figure.subplots(), np.asarray(loo.pareto_k), float(loo.good_k))

    caption = f"Pareto k of each row; the dashed line is {loo.good_k:.2f}, above which the estimate is not reliable."
    return picture("pareto_k", paint, 2.6, "Pareto k of each row, with the threshold.", caption)


def _unreliable_rows(analysis: Analysis) -> Table:
    """The rows whose leave-one-out is least reliable."""
    loo, values, names = analysis.loo, analysis.observations.values, analysis.observations.names
    k, elpd = loo.pareto_k.to_numpy(), np.asarray(loo.elpd_i)
    bad = np.flatnonzero(k > loo.good_k)
    bad = bad[np.argsort(-k[bad], kind="stable")]
    shown = plots.separating_features(analysis.em.mixture, TABLE_FEATURES)
    rows = tuple((str(i), fixed(k[i], 2), fixed(float(elpd[i]), 2), *map(significant, values[i, list(shown)])) for i in bad)
    columns = ("row", "Pareto k", "elpd", *(short(names[j]) for j in shown))
    note = "Rows are counted from 0." + (f" {len(shown)} of {len(names)} features are shown." if len(shown) < len(names) else "")
    data = pd.DataFrame(np.column_stack([k[bad], elpd[bad], values[bad]]), pd.Index(bad, name="row"))
    data.columns = pd.Index(["Pareto k", "elpd", *names])
    title = "Rows for which it is not reliable"
    return Table(note, columns, rows, title=title, name="unreliable_rows", data=data).at_most(WORST_ROWS, "worst")


PREDICTION = Section("prediction", "Prediction: leave-one-out", _blocks)
