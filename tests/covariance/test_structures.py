import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES, find_structure
from tests.laws import problem, random_covariances, structures


def expected_log_likelihood(counts, scatter, covariances):
    """The part of the EM objective that covariances enter, from first principles."""
    precisions = np.linalg.inv(covariances)
    return -0.5 * (counts @ np.linalg.slogdet(covariances)[1] + np.einsum("kij,kji->", precisions, scatter))


def some_statistics(n_components, d, rng):
    counts, normals = rng.uniform(d + 1, 50, size=n_components), rng.standard_normal((n_components, d + 5, d))
    shapes = np.exp(rng.normal(size=(n_components, 1, d)))
    return counts, np.einsum("kni,knj->kij", normals * shapes, normals * shapes)


@structures
@pytest.mark.parametrize("d", [1, 2, 4])
def test_no_perturbation_beats_the_m_step(code, d):
    rng, structure = np.random.default_rng(d), STRUCTURES[code]
    counts, scatter = some_statistics(3, d, rng)
    best = structure.m_step(counts, scatter)
    top = expected_log_likelihood(counts, scatter, best)
    for step in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            other = structure.tied((1 - step) * best + step * random_covariances(code, 3, d, rng))
            assert expected_log_likelihood(counts, scatter, other) < top


@structures
@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_m_step_is_highest_from_whichever_side_it_is_searched(code, d):
    """No member of the structure is higher, and a search from any of them ends no lower than it began."""
    rng, structure = np.random.default_rng(d), STRUCTURES[code]
    counts, scatter = some_statistics(3, d, rng)
    top = expected_log_likelihood(counts, scatter, structure.m_step(counts, scatter))
    for _ in range(20):
        other = random_covariances(code, 3, d, rng)
        climbed = expected_log_likelihood(counts, scatter, structure.m_step(counts, scatter, near=other))
        assert expected_log_likelihood(counts, scatter, other) <= climbed <= top + 1e-9 * abs(top)


@structures
def test_what_is_of_the_structure_stays_as_it_is(code):
    rng, structure = np.random.default_rng(3), STRUCTURES[code]
    matrices = random_covariances(code, 4, 3, rng)
    np.testing.assert_allclose(structure.tied(matrices), matrices, rtol=1e-9, atol=1e-12)
    counts = rng.uniform(1, 9, size=4)
    np.testing.assert_allclose(structure.m_step(counts, counts[:, None, None] * matrices), matrices, rtol=1e-9, atol=1e-12)


@structures
def test_volume_shape_and_orientation_are_those_of_the_code(code):
    """Sigma_k = lambda_k D_k A_k D_k' with |A_k| = 1, read off the eigenvalues and eigenvectors."""
    matrices = random_covariances(code, 3, 4, np.random.default_rng(4))
    sizes, axes = np.linalg.eigh(matrices)
    if code[2] == "I":
        sizes, axes = np.diagonal(matrices, axis1=1, axis2=2), np.broadcast_to(np.eye(4), (3, 4, 4))
    volumes = np.exp(np.log(sizes).mean(axis=1))
    shapes = sizes / volumes[:, None]
    turned = np.abs(axes[0].T @ axes)  # the axes of all in those of the first

    def alike(values):
        return np.allclose(values, values[:1], rtol=1e-7)

    assert alike(volumes) == (code[0] == "E")
    assert alike(shapes) == (code[1] in "EI")
    assert np.allclose(shapes, 1) == (code[1] == "I")
    assert (np.allclose(np.sort(turned, axis=1)[:, :-1], 0, atol=1e-6)) == (code[2] != "V")


@pytest.mark.parametrize("code", ["EVE", "VVE"])
def test_common_axes_are_those_of_a_search_over_all_rotations(code):
    structure, rng = STRUCTURES[code], np.random.default_rng(5)
    counts, scatter = some_statistics(4, 3, rng)
    top = expected_log_likelihood(counts, scatter, structure.m_step(counts, scatter))

    def loss(angles):
        axes = Rotation.from_rotvec(angles).as_matrix()
        variances = np.diagonal(structure.along.m_step(counts, axes.T @ scatter @ axes), axis1=1, axis2=2)
        return -expected_log_likelihood(counts, scatter, (axes * variances[:, None]) @ axes.T)

    assert top == pytest.approx(-min(minimize(loss, rng.normal(size=3)).fun for _ in range(20)), abs=1e-5)


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


# mclust's nMclustParams(code, d, G) for (d, G) = (4, 3) and (2, 5)
N_PARAMETERS = {
    "EII": (15, 15),
    "VII": (17, 19),
    "EEI": (18, 16),
    "VEI": (20, 20),
    "EVI": (24, 20),
    "VVI": (26, 24),
    "EEE": (24, 17),
    "VEE": (26, 21),
    "EVE": (30, 21),
    "VVE": (32, 25),
    "EEV": (36, 21),
    "VEV": (38, 25),
    "EVV": (42, 25),
    "VVV": (44, 29),
}


@structures
def test_parameter_counts_of_mclust(code):
    assert tuple(bg.Specification(k, code).n_parameters(d) for d, k in [(4, 3), (2, 5)]) == N_PARAMETERS[code]


def test_names_of_mclust_in_one_dimension():
    assert [find_structure(name).code for name in ("E", "V")] == ["EII", "VII"]
    for code in STRUCTURES:  # in which volume is all there is
        n_variances = bg.Specification(3, code).n_parameters(1) - 5
        assert n_variances == (1 if code[0] == "E" else 3)


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
