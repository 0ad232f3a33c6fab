import json
import warnings

import numpy as np
import pytest
from scipy import integrate, stats

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES, Diagonal, Full, Spherical
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import (
    ConjugateMeans,
    DirichletWeights,
    FixedWishart,
    HalfT,
    Lkj,
    NormalMeans,
    PrecisionsPrior,
    Prior,
    wishart,
)
from bayesgmm.prior.lkj import log_constant, random_correlations
from bayesgmm.prior.scales import LAWS
from tests.laws import priors, problem, random_covariances, structures_with_priors


def test_dirichlet_against_scipy():
    e, w = np.array([1.5, 2.0, 0.7]), np.array([0.2, 0.5, 0.3])
    assert DirichletWeights(e).log_density(w) == pytest.approx(stats.dirichlet(e).logpdf(w))
    assert DirichletWeights(1.0).log_density(np.array([1.0])) == 0.0


def test_dirichlet_below_one_has_no_mode():
    with pytest.raises(ValueError, match="MAP needs weights_concentration >= 1"):
        bg.fit_em(bg.load_dataset("faithful"), 2, prior=bg.Prior.weakly_informative(bg.load_dataset("faithful"), "full", 0.5))


def test_conjugate_means_against_scipy():
    rng = np.random.default_rng(0)
    part, means = ConjugateMeans([1.0, 2.0], 0.3), rng.normal(size=(3, 2))
    covariances = random_covariances("VVV", 3, 2, rng)
    expected = sum(stats.multivariate_normal([1, 2], s / 0.3).logpdf(m) for m, s in zip(means, covariances, strict=True))
    assert part.log_density(means, covariances) == pytest.approx(expected)


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


@structures_with_priors
@priors
@pytest.mark.parametrize("d", [1, 3])
def test_conditional_modes_are_modes(make_prior, code, d):
    """Each block of the ECM step maximises expected log-likelihood + log prior in that block: no perturbation gains."""
    X, _, start = problem(code, n=60, n_features=d)
    observations, structure = Observations.from_data(X), STRUCTURES[code]
    prior = make_prior(X, code, weights_concentration=2.0)
    spec = bg.Specification(3, code, prior)
    statistics = start.expected_statistics(observations)
    rng = np.random.default_rng(1)
    nuisance = prior.covariances.nuisance_mode(structure, start.covariances)

    def objective(weights, means, covariances, nuisance):
        about = statistics.about(means)
        scatter = about.scatter if about.scatter.ndim == 3 else about.scatter[:, :, None] * np.eye(d)
        quadratic = np.einsum("kij,kji->", np.linalg.inv(covariances), scatter)
        expected = statistics.counts @ (np.log(weights) - 0.5 * np.linalg.slogdet(covariances)[1]) - 0.5 * quadratic
        return expected + spec.log_prior(Mixture(weights.copy(), means.copy(), covariances.copy(), structure), nuisance)

    weights = prior.weights.conditional_mode(statistics.counts)
    means = prior.means.conditional_mode(statistics.counts, statistics.means, start.covariances)
    at = objective(weights, means, start.covariances, nuisance)
    for _ in range(30):
        other = 0.99 * weights + 0.01 * rng.dirichlet(np.ones(3))
        assert objective(other, means, start.covariances, nuisance) < at
        assert objective(weights, means + 1e-3 * rng.standard_normal(means.shape), start.covariances, nuisance) < at

    joined = prior.means.join(statistics.about(means))
    arguments = joined.counts, joined.scatter, start.covariances, nuisance
    covariances = prior.covariances.conditional_mode(structure, *arguments)
    at = objective(weights, means, covariances, nuisance)
    for sign in (-1, 1) * 15:
        step = 0.01 * sign * random_covariances(code, 3, d, rng)
        assert objective(weights, means, covariances + step * np.linalg.eigvalsh(covariances).min(), nuisance) < at
    nuisance = prior.covariances.nuisance_mode(structure, covariances)
    at = objective(weights, means, covariances, nuisance)
    for name, mode in nuisance.items():
        for factor in (0.9, 0.99, 1.01, 1.1):
            assert objective(weights, means, covariances, nuisance | {name: factor * mode}) < at


@structures_with_priors
@priors
def test_coordinates_and_covariances_are_inverse(make_prior, code):
    X, _, truth = problem(code)
    part, structure = make_prior(X, code).covariances, STRUCTURES[code]
    coordinates = part.coordinates(structure, truth.covariances)
    np.testing.assert_allclose(part.covariances(structure, coordinates, 3, 3), truth.covariances, rtol=1e-12, atol=1e-14)
    stacked = {name: np.stack([values, values]) for name, values in coordinates.items()}
    assert part.covariances(structure, stacked, 3, 3).shape == (2, 3, 3, 3)


@structures_with_priors
@priors
def test_json_round_trip(make_prior, code):
    X, _, truth = problem(code)
    spec = bg.Specification(3, code, make_prior(X, code, weights_concentration=[1.0, 2.0, 3.0]))
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


LEVEL = 1e-4  # of each Kolmogorov-Smirnov test here; seeds are fixed


def test_wishart_draws_have_the_law():
    """Of W(c, C): the diagonal entry P_jj is Gamma(c, rate 1 / C^-1_jj); 2 P for whole 2c is SciPy's law."""
    rng = np.random.default_rng(0)
    rate = np.array([[2.0, 0.9], [0.9, 1.0]])
    precisions = wishart.sample(Full(), 2, 2.5, np.broadcast_to(rate, (2000, 2, 2)), rng)
    reference = stats.wishart(df=5, scale=np.linalg.inv(2 * rate)).rvs(2000, random_state=1)
    for project in (np.linalg.det, lambda p: p[:, 0, 1], lambda p: p[:, 1, 1]):
        assert stats.ks_2samp(project(precisions), project(reference)).pvalue > LEVEL
    gammas = wishart.sample(Diagonal(), 2, 2.5, np.broadcast_to(rate.diagonal(), (2000, 2)), rng)
    assert stats.kstest(gammas[:, 0], stats.gamma(2.5, scale=0.5).cdf).pvalue > LEVEL


@pytest.mark.parametrize(("nu", "d"), [(2.0, 1), (2.0, 3), (4.0, 2)])
def test_half_t_scales_are_half_t(nu, d):
    """Huang & Wand (2013): scales are half-t(nu, A), and for nu = 2 each correlation is uniform."""
    part, rng = HalfT(np.arange(1.0, d + 1), nu), np.random.default_rng(0)
    drawn = [part.sample(STRUCTURES["VVV"], 1, d, rng)[0][0] for _ in range(2000)]
    scales = np.sqrt(np.diagonal(drawn, axis1=1, axis2=2))
    for j in range(d):
        assert stats.kstest(scales[:, j] / (j + 1), lambda s: 2 * stats.t(nu).cdf(s) - 1).pvalue > LEVEL
    if d > 1 and nu == 2.0:
        correlations = np.array(drawn)[:, 0, 1] / scales[:, 0] / scales[:, 1]
        assert stats.kstest(correlations, stats.uniform(-1, 2).cdf).pvalue > LEVEL


@pytest.mark.parametrize(("d", "eta"), [(2, 0.7), (3, 1.0), (4, 2.5)])
def test_lkj_draws_have_the_law(d, eta):
    """Each correlation r has (1 + r) / 2 ~ Beta(eta - 1 + d / 2) (Lewandowski, Kurowicka & Joe 2009)."""
    matrices = random_correlations((3000,), d, eta, np.random.default_rng(0))
    np.testing.assert_allclose(np.diagonal(matrices, axis1=1, axis2=2), 1.0)
    law = stats.beta(eta - 1 + d / 2, eta - 1 + d / 2, loc=-1, scale=2)
    for i, j in zip(*np.tril_indices(d, -1), strict=True):
        assert stats.kstest(matrices[:, i, j], law.cdf).pvalue > LEVEL


def test_lkj_constants():
    """Two matrices: an integral; three: the volume of the elliptope is pi^2 / 2; more: importance sampling between two eta."""
    for eta in (0.7, 1.0, 3.0):
        integral = integrate.quad(lambda r, eta=eta: (1 - r**2) ** (eta - 1), -1, 1)[0]
        assert log_constant(2, eta) == pytest.approx(-np.log(integral), rel=1e-6)
    assert log_constant(3, 1.0) == pytest.approx(-np.log(np.pi**2 / 2))
    determinants = np.linalg.det(random_correlations((200_000,), 4, 2.0, np.random.default_rng(0)))
    ratio = np.exp(log_constant(4, 2.0) - log_constant(4, 3.0))  # E |R| under eta = 2
    assert determinants.mean() == pytest.approx(ratio, abs=5 * determinants.std() / np.sqrt(len(determinants)))


@pytest.mark.parametrize("name", list(LAWS))
def test_laws_of_scales(name):
    law = LAWS[name](np.array(0.3), np.array(0.8))
    reference = {"lognormal": stats.lognorm(0.8, scale=np.exp(0.3)), "half_normal": stats.halfnorm(scale=0.8)}[name]
    s = np.array([0.2, 1.0, 3.0])
    np.testing.assert_allclose(law.log_density(s), reference.logpdf(s))
    np.testing.assert_allclose(law.slope(s), (law.log_density(s + 1e-6) - law.log_density(s - 1e-6)) / 2e-6, rtol=1e-6)
    assert stats.kstest(law.sample((2000,), np.random.default_rng(0)), reference.cdf).pvalue > LEVEL
    counts, squares = np.array([0.0, 5.0, 1e7]), np.array([1e-3, 20.0, 3e7])
    mode = law.conditional_mode(counts, squares)
    slopes = -counts / mode + squares / mode**3 + law.slope(mode)
    np.testing.assert_allclose(slopes / (1 + counts), 0, atol=1e-7)
    assert np.isfinite(law.conditional_mode(np.array([3.0]), np.array([0.0]))).all()


@structures_with_priors
def test_richardson_green_serves_every_structure_in_one_dimension(code):
    galaxies = bg.load_dataset("galaxies")
    prior = bg.Prior.richardson_green(galaxies)
    em = bg.fit_em(galaxies, 3, code, prior)
    assert em.converged
    lone = {"EII": "EII", "EEI": "EII", "EEE": "EII"}.get(code, "VII")
    assert em.objective == pytest.approx(bg.fit_em(galaxies, 3, lone, prior).objective, abs=1e-6)
    assert prior.covariances.rate_rate == pytest.approx(10 / np.ptp(galaxies.to_numpy()) ** 2)
    with pytest.raises(ValueError, match="for one feature, the data have 2"):
        bg.Prior.richardson_green(bg.load_dataset("faithful"))
    with pytest.raises(ValueError, match="prior on means is for 1 features, the data have 2"):
        bg.fit_em(bg.load_dataset("faithful"), 2, code, prior)


def test_the_numbers_of_a_prior_cannot_be_changed():
    prior = bg.Prior.weakly_informative(bg.load_dataset("faithful"))
    for array in (prior.weights.concentration, prior.means.scale, prior.covariances.rate_rate):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1.0


def test_mclust_needs_a_covariance():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match="data's covariance, which is singular"):
        bg.Prior.mclust(np.c_[X, X.sum(axis=1)], 2)
    assert bg.Prior.mclust(np.c_[X, X.sum(axis=1)], 2, "diag").covariances.rate > 0


def test_mclust_defaults():
    faithful = bg.load_dataset("faithful")
    prior = bg.Prior.mclust(faithful, 2)
    assert (prior.means.concentration, prior.covariances.concentration) == (0.01, 2.0)
    np.testing.assert_allclose(prior.means.location, faithful.mean())
    np.testing.assert_allclose(prior.covariances.rate, faithful.cov() / 2 / 2)
    assert bg.Prior.mclust(faithful, 2, "diag").covariances.rate == pytest.approx(np.trace(faithful.cov()) / 2 / 2 / 2)


def test_spherical_structures_take_the_mean_of_the_hyperparameters():
    structure = STRUCTURES["VII"]
    assert FixedWishart(2.5, [1.0, 3.0]).rates(structure, 2, {}) == 2.0
    assert HalfT([1.0, 3.0]).rates_rate(structure, 2) == pytest.approx(1 / 5)
    assert Lkj("lognormal", [1.0, 3.0], 1.0, 1.0).law(structure, 2).location == 2.0


def test_priors_by_hand():
    parts = DirichletWeights(1.0), NormalMeans([0.0, 1.0], 2.0), HalfT(1.0)
    assert bg.fit_em(bg.load_dataset("faithful"), 2, prior=Prior(*parts)).converged
    with pytest.raises(TypeError, match="prior on means must be a MeansPrior, got HalfT"):
        Prior(parts[0], parts[2], parts[1])
    with pytest.raises(ValueError, match="means is for 2 features, that on covariances for 3"):
        Prior(parts[0], parts[1], HalfT([1.0, 2.0, 3.0]))


def test_prior_draws_have_streams_of_their_own():
    prior = bg.Prior.weakly_informative(bg.load_dataset("faithful"))
    three, five = (prior.sample(n, 2, seed=1) for n in (3, 5))
    for one, other in zip(three, five[:3], strict=True):
        np.testing.assert_array_equal(one.mixture.means, other.mixture.means)
    (X, labels, mixture), _ = prior.sample_data(2, 50, 2, seed=1)
    assert X.shape == (50, 2)
    assert set(labels) <= {0, 1}
    np.testing.assert_array_equal(mixture.means, three[0].mixture.means)
    with pytest.raises(ValueError, match="fits any number of features: give n_features"):
        bg.Prior.lkj().sample(2, 3)


@priors
@structures_with_priors
def test_prior_predictive_data_can_be_fitted(make_prior, code):
    X, _, _ = problem(code)
    for data, _, _ in make_prior(X, code).sample_data(3, 40, 3, code, seed=3):
        assert np.isfinite(data).all()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that some prior draws are nearly flat and collapse
            assert np.isfinite(bg.fit_em(data, 3, code, make_prior(data, code), n_init=1).objective)


def collapsing(rows, width, structure):
    """A component of weight 1/2 whose mean is that of the rows and whose covariance shrinks onto their span; and one for all."""
    X = bg.load_dataset("faithful").to_numpy()
    mean, overall = X[rows].mean(axis=0), np.cov(X.T)
    if len(rows) == 1:
        narrow = width * overall
    else:
        along = X[rows[1]] - X[rows[0]]
        along /= np.linalg.norm(along)
        narrow = np.outer(along, along) * overall.trace() + width * (np.eye(2) - np.outer(along, along))
    means = np.stack([X.mean(axis=0), mean])
    return X, Mixture(np.array([0.5, 0.5]), means, np.stack([overall, narrow]), structure)


ON_A_LINE = np.flatnonzero(bg.load_dataset("faithful")["waiting"] == 78)


@pytest.mark.parametrize("rows", [[0], [0, 1], ON_A_LINE], ids=["row", "pair", "line of 15 rows"])
@pytest.mark.parametrize("family", ["inverse_wishart", "normal_inverse_wishart"])
def test_the_inverse_wishart_bounds_the_joint_density(rows, family):
    """A component that collapses on a row, a pair or a line of rows: the density falls without bound."""
    X, _ = collapsing(rows, 1.0, STRUCTURES["VVV"])
    spec = bg.Specification(2, "full", bg.Prior.weakly_informative(X, family=family))
    densities = []
    for width in 10.0 ** -np.arange(0, 9):
        _, mixture = collapsing(rows, width, STRUCTURES["VVV"])
        densities.append(mixture.log_density(X).sum() + spec.log_prior(mixture, {}))
    assert (np.diff(densities[2:]) < 0).all()
    assert densities[-1] < densities[0] - 1e5
    likelihoods = [collapsing(ON_A_LINE, w, STRUCTURES["VVV"])[1].log_density(X).sum() for w in (1e-6, 1e-10)]
    assert likelihoods[1] > likelihoods[0] + 50  # without a prior the line of rows wins


@structures_with_priors
@priors
def test_log_densities_take_many_draws_at_once(make_prior, code):
    X, _, _ = problem(code)
    prior = make_prior(X, code)
    spec = bg.Specification(3, code, prior)
    draws = prior.sample(4, 3, code, n_features=3)
    stacked = {name: np.stack([getattr(draw.mixture, name) for draw in draws]) for name in ("weights", "means", "covariances")}
    nuisance = {name: np.stack([draw.nuisance[name] for draw in draws]) for name in draws[0].nuisance}
    one_by_one = [spec.log_prior(*draw) for draw in draws]
    np.testing.assert_allclose(spec.log_prior_of(**stacked, nuisance=nuisance), one_by_one, rtol=1e-12)


@structures_with_priors
@priors
def test_the_marginal_density_is_the_joint_one_with_the_nuisance_variables_integrated_out(make_prior, code):
    """By Monte Carlo over the nuisance variables' own law: within 4.5 standard errors, 48 comparisons, 3e-4 for a false alarm."""
    part = make_prior(np.random.default_rng(0).normal(size=(40, 2)), code).covariances
    structure, rng = STRUCTURES[code], np.random.default_rng(1)
    covariances, _ = part.sample(structure, 2, 2, rng)
    if not isinstance(part, PrecisionsPrior):
        assert part.marginal_log_density(structure, covariances) == part.log_density(structure, covariances, {})
        return
    values = []
    for _ in range(4000):
        nuisance = part.sample_nuisance(structure, 2, 2, rng)
        values.append(part.log_density(structure, covariances, nuisance) - part.nuisance_log_density(structure, 2, nuisance))
    marginal = part.marginal_log_density(structure, covariances)
    relative = np.exp(np.array(values) - marginal)
    assert abs(relative.mean() - 1) < max(1e-9, 4.5 * relative.std() / np.sqrt(len(values)))
    stacked = part.marginal_log_density(structure, np.stack([covariances, 2 * covariances]))
    np.testing.assert_allclose(stacked[0], marginal)
