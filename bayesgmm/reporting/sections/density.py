"""The density of each feature with its uncertainty: what may be believed even where components may not."""

import math
from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.draws import equal_tailed
from bayesgmm.numbers import significant
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Picture
from bayesgmm.reporting.components import PROB
from bayesgmm.reporting.pictures import COLUMN, WIDE, left_out, picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import FIRST_LOOK, denied
from bayesgmm.table import evenly

MOST_FEATURES = 9
CLAIM_ROWS, CLAIM_DRAWS = 200, 1000  # from which the claim is made


def _blocks(analysis: Analysis) -> Iterator[Block]:
    yield _claim(analysis)
    if not analysis.diagnosis.converged:
        yield Caution(FIRST_LOOK)
    yield _densities(analysis)


def _claim(analysis: Analysis) -> Claim:
    values = analysis.observations.values
    rows = evenly(len(values), CLAIM_ROWS)
    log_density = analysis.posterior.draws.at_most(CLAIM_DRAWS).log_density(np.ascontiguousarray(values[rows]))
    lower, upper = equal_tailed(log_density.reshape(-1, len(rows)), PROB)
    known = float(np.median(np.exp((upper - lower) / 2)))
    belief = Belief.YES if analysis.diagnosis.converged else Belief.NO
    reason = "" if analysis.diagnosis.converged else denied(analysis)
    return Claim("How dense rows are, anywhere", f"known to a factor of {significant(known, 3)} at a typical row", belief, reason)


def _densities(analysis: Analysis) -> Picture:
    observations, draws, mixture = analysis.observations, analysis.posterior.draws, analysis.em.mixture
    by_component = analysis.diagnosis.components_trusted and draws.n_components > 1
    shown = plots.separating_features(mixture, MOST_FEATURES)
    columns = min(len(shown), 2 if len(shown) in (2, 4) else 3)
    rows = math.ceil(len(shown) / columns)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, feature in zip(grid, shown, strict=False):
            plots.density(ax, observations, draws, feature, mixture, show_components=by_component)
        for ax in grid[len(shown) :]:
            ax.set_visible(False)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=min(len(handles), 6), frameon=False, fontsize="small")

    caption = (
        "Histogram of the rows; posterior mean of the density and its pointwise 90% band; dashed, the density at EM's estimate."
    )
    if by_component:
        caption += " Filled: the posterior mean of each component, times its weight."
    alt, height = "Density of each feature with a band of uncertainty.", 0.4 + rows * (3.6 if columns == 1 else 2.7)
    width = WIDE if len(shown) > 2 else COLUMN
    return picture("density", paint, height, alt, caption + left_out(analysis, shown), width)


DENSITY = Section("density", "The density", _blocks)
