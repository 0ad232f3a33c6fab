"""The posterior density of a mixture over vectors of real numbers: the coordinates, and the density with its gradient there."""

from bayesgmm.coordinates.points import Coordinates, Points
from bayesgmm.coordinates.target import Target

__all__ = ["Coordinates", "Points", "Target"]
