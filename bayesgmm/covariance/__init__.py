"""Covariance structures: parameter counts, M-steps and forms, one registry. A new structure is one file and one line here."""

from bayesgmm.covariance.blocks import Block, Diagonal, Full, Spherical, standardised
from bayesgmm.covariance.separate import Separate
from bayesgmm.covariance.shared import Shared
from bayesgmm.covariance.structure import PseudoObservations, Structure
from bayesgmm.validation import known_name

__all__ = [
    "STRUCTURES",
    "Block",
    "Diagonal",
    "Full",
    "PseudoObservations",
    "Spherical",
    "Structure",
    "find_structure",
    "standardised",
]

STRUCTURES: dict[str, Structure] = {
    structure.code: structure
    for structure in (
        Shared("EII", ("tied_spherical",), Spherical()),
        Separate("VII", ("spherical",), Spherical()),
        Shared("EEI", ("tied_diag",), Diagonal()),
        Separate("VVI", ("diag",), Diagonal()),
        Shared("EEE", ("tied",), Full()),
        Separate("VVV", ("full",), Full()),
    )
}
_BY_NAME = {name: structure for structure in STRUCTURES.values() for name in (structure.code, *structure.synonyms)}


def find_structure(name: str) -> Structure:
    """The structure of a name: mclust's code or scikit-learn's word."""
    return _BY_NAME[known_name(name, "covariance structure", _BY_NAME)]
