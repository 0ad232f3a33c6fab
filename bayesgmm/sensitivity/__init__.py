"""How far answers hang on the prior: the number of groups under several, the prior's power, the prior beside the posterior."""

from bayesgmm.sensitivity.beside import prior_beside_posterior
from bayesgmm.sensitivity.number import prior_sensitivity
from bayesgmm.sensitivity.powers import power_scaling
from bayesgmm.sensitivity.simulated import prior_predictive

__all__ = ["power_scaling", "prior_beside_posterior", "prior_predictive", "prior_sensitivity"]
