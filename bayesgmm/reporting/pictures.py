"""The pictures of a report, each an SVG in memory with what it shows in words."""

import io
import math
import warnings
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.numbers import count

WIDTH = 7.6  # inches: the column of the page
MATRIX_FEATURES = 4
DENSITY_FEATURES = 9
DOTS_PER_INCH = 200  # of what is drawn as dots: bands, traces, many points


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes
    ----------
    svg : bytes
        A document of its own; text stays text.
    alt : str
        For who cannot see it.
    caption : str
    """

    svg: bytes
    alt: str
    caption: str


def selection(analysis: Analysis) -> Picture | None:
    """Criteria over the number of components; None where one number was tried."""
    table = analysis.selection.table
    if len(table) == 1:
        return None
    figure = _figure(2.9)
    left, right = figure.subplots(1, 2)
    plots.criterion(left, table, "bic", analysis.chosen)
    plots.elpd_difference(right, table, analysis.chosen)
    caption = (
        "BIC of the maximum-likelihood fits, and the expected log predictive density by leave-one-out of the posteriors as the "
        "difference to the best, with one standard error of that difference. The grey bar is the number reported on; "
        "hollow points are fits whose chains have not converged."
    )
    return Picture(_svg(figure), "BIC and leave-one-out accuracy over the number of components.", caption)


def chains(analysis: Analysis) -> Picture:
    """Whether the chains agree on the log-likelihood."""
    draws = analysis.candidate.posterior.total_log_likelihood
    figure = _figure(2.7)
    left, right = figure.subplots(1, 2)
    plots.trace(left, draws)
    plots.ranks(right, draws)
    caption = (
        "Log-likelihood, which no relabelling changes: its trace in each chain, and how the ranks of each chain among all draws "
        "are spread. Chains that agree overlap on the left and stay near the line on the right."
    )
    return Picture(_svg(figure), f"Trace and rank plot of the log-likelihood in {len(draws)} chains.", caption)


def scatter(analysis: Analysis) -> Picture | None:
    """Pairs of features with ellipses, or with contours where components may not be believed; None for one feature."""
    observations, trusted = analysis.observations, analysis.diagnosis.components_trusted
    if observations.n_features == 1:
        return None
    mixture = analysis.em.mixture
    shown = plots.separating_features(mixture, MATRIX_FEATURES)
    figure = _figure(5.0 if len(shown) == 2 else WIDTH * 0.9)
    plots.scatter_matrix(figure, observations, analysis.posterior.draws, shown, mixture, trusted)
    if trusted:
        caption = (
            "Each thin ellipse holds 90% of a component in one draw from the posterior, about 100 draws a component: the width "
            "of a band is the uncertainty. Dashed: EM. A row has the colour and marker of its most probable component; hollow "
            "where that has less than 90%."
        )
    else:
        caption = (
            "Rows, and contours of the posterior mean density that enclose half and nine tenths of them. No components are "
            "drawn, since they may not be believed."
        )
    return Picture(
        _svg(figure), "Scatter of the rows with the fitted mixture.", caption + _left_out(analysis, shown) + _thinned(analysis)
    )


def density(analysis: Analysis) -> Picture:
    """The density of each feature with its uncertainty."""
    observations, trusted = analysis.observations, analysis.diagnosis.components_trusted
    mixture, draws = analysis.em.mixture, analysis.posterior.draws
    shown = plots.separating_features(mixture, DENSITY_FEATURES)
    columns = min(len(shown), 2 if len(shown) in (2, 4) else 3)
    rows = math.ceil(len(shown) / columns)
    figure = _figure(0.4 + rows * (3.6 if columns == 1 else 2.7))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, feature in zip(grid, shown, strict=False):
        plots.density(ax, observations, draws, feature, mixture, show_components=trusted and draws.n_components > 1)
    for ax in grid[len(shown) :]:
        ax.set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=min(len(handles), 6), frameon=False, fontsize="small")
    caption = (
        "Histogram of the rows; posterior mean of the density and its pointwise 90% band; dashed, the density at EM's estimate."
    )
    if trusted and draws.n_components > 1:
        caption += " Filled: the posterior mean of each component, times its weight."
    return Picture(_svg(figure), "Density of each feature with a band of uncertainty.", caption + _left_out(analysis, shown))


def pareto_k(analysis: Analysis) -> Picture:
    """Where leave-one-out may be believed."""
    loo = analysis.loo
    figure = _figure(2.6)
    plots.pareto_k(figure.subplots(), np.asarray(loo.pareto_k), float(loo.good_k))
    caption = f"Pareto k of each row; the dashed line is {loo.good_k:.2f}, above which the estimate is not reliable."
    return Picture(_svg(figure), "Pareto k of each row, with the threshold.", caption)


def _left_out(analysis: Analysis, shown: tuple[int, ...]) -> str:
    names = [name for j, name in enumerate(analysis.observations.names) if j not in shown]
    if not names:
        return ""
    told = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f" Shown are the {count(len(shown), 'feature')} that separate the components of EM most; left out: {told}."


def _thinned(analysis: Analysis) -> str:
    n, most = analysis.observations.n_observations, plots.MOST_ROWS
    return f" Of the {n:,} rows {most:,}, evenly spaced, are drawn." if n > most else ""


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), layout="constrained")


def _svg(figure: Figure) -> bytes:
    """The figure as SVG: text as text, and the same bytes each time."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bayesgmm"}), warnings.catch_warnings():
        # The reader's fonts print what matplotlib's own font lacks, such as other scripts in the names of columns.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        figure.savefig(buffer, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    return buffer.getvalue()
