"""p-values of the bootstrap likelihood-ratio test are uniform where the smaller model is true.

McLachlan's p-value is one of 1/100 to 1; between these, and among ties, a place is drawn, which is exactly uniform where the
statistic is exchangeable with its replicates: that is so in so far as the fit of the null stands for the truth.
"""

import numpy as np
import pytest
from scipy.stats import kstest

import bayesgmm as bg
from bayesgmm.uncertainty import likelihood_ratio_test
from tests.calibration.results import PROPERTY, row
from tests.calibration.simulations import SEED

N_SIMULATIONS, N_BOOTSTRAP, N_OBSERVATIONS = 200, 99, 200
FALSE_ALARM = 1e-4
TRUTH = bg.Mixture.from_parameters([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]], "EII")


@pytest.mark.calibration
def test_p_values_are_uniform_under_a_separated_null(record_property):
    """Two groups five standard deviations apart, 200 rows, tested against three."""
    places = []
    for simulation in range(N_SIMULATIONS):
        seed = np.random.SeedSequence(SEED, spawn_key=(simulation,))
        X, _ = TRUTH.sample(N_OBSERVATIONS, seed)
        test = likelihood_ratio_test(X, 2, "EII", N_BOOTSTRAP, n_init=1, seed=seed, progress=False)
        assert len(test.bootstrap) == N_BOOTSTRAP
        places.append(place(test, np.random.default_rng(seed)))
    found = kstest(places, "uniform")
    is_uniform = found.pvalue > FALSE_ALARM
    record_property(
        PROPERTY,
        row(
            check="likelihood ratio",
            engine="em",
            structure="EII",
            n_components=TRUTH.n_components,
            n_features=TRUTH.n_features,
            n_observations=N_OBSERVATIONS,
            quantity=f"p-value of {N_BOOTSTRAP} replicates",
            count=N_SIMULATIONS,
            worst=float(found.statistic),
            p_value=float(found.pvalue),
            verdict="calibrated" if is_uniform else "not uniform",
        ),
    )
    assert is_uniform, found


def place(test, rng):
    """Where the statistic stands from the largest of the bootstrap's, from 0 to 1; among equals a place is drawn."""
    larger, equal = np.count_nonzero(test.bootstrap > test.statistic), np.count_nonzero(test.bootstrap == test.statistic)
    return (larger + rng.random() * (1 + equal)) / (1 + len(test.bootstrap))
