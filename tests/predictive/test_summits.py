"""Modes beside a search on a fine grid, and beside the exact ones of a single line."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import maximum_filter
from scipy.optimize import minimize

import bayesgmm as bg
from bayesgmm.covariance import find_structure
from bayesgmm.draws import Draws
from bayesgmm.prediction.line import Line
from bayesgmm.predictive import modes
from bayesgmm.predictive.ascent import modes_of

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.posterior.UnconvergedWarning")  # of draws by hand, or few of them


def random_draws(n, k, d, seed):
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((1, n, k, d + 2, d))
    covariances = 0.25 * np.swapaxes(normals, -1, -2) @ normals
    return Draws(rng.dirichlet(np.ones(k), (1, n)), rng.normal(0, 2, (1, n, k, d)), covariances, find_structure("full"))


def test_on_a_line_they_are_those_of_each_line():
    draws = random_draws(60, 4, 1, seed=1)
    found = modes_of(draws)
    assert len({len(one) for one in found}) > 2
    for s, one in enumerate(found):
        exact = Line.of(draws.mixture(0, s), "A mode").turning_points[0]
        np.testing.assert_allclose(one[:, 0], exact, atol=1e-8)


def by_search(m, cells=301):
    """Modes of a mixture of two features: SciPy's climbs from every local maximum of a grid."""
    spread = 3 * np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2))
    low, high = (m.means - spread).min(axis=0), (m.means + spread).max(axis=0)
    axes = [np.linspace(low[j], high[j], cells) for j in range(2)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    density = m.log_density(points.reshape(-1, 2)).reshape(cells, cells)
    tops = [
        minimize(lambda x: -m.log_density(x[None])[0], start, tol=1e-9).x
        for start in points[maximum_filter(density, size=3) == density]
    ]
    return np.unique(np.round(tops, 3), axis=0)


def test_in_two_features_they_are_those_of_a_search():
    """Thirty mixtures of three components, for which every mode of the grid can be reached from a mean."""
    draws = random_draws(30, 3, 2, seed=2)
    found = modes_of(draws)
    assert len({len(one) for one in found}) == 3
    for s, one in enumerate(found):
        expected = by_search(draws.mixture(0, s))
        assert len(one) == len(expected)
        np.testing.assert_allclose(one[one[:, 0].argsort()], expected, atol=2e-3)


def test_more_modes_than_components_are_not_all_reached():
    """Two long normals that cross have a third mode at the crossing (Ray & Lindsay 2005, figure 2), as the docstring says."""
    m = bg.Mixture.from_parameters([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]], [np.diag([1.0, 0.05]), np.diag([0.05, 1.0])])
    draws = Draws(m.weights[None, None], m.means[None, None], m.covariances[None, None], m.structure)
    assert len(by_search(m)) == 3
    assert len(modes_of(draws)[0]) == 2


@pytest.mark.parametrize("d", [2, 5])
def test_gradients_are_zero_and_curvatures_negative(d):
    draws = random_draws(20, 4, d, seed=3)
    rng = np.random.default_rng(0)
    for s, points in enumerate(modes_of(draws)):
        m = draws.mixture(0, s)
        for x in points:
            near = x + 1e-3 * rng.standard_normal((200, d))
            assert m.log_density(near).max() < m.log_density(x[None])[0]


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize(("factor", "shift"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e4)])
def test_units_do_not_matter(d, factor, shift):
    draws = random_draws(30, 3, d, seed=4)
    moved = Draws(draws.weights, factor * draws.means + shift, factor**2 * draws.covariances, draws.structure)
    for one, other in zip(modes_of(draws), modes_of(moved), strict=True):
        np.testing.assert_allclose((other - shift) / factor, one, atol=1e-6)


@pytest.mark.parametrize("d", [1, 2])
def test_components_alike_or_empty_or_permuted(d):
    draws = random_draws(10, 3, d, seed=5)
    once = modes_of(draws)
    halves = Draws(
        np.concatenate([draws.weights / 2] * 2, axis=2),
        *(np.concatenate([part] * 2, axis=2) for part in (draws.means, draws.covariances)),
        draws.structure,
    )
    weights = np.concatenate([draws.weights, np.zeros((1, 10, 3))], axis=2)
    empty = replace(halves, weights=weights, means=np.concatenate([draws.means, 0 * draws.means], axis=2))
    turned = draws.permuted(np.broadcast_to([2, 0, 1], (1, 10, 3)))
    for other in (halves, empty, turned):
        for found, expected in zip(modes_of(other), once, strict=True):
            order, other_order = expected[:, 0].argsort(), found[:, 0].argsort()
            np.testing.assert_allclose(found[other_order], expected[order], atol=1e-6)


def test_a_symmetric_saddle_is_no_mode():
    """A narrow component of next to no weight between two wide ones: its mean is a stationary point, and is left."""
    m = bg.Mixture.from_parameters([0.5, 0.5, 0.0], [[-2.0, 0.0], [2.0, 0.0], [0.0, 0.0]], [np.eye(2)] * 3)
    weights = np.array([0.499999, 0.499999, 2e-6])
    draws = Draws(weights[None, None], m.means[None, None], m.covariances[None, None], m.structure)
    found = modes_of(draws)[0]
    np.testing.assert_allclose(np.sort(np.abs(found[:, 0])), [1.998, 1.998], atol=2e-3)


def test_probabilities_and_places(faithful):
    found = modes(faithful, n_draws=400, prob=0.8)
    assert found.counts.shape == (4, 100)
    assert found.probabilities["probability"].sum() == pytest.approx(1)
    assert found.number == 2
    assert found.probabilities.loc[2, "probability"] > 0.99
    table = found.table
    np.testing.assert_allclose(table["mean"], [2.036, 54.49, 4.288, 79.96], atol=0.15)
    assert ((table["lower"] < table["mean"]) & (table["mean"] < table["upper"])).all()
    assert table.index.names == ["mode", "feature"]
    assert "Where they are, given 2" in str(found)


def test_places_are_matched_where_the_first_feature_tells_nothing():
    """Three modes above each other: in each draw the order along the first feature is by chance."""
    X = np.concatenate([np.random.default_rng(1).normal([0, 10 * k], 1, (60, 2)) for k in range(3)])
    post = bg.fit_bayes(X, 3, engine="gibbs", draws=100, tune=100, thin=1, progress=False)
    found = modes(post)
    assert found.number == 3
    assert found.table["sd"].max() < 0.5
    assert sorted(found.table["mean"].xs("x2", level="feature").round(-1)) == [0, 10, 20]


def test_probability_of_a_number_is_a_share_with_its_error():
    post = bg.fit_bayes(bg.load_dataset("galaxies"), 4, "spherical", engine="gibbs", draws=300, tune=100, thin=2, progress=False)
    found = modes(post, n_draws=1200)
    assert len(found.probabilities) >= 3
    for number, row in found.probabilities.iterrows():
        assert row["probability"] == (found.counts == number).mean()
    independent = np.sqrt(found.probabilities["probability"] * (1 - found.probabilities["probability"]) / 1200)
    some = found.probabilities["mcse"].notna()
    assert (found.probabilities["mcse"][some] > 0.5 * independent[some]).all()


def test_an_unknown_number_of_components(unknown):
    found = modes(unknown)
    assert found.number == 2
    with pytest.raises(TypeError, match="Posterior or an MfmPosterior"):
        modes(unknown.draws)
