"""Whether the model describes the data: does each row lie where the other rows say that it may."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import kstest

from bayesgmm import plots
from bayesgmm.numbers import count, fixed, short, significant
from bayesgmm.predictive import loo_pit
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Paragraph, Picture, Table
from bayesgmm.reporting.pictures import COLUMN, picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import FIRST_LOOK, denied

DOUBTFUL, REFUTED = 0.05, 0.001  # smallest p-value over the features, times their number
MOST_LINES = 9  # features in the picture, those that fit worst
WHAT = (
    "Each row is predicted from all others, feature by feature. The share of the prediction that lies below the value found (its "
    "probability integral transform) is uniform from 0 to 1 where the model describes the feature."
)
FIT = "The model describes each feature"


def _blocks(analysis: Analysis) -> Iterator[Block]:
    if not analysis.diagnosis.converged:
        yield Claim(FIT, "not asked", Belief.NO, denied(analysis))
        yield Caution(FIRST_LOOK)
        return
    pit = loo_pit(analysis.posterior)
    table = _fits(pit)
    p = min(1.0, float(table["p_value"].min()) * len(table))
    yield Claim(FIT, f"p-value of uniformity {_p(p)}, over {count(len(table), 'feature')}", *_belief(p))
    yield Paragraph(f"{WHAT} {_verdict(table, p)}")
    yield _picture(pit, table)
    yield _table(table).at_most()


def _fits(pit: pd.DataFrame) -> pd.DataFrame:
    """How far each feature's transforms are from uniform, in the features' own order."""
    tests = [kstest(pit.iloc[:, j].clip(0, 1), "uniform") for j in range(pit.shape[1])]
    columns = {"distance": [float(t.statistic) for t in tests], "at": [float(t.statistic_location) for t in tests]}
    columns |= {"p_value": [float(t.pvalue) for t in tests], "mean": pit.mean().to_list(), "sd": pit.std().to_list()}
    return pd.DataFrame(columns, index=pd.Index(pit.columns, name="feature"))


def _belief(p: float) -> tuple[Belief, str]:
    if p < REFUTED:
        return Belief.NO, "some feature is not as the model says"
    if p < DOUBTFUL:
        return Belief.CARE, "some feature fits badly"
    return Belief.YES, ""


def _verdict(table: pd.DataFrame, p: float) -> str:
    if p >= DOUBTFUL:
        return f"No feature departs from that by more than chance (smallest p-value {_p(p)}, for all features together)."
    worst = str(table["p_value"].idxmin())
    how = "refutes" if p < REFUTED else "casts doubt on"
    return f"That {how} the model (p-value {_p(p)}, for all features together); the worst feature is {short(worst)}."


def _p(p: float) -> str:
    return "below 0.0001" if p < 1e-4 else significant(p, 2)


def _picture(pit: pd.DataFrame, table: pd.DataFrame) -> Picture:
    order = sorted(table["p_value"].to_numpy().argsort(kind="stable")[:MOST_LINES].tolist())
    shown = pit.iloc[:, order]

    def paint(figure: Figure) -> None:
        plots.calibration(figure.subplots(), shown)

    left = f" Shown are the {len(order)} of {len(table)} features that fit worst." if len(order) < len(table) else ""
    caption = (
        "How far the transforms of each feature lie above or below uniform ones. A feature that the model describes stays inside "
        f"the band, along its whole length, in at least 95 of 100 cases.{left}"
    )
    return picture("calibration", paint, 3.4, "Calibration of each feature, with a band.", caption, COLUMN)


def _table(table: pd.DataFrame) -> Table:
    rows = tuple(
        (short(str(name), 80), fixed(row["distance"], 3), _p(row["p_value"]), fixed(row["mean"], 3), fixed(row["sd"], 3))
        for name, row in table.iterrows()
    )
    note = (
        "distance: the largest from uniform (Kolmogorov and Smirnov), with its p-value. mean and sd of the transforms: 0.5 and "
        "0.289 where they are uniform; a smaller sd says that the model is too wide, a larger one that it is too narrow. The "
        "p-values err on the side of the model: transforms of rows that share a fit lie nearer to uniform than independent ones."
    )
    columns = ("feature", "distance", "p-value", "mean", "sd")
    return Table(note, columns, rows, title="Feature by feature", name="calibration", data=table)


CALIBRATION = Section("calibration", "Does the model describe the data?", _blocks)
