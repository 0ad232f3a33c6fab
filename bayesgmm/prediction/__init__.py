"""What can be said with a fitted mixture: conditional laws, distribution functions, regions, clusters, and how well it foretells.

Everything here takes a Mixture and data in the units it was fitted in, and knows nothing of where the mixture came from; only
:func:`bayesgmm.cross_validate` fits, by EM.
"""

from bayesgmm.prediction.clusters import Merging, merge_components, uncertainty
from bayesgmm.prediction.conditioning import Regression, conditional, regression
from bayesgmm.prediction.distribution import cdf, quantile
from bayesgmm.prediction.held_out import CrossValidation, cross_validate, score
from bayesgmm.prediction.regions import DensityLevel, density_level, outlier_scores

__all__ = [
    "CrossValidation",
    "DensityLevel",
    "Merging",
    "Regression",
    "cdf",
    "conditional",
    "cross_validate",
    "density_level",
    "merge_components",
    "outlier_scores",
    "quantile",
    "regression",
    "score",
    "uncertainty",
]
