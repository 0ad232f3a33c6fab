"""What the laws run over: every registry, and small problems in which each entry makes sense."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES

structures = pytest.mark.parametrize("code", list(STRUCTURES))


def problem(code, n=300, n_components=3, n_features=3, seed=0, separation=2.5):
    """Simulated data from a mixture of the structure, with its truth."""
    return bg.simulate(n, n_components, n_features, separation, seed, covariance=code)


def random_covariances(code, n_components, n_features, rng):
    structure = STRUCTURES[code]
    normals = rng.standard_normal((n_components, n_features + 3, n_features))
    return structure.m_step(np.full(n_components, n_features + 3.0), np.einsum("kni,knj->kij", normals, normals))
