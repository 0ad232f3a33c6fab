"""The sections of a report, in the order in which it has them: each one file, and this is the registry."""

from bayesgmm.reporting.sections.calibration import CALIBRATION
from bayesgmm.reporting.sections.components import COMPONENTS
from bayesgmm.reporting.sections.convergence import CONVERGENCE
from bayesgmm.reporting.sections.data import DATA
from bayesgmm.reporting.sections.density import DENSITY
from bayesgmm.reporting.sections.engines import ENGINES_BESIDE
from bayesgmm.reporting.sections.groups import GROUPS
from bayesgmm.reporting.sections.making import MAKING
from bayesgmm.reporting.sections.number import NUMBER
from bayesgmm.reporting.sections.prediction import PREDICTION
from bayesgmm.reporting.sections.prior import PRIOR
from bayesgmm.reporting.sections.rows import ROWS
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.sections.summary import SUMMARY
from bayesgmm.reporting.sections.words import WORDS

__all__ = ["SECTIONS", "Section"]

SECTIONS: dict[str, Section] = {
    section.name: section
    for section in (
        SUMMARY,
        DATA,
        NUMBER,
        CONVERGENCE,
        COMPONENTS,
        ROWS,
        GROUPS,
        DENSITY,
        CALIBRATION,
        PREDICTION,
        ENGINES_BESIDE,
        PRIOR,
        MAKING,
        WORDS,
    )
}
