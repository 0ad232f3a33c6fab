"""Where chains begin."""

import numpy as np

import bayesgmm as bg
from bayesgmm.collapse import FLAT_SHARE
from bayesgmm.engines.starts import chain_starts
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.streams import seed_sequence


def test_no_chain_begins_on_a_hyperplane():
    """29 irises have a petal of exactly 0.2 cm: from there a chain of this seed's third start never came back."""
    observations = Observations.from_data(bg.load_dataset("iris").drop(columns="species"))
    specification = Specification(3, "full", bg.Prior.weakly_informative(observations))
    for mixture, _ in chain_starts(observations, specification, None, 4, seed_sequence(0)):
        sizes = np.linalg.eigvals(np.linalg.solve(observations.covariance, mixture.covariances)).real
        assert sizes.min() > FLAT_SHARE
