"""What fits to other samples say about a fit: standard errors and intervals, and whether one more component is needed."""

from bayesgmm.uncertainty.likelihood_ratio import (
    LikelihoodRatioTest,
    SequentialTest,
    likelihood_ratio_test,
    sequential_likelihood_ratio_tests,
)
from bayesgmm.uncertainty.resampling import Bootstrap, Parameters, bootstrap

__all__ = [
    "Bootstrap",
    "LikelihoodRatioTest",
    "Parameters",
    "SequentialTest",
    "bootstrap",
    "likelihood_ratio_test",
    "sequential_likelihood_ratio_tests",
]
