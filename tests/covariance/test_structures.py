import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES, find_structure
from tests.laws import problem, random_covariances, structures


def expected_log_likelihood(counts, scatter, covariances):
    """The part of the EM objective that covariances enter, from first principles."""
    precisions = np.linalg.inv(covariances)
    return -0.5 * (counts @ np.linalg.slogdet(covariances)[1] + np.einsum("kij,kji->", precisions, scatter))


@structures
@pytest.mark.parametrize("d", [1, 2, 4])
def test_no_perturbation_beats_the_m_step(code, d):
    rng, structure = np.random.default_rng(d), STRUCTURES[code]
    counts, normals = rng.uniform(5, 50, size=3), rng.standard_normal((3, d + 5, d))
    scatter = np.einsum("kni,knj->kij", normals, normals)
    best = structure.m_step(counts, scatter)
    top = expected_log_likelihood(counts, scatter, best)
    for step in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            # a random covariance of the structure, mixed in: the constraint sets here are convex
            other = (1 - step) * best + step * random_covariances(code, 3, d, rng)
            assert expected_log_likelihood(counts, scatter, other) < top


@structures
def test_compact_form_round_trip(code):
    structure, matrices = STRUCTURES[code], random_covariances(code, 3, 4, np.random.default_rng(1))
    compact = structure.compact(matrices)
    np.testing.assert_allclose(structure.expand(compact, 3, 4), matrices, rtol=1e-14)
    leading = () if structure.is_shared else (3,)
    assert compact.shape == leading + (4,) * len(structure.block.dims)
    np.testing.assert_allclose(
        structure.block.expand(structure.block.invert(compact), 4) @ structure.block.expand(compact, 4),
        np.broadcast_to(np.eye(4), (*leading, 4, 4)),
        atol=1e-12,
    )


@pytest.mark.parametrize("code", [code for code, structure in STRUCTURES.items() if structure.is_diagonal])
def test_diagonals_are_enough_for_diagonal_structures(code):
    structure = STRUCTURES[code]
    rng = np.random.default_rng(2)
    counts, normals = rng.uniform(5, 50, size=3), rng.standard_normal((3, 9, 4))
    scatter = np.einsum("kni,knj->kij", normals, normals)
    diagonals = np.diagonal(scatter, axis1=1, axis2=2)
    np.testing.assert_allclose(structure.m_step(counts, diagonals), structure.m_step(counts, scatter))


@pytest.mark.parametrize(
    ("code", "n_parameters"),
    [("EII", 8 + 1), ("VII", 8 + 3), ("EEI", 8 + 2), ("VVI", 8 + 6), ("EEE", 8 + 3), ("VVV", 8 + 9)],
)
def test_parameter_counts_of_mclust(code, n_parameters):
    assert bg.Specification(3, code).n_parameters(2) == n_parameters


def test_synonyms_of_scikit_learn():
    assert [find_structure(name).code for name in ("full", "tied", "diag", "spherical")] == ["VVV", "EEE", "VVI", "VII"]


def test_unknown_name_lists_the_known_and_suggests():
    with pytest.raises(ValueError, match=r"Unknown covariance structure 'ful'.*'VVV'.*Did you mean 'full'"):
        find_structure("ful")


@structures
def test_simulated_truth_has_the_structure_and_the_separation(code):
    _, _, truth = problem(code, separation=1.7)
    distances = [
        np.sqrt(delta @ np.linalg.solve((truth.covariances[k] + truth.covariances[m]) / 2, delta))
        for k in range(3)
        for m in range(k)
        for delta in [truth.means[k] - truth.means[m]]
    ]
    assert min(distances) == pytest.approx(1.7)
    bg.Mixture.from_parameters(truth.weights, truth.means, truth.covariances, code)
