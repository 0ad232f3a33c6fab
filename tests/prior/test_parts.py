import json

import numpy as np
import pytest
from scipy import stats

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES, Diagonal, Full, Spherical
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import DirichletWeights, NormalMeans, wishart
from tests.laws import problem, random_covariances, structures


def test_dirichlet_against_scipy():
    e, w = np.array([1.5, 2.0, 0.7]), np.array([0.2, 0.5, 0.3])
    assert DirichletWeights(e).log_density(w) == pytest.approx(stats.dirichlet(e).logpdf(w))
    assert DirichletWeights(1.0).log_density(np.array([1.0])) == 0.0


def test_dirichlet_below_one_has_no_mode():
    with pytest.raises(ValueError, match="MAP needs weights_concentration >= 1"):
        bg.fit_em(bg.load_dataset("faithful"), 2, prior=bg.Prior.weakly_informative(bg.load_dataset("faithful"), "full", 0.5))


def test_normal_means_against_scipy():
    part, means = NormalMeans([1.0, 2.0], [3.0, 0.5]), np.array([[0.0, 1.0], [4.0, 2.0]])
    assert part.log_density(means, np.empty(0)) == pytest.approx(stats.norm([1.0, 2.0], [3.0, 0.5]).logpdf(means).sum())


def test_wishart_against_scipy():
    rng = np.random.default_rng(0)
    rate, precision = (a @ a.T + np.eye(3) for a in rng.normal(size=(2, 3, 3)))
    reference = stats.wishart(df=2 * 2.7, scale=np.linalg.inv(2 * rate)).logpdf(precision)
    assert wishart.log_density(Full(), 3, 2.7, rate, precision) == pytest.approx(reference)
    gammas = stats.gamma(2.7, scale=1 / rate.diagonal()).logpdf(precision.diagonal())
    assert wishart.log_density(Diagonal(), 3, 2.7, rate.diagonal(), precision.diagonal()) == pytest.approx(gammas.sum())
    assert wishart.log_density(Spherical(), 3, 2.7, rate[0, 0], precision[0, 0]) == pytest.approx(gammas[0])


@structures
@pytest.mark.parametrize("d", [1, 3])
def test_conditional_modes_are_modes(code, d):
    """Each block of the ECM step maximises expected log-likelihood + log prior in that block: no perturbation gains."""
    X, _, start = problem(code, n=60, n_features=d)
    observations, structure = Observations.from_data(X), STRUCTURES[code]
    prior = bg.Prior.weakly_informative(X, covariance=code, weights_concentration=2.0)
    spec = bg.Specification(3, code, prior)
    statistics = start.expected_statistics(observations)
    rng = np.random.default_rng(1)
    nuisance = prior.covariances.nuisance_mode(structure, start.covariances)

    def objective(weights, means, covariances, c0):
        about = statistics.about(means)
        scatter = about.scatter if about.scatter.ndim == 3 else about.scatter[:, :, None] * np.eye(d)
        quadratic = np.einsum("kij,kji->", np.linalg.inv(covariances), scatter)
        expected = statistics.counts @ (np.log(weights) - 0.5 * np.linalg.slogdet(covariances)[1]) - 0.5 * quadratic
        return expected + spec.log_prior(Mixture(weights.copy(), means.copy(), covariances.copy(), structure), c0)

    weights = prior.weights.conditional_mode(statistics.counts)
    means = prior.means.conditional_mode(statistics.counts, statistics.means, start.covariances)
    at = objective(weights, means, start.covariances, nuisance)
    for _ in range(30):
        other = 0.99 * weights + 0.01 * rng.dirichlet(np.ones(3))
        assert objective(other, means, start.covariances, nuisance) < at
        assert objective(weights, means + 1e-3 * rng.standard_normal(means.shape), start.covariances, nuisance) < at

    covariances = prior.covariances.conditional_mode(structure, statistics.counts, statistics.about(means).scatter, nuisance)
    at = objective(weights, means, covariances, nuisance)
    for _ in range(30):
        step = 0.01 * random_covariances(code, 3, d, rng)
        assert objective(weights, means, covariances + step * covariances.mean(), nuisance) < at
    nuisance = prior.covariances.nuisance_mode(structure, covariances)
    at = objective(weights, means, covariances, nuisance)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert objective(weights, means, covariances, {"precisions_rate": factor * nuisance["precisions_rate"]}) < at


@structures
def test_json_round_trip(code):
    X, _, truth = problem(code)
    spec = bg.Specification(3, code, bg.Prior.weakly_informative(X, code, [1.0, 2.0, 3.0]))
    again = bg.Specification.from_json(json.dumps(json.loads(spec.to_json())))
    assert again.to_json() == spec.to_json()
    nuisance = spec.prior.covariances.nuisance_mode(spec.structure, truth.covariances)
    assert again.log_prior(truth, nuisance) == spec.log_prior(truth, nuisance)


def test_default_numbers():
    faithful = bg.load_dataset("faithful")
    prior, ranges = bg.Prior.weakly_informative(faithful), np.ptp(faithful.to_numpy(), axis=0)
    assert prior.covariances.concentration == 3.0
    assert prior.covariances.rate_concentration == 1.0
    np.testing.assert_allclose(prior.covariances.rate_rate, np.diag(100 / 3 / ranges**2))
    diagonal = bg.Prior.weakly_informative(faithful, "diag").covariances
    assert (diagonal.concentration, diagonal.rate_concentration) == (2.5, 0.5)
    np.testing.assert_allclose(diagonal.rate_rate, 20 / ranges**2)
    np.testing.assert_allclose(bg.Prior.weakly_informative(faithful, "EII").covariances.rate_rate, 20 / (ranges**2).mean())


def test_a_prior_for_another_structure_or_size_is_refused():
    faithful = bg.load_dataset("faithful")
    prior = bg.Prior.weakly_informative(faithful)
    with pytest.raises(ValueError, match=r"serves full covariances; VVI is diagonal.*covariance='VVI'"):
        bg.Specification(2, "diag", prior)
    with pytest.raises(ValueError, match="prior on means is for 2 features, the data have 1"):
        bg.fit_em(faithful[["waiting"]], 2, prior=prior)
    with pytest.raises(ValueError, match="3 entries and n_components is 2"):
        bg.Specification(2, "full", bg.Prior.weakly_informative(faithful, "full", [1, 1, 1]))


@pytest.mark.parametrize(
    "change", [{"means_scale": 0.0}, {"concentration": 0.5}, {"rate_rate": -np.eye(2)}, {"weights_concentration": 0}]
)
def test_impossible_hyperparameters_are_refused(change):
    numbers = {"means_location": [0, 0], "means_scale": 1.0, "concentration": 3, "rate_concentration": 1, "rate_rate": np.eye(2)}
    with pytest.raises(ValueError, match=r"above|positive"):
        bg.Prior.hierarchical_wishart(**(numbers | change))
