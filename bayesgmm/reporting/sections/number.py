"""How many components: what each criterion says of every number that was tried."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Picture, Points
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sentences import denied, edge
from bayesgmm.reporting.tables import numbers_of_components


def _blocks(analysis: Analysis) -> Iterator[Block]:
    yield _claim(analysis)
    yield Points(analysis.selection.reasons)
    at_edge = edge(analysis)
    if at_edge:
        yield Caution(at_edge)
    if len(analysis.selection.candidates) > 1:
        yield _criteria(analysis)
    yield numbers_of_components(analysis.selection)


def _claim(analysis: Analysis) -> Claim:
    selection, tried = analysis.selection, sorted(analysis.selection.candidates)
    if not analysis.diagnosis.converged:
        belief, reason = Belief.NO, denied(analysis)
    elif len(tried) == 1:
        belief, reason = Belief.CARE, "no other number was tried"
    elif selection.by_bic is None:
        belief, reason = Belief.CARE, "every fit by EM collapsed"
    elif selection.by_loo != selection.chosen:
        belief, reason = Belief.CARE, f"BIC says so, leave-one-out prefers {selection.by_loo}"
    elif edge(analysis):
        belief, reason = Belief.CARE, "it is the largest number tried"
    else:
        belief, reason = Belief.YES, "BIC and leave-one-out agree"
    return Claim("How many components describe the rows best", f"{analysis.chosen}, of {_told(tried)} tried", belief, reason)


def _told(numbers: list[int]) -> str:
    """1 to 5, where nothing is missing between; else all of them."""
    first, last = numbers[0], numbers[-1]
    whole = len(numbers) > 2 and numbers == list(range(first, last + 1))
    return f"{first} to {last}" if whole else ", ".join(map(str, numbers))


def _criteria(analysis: Analysis) -> Picture:
    table = analysis.selection.table

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.criterion(left, table, "bic", analysis.chosen)
        plots.elpd_difference(right, table, analysis.chosen)

    caption = (
        "BIC of the maximum-likelihood fits, and the expected log predictive density by leave-one-out of the posteriors as the "
        "difference to the best, with one standard error of that difference. The grey bar is the number reported on; "
        "hollow points are fits whose chains have not converged."
    )
    return picture("criteria", paint, 2.9, "BIC and leave-one-out accuracy over the number of components.", caption)


NUMBER = Section("number", "How many components", _blocks)
