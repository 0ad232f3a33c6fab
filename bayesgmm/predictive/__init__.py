"""What a posterior says of data to come: data sets, the density with its bands and modes, features given others, tests of it all.

Nothing here speaks of components, so that it may be used wherever the chains have converged, whatever the labels do; where they
have not there is a warning.
"""

from bayesgmm.predictive.bands import cdf, density
from bayesgmm.predictive.conditioning import conditional
from bayesgmm.predictive.pit import loo_pit
from bayesgmm.predictive.replicates import by_feature, posterior_predictive
from bayesgmm.predictive.summits import Modes, modes

__all__ = ["Modes", "by_feature", "cdf", "conditional", "density", "loo_pit", "modes", "posterior_predictive"]
