"""The components: how large, where, how wide; withheld where they may not be believed."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.numbers import count, known_to, percent, short, significant
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import REST, Belief, Block, Caution, Claim, Details, Picture, Table
from bayesgmm.reporting.pictures import COLUMN, WIDE, left_out, picture, thinned
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import denied, withheld
from bayesgmm.reporting.tables import limits

MATRIX_FEATURES = 4
TABLE_FEATURES = 10
MOST_CORRELATIONS = 45
TOLD_SIZES = 3
LONGEST = 80  # characters of a quantity's name
NOTE = "Posterior mean, and in brackets its 90% equal-tailed interval. A scale is a standard deviation."


def _blocks(analysis: Analysis) -> Iterator[Block]:
    if analysis.diagnosis.components_trusted:
        yield from _claims(analysis)
        yield from _tables(analysis)
    else:
        converged = analysis.diagnosis.converged
        reason = "components are not the same in every draw" if converged else denied(analysis)
        yield Claim("How large the components are, and where", "withheld", Belief.NO, reason)
        yield Caution(withheld(analysis))
    if analysis.observations.n_features > 1:
        yield _scatter(analysis)


def _claims(analysis: Analysis) -> Iterator[Claim]:
    if analysis.chosen > 1:
        weights = analysis.described("weight").sort_values("mean", ascending=False)
        told = [f"{percent(w['mean'])} [{percent(w['lower'])}, {percent(w['upper'])}]" for _, w in weights.iterrows()]
        more = f"; {count(len(told) - TOLD_SIZES, 'smaller one')}" if len(told) > TOLD_SIZES else ""
        yield Claim("How large the components are", "; ".join(told[:TOLD_SIZES]) + more, Belief.YES)
    widest = max(_relative_width(analysis, j) for j in range(analysis.observations.n_features))
    number = f"each mean known to ±{significant(0.5 * widest, 2)} standard deviations of its component"
    yield Claim("Where the components are", number, Belief.YES)


def _relative_width(analysis: Analysis, feature: int) -> float:
    """The widest interval of a mean beside the standard deviation within its component."""
    means, scales = analysis.described("mean", feature), analysis.described("scale", feature)
    return float(((means["upper"] - means["lower"]).to_numpy() / scales["mean"].to_numpy()).max())


def _tables(analysis: Analysis) -> Iterator[Block]:
    """Weights, means and scales; correlations for who opens them, where there are many."""
    table, k = analysis.components, analysis.chosen
    quantities = np.asarray(table.index.get_level_values("quantity")[::k])
    shown = plots.separating_features(analysis.em.mixture, TABLE_FEATURES)
    d, first = analysis.observations.n_features, int(k > 1)
    places = [*range(first), *(first + start + j for start in (0, d) for j in shown)]
    correlations = list(range(first + 2 * d, len(quantities)))
    told = f" Shown are the {len(shown)} features of {d} that separate the components of EM most; {REST}"
    cut = told if len(shown) < d else ""
    if len(correlations) <= len(shown):
        places, correlations = places + correlations, []
    title = "Weights, means and scales" if correlations else "What describes each component"
    yield _beside(table, quantities, places, k, NOTE + cut, title, "components", table)
    if correlations:
        strength = np.abs(table["mean"].to_numpy().reshape(-1, k)[correlations]).max(axis=1)
        strongest = sorted(np.asarray(correlations)[np.argsort(-strength, kind="stable")[:MOST_CORRELATIONS]].tolist())
        few = len(strongest) < len(correlations)
        note = f"Shown are the {len(strongest)} strongest of {len(correlations)}; {REST}" if few else ""
        block = _beside(table, quantities, strongest, k, note, "", "correlations", table.iloc[correlations[0] * k :])
        yield Details("Correlations within each component", (block,))


def _beside(
    table: pd.DataFrame,
    quantities: "np.ndarray[tuple[int], np.dtype[np.object_]]",
    places: list[int],
    k: int,
    note: str,
    title: str,
    name: str,
    data: pd.DataFrame,
) -> Table:
    """One row a quantity, one column a component."""
    cells = [
        [f"{known_to(row['mean'], row['sd'])} [{limits(row)}]" for _, row in table.iloc[i * k : (i + 1) * k].iterrows()]
        for i in places
    ]
    rows = tuple((short(str(quantities[i]), LONGEST), *own) for i, own in zip(places, cells, strict=True))
    columns = ("quantity", *(f"component {component}" for component in range(k)))
    return Table(note, columns, rows, title=title, name=name, data=data)


def _scatter(analysis: Analysis) -> Picture:
    """Pairs of features with ellipses, or with contours where components may not be believed."""
    observations, trusted = analysis.observations, analysis.diagnosis.components_trusted
    mixture = analysis.em.mixture
    shown = plots.separating_features(mixture, MATRIX_FEATURES)

    def paint(figure: Figure) -> None:
        plots.scatter_matrix(figure, observations, analysis.posterior.draws, shown, mixture, trusted)

    if trusted:
        caption = (
            "Each thin ellipse holds 90% of a component in one draw from the posterior, about 100 draws a component: the width "
            "of a band is the uncertainty. Dashed: EM. A row has the colour and marker of its most probable component; hollow "
            "where that has less than 90%. On the diagonal the density of each feature, as in the section on it."
        )
    else:
        caption = (
            "Rows, and contours of the posterior mean density that enclose half and nine tenths of them. No components are "
            "drawn, since they may not be believed. On the diagonal the density of each feature."
        )
    caption += left_out(analysis, shown) + thinned(analysis)
    width, height = (COLUMN, 5.8) if len(shown) == 2 else (WIDE, 0.85 * WIDE)
    return picture("scatter", paint, height, "Scatter of the rows with the fitted mixture.", caption, width)


COMPONENTS = Section("components", "The components", _blocks)
