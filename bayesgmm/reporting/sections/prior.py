"""What the prior says beside what the posterior says, and how far the answer hangs on the prior."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.numbers import count, fixed, known_to, percent
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Details, Paragraph, Picture, Points, Table
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import FIRST_LOOK, denied
from bayesgmm.sensitivity import power_scaling, prior_beside_posterior
from bayesgmm.sensitivity.powers import QUIET

PRIOR_DRAWS = 2000
MOST_DRAWN = 40  # quantities in the picture
WHAT = (
    "The prior says what was thought possible before the data were seen. Where prior and posterior overlap much the data have "
    "told little, and the answer is the prior's."
)


def _blocks(analysis: Analysis) -> Iterator[Block]:
    what = "The answer does not hang on the prior"
    if not analysis.diagnosis.converged:
        yield Claim(what, "not asked", Belief.NO, denied(analysis))
        yield Caution(FIRST_LOOK)
        return
    beside, scaled = prior_beside_posterior(analysis.posterior, n_draws=PRIOR_DRAWS), power_scaling(analysis.posterior)
    hanging = scaled[scaled["diagnosis"] != QUIET]
    number = f"{count(len(hanging), 'quantity does', 'quantities do')} so, of {len(scaled):,}"
    if len(hanging):
        yield Claim("How far the answer hangs on the prior", number, Belief.CARE, f"most in {hanging['prior'].idxmax()}")
    else:
        yield Claim(what, number, Belief.YES)
    yield Paragraph(WHAT)
    yield Points((*beside.attrs["verdict"], *scaled.attrs["verdict"]))
    yield _picture(beside)
    yield Details("Prior and posterior, quantity by quantity", (_beside(beside).at_most(),))
    yield Details("What changes with the power of the prior", (_scaled(scaled).at_most(which="most sensitive"),))


def _picture(beside: pd.DataFrame) -> Picture:
    n = min(len(beside), MOST_DRAWN)

    def paint(figure: Figure) -> None:
        plots.prior_beside_posterior(figure.subplots(), beside)

    left = f" Shown are the first {n} of {len(beside)} quantities." if n < len(beside) else ""
    caption = (
        "Median and 90% interval of the posterior, and below it of the prior, each in units of half the posterior's interval; at "
        f"the right the overlap.{left}"
    )
    return picture("prior", paint, 1.2 + 0.28 * n, "Prior and posterior of each quantity.", caption)


def _beside(beside: pd.DataFrame) -> Table:
    rows = tuple(
        (
            str(name),
            _law(row, "prior"),
            _law(row, "posterior"),
            fixed(row["overlap"], 2),
            percent(row["contraction"]) if row["contraction"] >= 0 else "none",
        )
        for name, row in beside.iterrows()
    )
    note = (
        "Median and 90% interval. overlap: 1 where the data have told nothing, 0 where prior and posterior have nothing in "
        "common. contraction: the share of the prior's variance that the data have taken away."
    )
    columns = ("quantity", "prior [90%]", "posterior [90%]", "overlap", "contraction")
    return Table(note, columns, rows, name="prior_beside_posterior", data=beside)


def _law(row: "pd.Series[float]", which: str) -> str:
    median, lower, upper = (row[f"{which}_{name}"] for name in ("median", "lower", "upper"))
    sd = (upper - lower) / 3.3  # of a normal law with these limits, to print as many digits as are known
    return f"{known_to(median, sd)} [{known_to(lower, sd)}, {known_to(upper, sd)}]"


def _scaled(scaled: pd.DataFrame) -> Table:
    ordered = scaled.sort_values("prior", ascending=False, kind="stable")
    rows = tuple(
        (str(name), fixed(row["prior"], 3), fixed(row["likelihood"], 3), fixed(row["shift"], 2), _diagnosed(row["diagnosis"]))
        for name, row in ordered.iterrows()
    )
    note = (
        "How far the posterior moves where prior or likelihood is raised to a power near 1; 0.05 is a move of the mean by about "
        "a quarter of a posterior standard deviation. shift: of the mean, in posterior standard deviations, for each doubling of "
        "the prior's power (Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5)."
    )
    columns = ("quantity", "prior", "likelihood", "shift", "diagnosis")
    return Table(note, columns, rows, name="power_scaling", data=scaled)


def _diagnosed(diagnosis: object) -> str:
    return "nothing to note" if diagnosis == QUIET else str(diagnosis)


PRIOR = Section("prior", "Prior beside posterior", _blocks)
