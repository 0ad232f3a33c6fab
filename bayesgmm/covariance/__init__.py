"""Covariance structures: parameter counts, M-steps and forms, one registry. A new structure is one file and one line here."""

from bayesgmm.covariance.blocks import Block, Diagonal, Full, Spherical, standardised
from bayesgmm.covariance.equal_volume import EqualVolume
from bayesgmm.covariance.own_axes import OwnAxes
from bayesgmm.covariance.proportional import Proportional
from bayesgmm.covariance.separate import Separate
from bayesgmm.covariance.shared import Shared
from bayesgmm.covariance.shared_axes import SharedAxes, axes_of_all
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
    "axes_of_all",
    "find_structure",
    "standardised",
]

_EEI, _VVI = Shared("EEI", ("tied_diag",), Diagonal()), Separate("VVI", ("diag",), Diagonal())
_VEI, _EVI = Proportional("VEI", (), Diagonal()), EqualVolume("EVI", (), Diagonal())

STRUCTURES: dict[str, Structure] = {  # in mclust's order: volume, shape and orientation are E(qual), V(arying) or I(dentity)
    structure.code: structure
    for structure in (
        Shared("EII", ("tied_spherical", "E"), Spherical()),
        Separate("VII", ("spherical", "V"), Spherical()),
        _EEI,
        _VEI,
        _EVI,
        _VVI,
        Shared("EEE", ("tied",), Full()),
        Proportional("VEE", (), Full()),
        SharedAxes("EVE", (), Full(), _EVI),
        SharedAxes("VVE", (), Full(), _VVI),
        OwnAxes("EEV", (), Full(), _EEI),
        OwnAxes("VEV", (), Full(), _VEI),
        EqualVolume("EVV", (), Full()),
        Separate("VVV", ("full",), Full()),
    )
}
_BY_NAME = {name: structure for structure in STRUCTURES.values() for name in (structure.code, *structure.synonyms)}


def find_structure(name: str) -> Structure:
    """The structure of a name: mclust's code or scikit-learn's word."""
    return _BY_NAME[known_name(name, "covariance structure", _BY_NAME)]
