"""The mixture and its precision matrices as PyMC distributions.

This floor knows PyTensor graphs: the likelihood with the component indicator summed out, with value and gradient from one pass
of the Numba kernel; the Wishart law in the convention of the priors; and the maps to the unconstrained space in which NUTS
walks. Random variables stay in the data's units; only their transforms standardise. Which priors a model has is decided in
``model.py``.
"""

from bayesgmm.density.correlation import LKJ, precision_factors
from bayesgmm.density.gram import Gram, inverse_of_factored
from bayesgmm.density.mixture import GaussianMixture, MixtureLogDensity
from bayesgmm.density.normal import FactoredNormal
from bayesgmm.density.one_pass import SOURCES
from bayesgmm.density.transforms import Affine, CholeskyFactor, CorrelationFactor, Simplex
from bayesgmm.density.wishart import Wishart, WishartKernel

__all__ = [
    "LKJ",
    "SOURCES",
    "Affine",
    "CholeskyFactor",
    "CorrelationFactor",
    "FactoredNormal",
    "GaussianMixture",
    "Gram",
    "MixtureLogDensity",
    "Simplex",
    "Wishart",
    "WishartKernel",
    "inverse_of_factored",
    "precision_factors",
]
