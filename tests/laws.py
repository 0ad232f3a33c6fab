"""What the laws run over: every registry, and small problems in which each entry makes sense."""

from functools import partial

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES
from bayesgmm.prior import FAMILIES


def half_normal_scales(X, covariance, weights_concentration=1.0):
    """The family ``lkj`` with its other law of scales."""
    X = np.asarray(X)
    ranges = np.ptp(X, axis=0)
    return bg.Prior.lkj(weights_concentration, X.min(axis=0) + ranges / 2, ranges, "half_normal", 0.0, ranges / 8, 1.5)


def mclust_defaults(X, covariance, weights_concentration=1.0):
    return bg.Prior.mclust(X, 3, covariance, weights_concentration)


PRIORS = {name: partial(bg.Prior.weakly_informative, family=name) for name in FAMILIES} | {
    "lkj, half-normal scales": half_normal_scales,
    "mclust": mclust_defaults,
}

BAYESIAN = [code for code, structure in STRUCTURES.items() if not structure.why_no_prior]

structures = pytest.mark.parametrize("code", list(STRUCTURES))
structures_both_ways = pytest.mark.parametrize(
    ("code", "with_prior"), [(code, False) for code in STRUCTURES] + [(code, True) for code in BAYESIAN]
)
structures_with_priors = pytest.mark.parametrize("code", BAYESIAN)
priors = pytest.mark.parametrize("make_prior", PRIORS.values(), ids=PRIORS)


def problem(code, n=300, n_components=3, n_features=3, seed=0, separation=2.5):
    """Simulated data from a mixture of the structure, with its truth."""
    return bg.simulate(n, n_components, n_features, separation, seed, covariance=code)


def random_covariances(code, n_components, n_features, rng):
    structure = STRUCTURES[code]
    normals = rng.standard_normal((n_components, n_features + 3, n_features))
    return structure.m_step(np.full(n_components, n_features + 3.0), np.einsum("kni,knj->kij", normals, normals))


def units_of(code):
    """New units of three features in which data of the structure still have it: each its own where axes may be stretched."""
    stretches = (code[2] == "I" and code[1] != "I") or code in ("EEE", "VEE", "EVV", "VVV")
    return np.array([1e-8, 1.0, 1e8]) if stretches else np.full(3, 1e-8)
