"""Standard errors from curvature: against differences of the likelihood, closed forms, coverage, bootstrap and posterior."""

import numpy as np
import pytest
from scipy.stats import binom, norm

import bayesgmm as bg
from bayesgmm.information import Chart, NoInformationError, observed_information, passes
from bayesgmm.information.passes import Curvature
from bayesgmm.observations import Observations
from tests.laws import PRIORS, problem, structures, units_of

FAITHFUL = bg.load_dataset("faithful")


def errors(em, kind="observed"):
    return observed_information(em.mixture, em.observations, em.specification).standard_errors(kind)


def moved(mixture, size=0.1, seed=0):
    """Another mixture of the same structure, at which nothing is special."""
    chart = Chart.around(mixture)
    return chart.mixture(size * np.random.default_rng(seed).standard_normal(chart.n_coordinates))


@structures
@pytest.mark.parametrize("n_components", [1, 3])
@pytest.mark.parametrize("n_features", [1, 2, 4])
def test_coordinates_are_the_free_parameters(code, n_components, n_features):
    _, _, truth = problem(code, n=2, n_components=n_components, n_features=n_features)
    chart = Chart.around(truth)
    assert chart.n_coordinates == bg.Specification(n_components, code).n_parameters(n_features)
    assert set(chart.places.ravel()) == set(range(n_components - 1, chart.n_coordinates))
    origin = chart.mixture(np.zeros(chart.n_coordinates))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(origin, name), getattr(truth, name), rtol=1e-12, atol=1e-13)
    other = moved(truth)
    again = bg.Mixture.from_parameters(other.weights, other.means, other.covariances, code)  # which refuses other structures
    np.testing.assert_allclose(again.covariances, other.covariances, rtol=1e-10, atol=1e-12)


@structures
def test_every_coordinate_moves_the_density(code):
    X, _, truth = problem(code)
    chart = Chart.around(truth)
    steps = 1e-4 * np.eye(chart.n_coordinates)
    slopes = np.array([chart.mixture(step).log_density(X) - chart.mixture(-step).log_density(X) for step in steps])
    assert np.linalg.matrix_rank(slopes / np.linalg.norm(slopes, axis=1, keepdims=True), tol=1e-6) == len(steps)
    assert len({chart.name(coordinate) for coordinate in range(len(steps))}) > 2


@structures
@pytest.mark.parametrize("n_features", [1, 3])
def test_gradient_and_curvature_are_those_of_the_likelihood(code, n_features):
    """Where no derivative vanishes, with row weights: central differences of log densities, extrapolated once."""
    X, _, truth = problem(code, n=80, n_features=n_features, separation=1.5)
    v = np.random.default_rng(1).gamma(2.0, size=80)
    chart = Chart.around(moved(truth))
    found = Curvature.of(chart, Observations.from_data(X, v))

    def height(coordinates):
        return v @ chart.mixture(coordinates).log_density(X)

    def slope(direction, step):
        return (height(step * direction) - height(-step * direction)) / (2 * step)

    def bend(direction, step):
        return (height(step * direction) + height(-step * direction) - 2 * height(0 * direction)) / step**2

    rng = np.random.default_rng(2)
    spread = 1 / np.sqrt(found.outer.diagonal())  # turns of narrow ellipsoids change much in a small step
    for direction in spread * rng.standard_normal((3, chart.n_coordinates)):
        step = 0.02
        gradient = (4 * slope(direction, step) - slope(direction, 2 * step)) / 3
        curvature = (4 * bend(direction, step) - bend(direction, 2 * step)) / 3
        assert gradient == pytest.approx(found.score @ direction, rel=1e-6, abs=1e-6)
        assert curvature == pytest.approx(-direction @ found.information @ direction, rel=1e-5, abs=1e-6)


@structures
def test_scores_of_rows_add_up_whatever_the_blocks(code, monkeypatch):
    X, _, truth = problem(code, n=50)
    chart = Chart.around(truth)
    whole = Curvature.of(chart, Observations.from_data(X))
    monkeypatch.setattr(passes, "BLOCK_NUMBERS", 7 * max(chart.n_coordinates, 9))
    parts = Curvature.of(chart, Observations.from_data(X))
    by_rows = [Curvature.of(chart, Observations(X[i : i + 1], np.ones(1), ("a", "b", "c"))) for i in range(len(X))]
    outer = sum(np.outer(row.score, row.score) for row in by_rows)
    for name in ("score", "information", "outer"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(outer, whole.outer, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(sum(row.information for row in by_rows), whole.information, rtol=1e-9, atol=1e-8)


@structures
def test_curvature_and_spread_of_scores_are_one_in_data_from_the_mixture(code):
    """The information identity, along random directions: 40000 rows tell each side to about 1%."""
    _, _, truth = problem(code, n=2, separation=3.0)
    chart = Chart.around(truth)
    found = Curvature.of(chart, Observations.from_data(truth.sample(40_000, seed=1)[0]))
    for direction in np.random.default_rng(0).standard_normal((5, chart.n_coordinates)) / np.sqrt(found.outer.diagonal()):
        assert direction @ found.information @ direction == pytest.approx(direction @ found.outer @ direction, rel=0.06)


def test_one_component_has_the_textbook_errors():
    X, _, _ = problem("VVV", n_components=1)
    em = bg.fit_em(X, 1)
    found, covariance, n = errors(em), em.mixture.covariances[0], len(X)
    variances = covariance.diagonal()
    correlations = covariance / np.sqrt(np.outer(variances, variances))
    np.testing.assert_allclose(found.weights, [0.0])
    np.testing.assert_allclose(found.means[0], np.sqrt(variances / n))
    np.testing.assert_allclose(found.covariances[0], np.sqrt((np.outer(variances, variances) + covariance**2) / n))
    np.testing.assert_allclose(found.scales[0], np.sqrt(variances / (2 * n)))
    np.testing.assert_allclose(found.correlations[0], (1 - correlations**2) / np.sqrt(n), atol=1e-12)


def test_sandwich_of_one_component_has_the_fourth_moments():
    X = np.random.default_rng(0).standard_t(8, size=(500, 1))
    em = bg.fit_em(X, 1)
    centred = X[:, 0] - X.mean()
    found = errors(em, "sandwich")
    np.testing.assert_allclose(found.means[0], [centred.std() / np.sqrt(500)])
    np.testing.assert_allclose(found.covariances[0, 0], [(centred**2).std() / np.sqrt(500)])
    with pytest.raises(ValueError, match="Unknown kind of covariance 'robust'"):
        errors(em, "robust")


@structures
def test_components_far_apart_have_the_errors_of_samples_of_their_own(code):
    X, labels, truth = problem(code, n=600, separation=60.0)
    em = bg.fit_em(X, 3, code, start=truth)
    counts, found = np.bincount(labels), errors(em)
    variances = np.diagonal(em.mixture.covariances, axis1=1, axis2=2)
    np.testing.assert_allclose(found.weights, np.sqrt(em.mixture.weights * (1 - em.mixture.weights) / 600), rtol=1e-6)
    np.testing.assert_allclose(found.means, np.sqrt(variances / counts[:, None]), rtol=1e-6)


@structures
@pytest.mark.parametrize("kind", ["observed", "sandwich"])
def test_integer_weights_are_replication(code, kind):
    X, _, truth = problem(code, n=150)
    v = np.random.default_rng(0).integers(1, 4, size=150)
    weighted = bg.fit_em(X, 3, code, start=truth, sample_weight=v)
    repeated = Observations.from_data(np.repeat(X, v, axis=0))
    again = observed_information(weighted.mixture, repeated).standard_errors(kind)
    np.testing.assert_allclose(errors(weighted, kind).means, again.means, rtol=1e-7)
    np.testing.assert_allclose(errors(weighted, kind).covariances, again.covariances, rtol=1e-6, atol=1e-12)


@structures
def test_units_and_order_of_components_change_nothing_else(code):
    X, _, truth = problem(code)
    factor, order = units_of(code), [1, 2, 0]
    em = bg.fit_em(X, 3, code, start=truth)
    m = em.mixture
    scaled = bg.Mixture(m.weights, m.means * factor + factor, m.covariances * np.outer(factor, factor), m.structure)
    before = errors(em)
    after = observed_information(scaled.permuted(order), Observations.from_data(X * factor + factor)).standard_errors()
    np.testing.assert_allclose(after.weights, before.weights[order], rtol=1e-6)
    np.testing.assert_allclose(after.means / factor, before.means[order], rtol=1e-6)
    np.testing.assert_allclose(after.covariances / np.outer(factor, factor), before.covariances[order], rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(after.correlations, before.correlations[order], rtol=1e-5, atol=1e-9)


def test_what_a_structure_holds_constant_has_no_error():
    em = bg.fit_em(FAITHFUL, 2, "EEI")
    found = errors(em)
    np.testing.assert_array_equal(found.covariances[:, 0, 1], 0.0)
    np.testing.assert_array_equal(found.correlations, 0.0)
    np.testing.assert_allclose(found.covariances[0], found.covariances[1])


@pytest.mark.parametrize("make_prior", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("code", ["EEE", "VVI"])
def test_a_prior_adds_its_curvature(make_prior, code):
    """At the mode of each prior, along random directions: the objective that EM maximised, differenced."""
    X, _, truth = problem(code, n=60)
    prior = make_prior(X, code)
    em = bg.fit_em(X, 3, code, prior, start=truth, tolerance=1e-12)
    found = observed_information(em.mixture, em.observations, em.specification)
    spec, chart = em.specification, found.chart

    def height(coordinates):
        mixture = chart.mixture(coordinates)
        nuisance = prior.covariances.nuisance_mode(spec.structure, mixture.covariances)
        return mixture.log_density(X).sum() + spec.log_prior(mixture, nuisance)

    for direction in np.random.default_rng(0).standard_normal((2, chart.n_coordinates)) / np.sqrt(found.observed.diagonal()):
        bends = [
            (height(step * direction) + height(-step * direction) - 2 * height(0 * direction)) / step**2 for step in (0.05, 0.1)
        ]
        assert (4 * bends[0] - bends[1]) / 3 == pytest.approx(-direction @ found.observed @ direction, rel=1e-3)


def test_prior_observations_count_as_rows():
    X, _, _ = problem("VVV", n=60, n_components=1)
    em = bg.fit_em(X, 1, "VVV", bg.Prior.normal_inverse_wishart(0.0, 40.0, 4.0, np.eye(3)))
    np.testing.assert_allclose(errors(em).means[0], np.sqrt(em.mixture.covariances[0].diagonal() / 100), rtol=1e-6)


@structures
def test_refusals(code):
    X, _, truth = problem(code)
    data = Observations.from_data(X)
    with pytest.raises(NoInformationError, match=r"not at a maximum: .* nats to gain"):
        observed_information(moved(truth, 0.02), data)
    empty = bg.Mixture(np.array([0.5, 0.5 - 1e-9, 1e-9]), truth.means, truth.covariances, truth.structure)
    with pytest.raises(NoInformationError, match=r"Component 2 (collapsed|has weight 1.0e-09, at the boundary)"):
        observed_information(empty, data)


def test_a_collapsed_fit_is_refused():
    X = np.r_[np.random.default_rng(0).normal(size=30), 50.0][:, None]
    with pytest.warns(UserWarning, match="collapsed"):
        em = bg.fit_em(X, 2, start=np.r_[np.zeros(29, dtype=int), 1, 1])
    with pytest.raises(NoInformationError, match=r"Component 1 collapsed: .* no standard errors there: use fewer components"):
        errors(em)


def test_other_data_are_refused():
    with pytest.raises(ValueError, match="The data have 1 features, the mixture has 2"):
        observed_information(bg.fit_em(FAITHFUL, 2).mixture, Observations.from_data(FAITHFUL[["waiting"]]))


def test_a_prior_without_a_mode_is_refused():
    em = bg.fit_em(FAITHFUL, 2)
    prior = bg.Prior.weakly_informative(FAITHFUL, weights_concentration=0.5)
    with pytest.raises(NoInformationError, match="has no mode"):
        observed_information(em.mixture, em.observations, bg.Specification(2, prior=prior))


def test_twins_and_circles_are_not_identified():
    one = bg.fit_em(FAITHFUL, 1).mixture
    twins = bg.Mixture(np.array([0.5, 0.5]), one.means[[0, 0]], one.covariances[[0, 0]], one.structure)
    with pytest.raises(NoInformationError, match=r"not positive definite .* in the (weight|mean|volume|shape) of component"):
        observed_information(twins, Observations.from_data(FAITHFUL))
    X = np.random.default_rng(0).standard_normal((200, 2))
    turn = np.array([[0, 1], [-1, 0]])  # by a quarter: the covariance of all four is round
    X = np.concatenate([X, X @ turn, -X, -X @ turn])
    circle = bg.fit_em(X, 1, "EVE").mixture
    with pytest.raises(NoInformationError, match="least of all in the orientation of component 0"):
        observed_information(circle, Observations.from_data(X))
    assert errors(bg.fit_em(X, 1, "VVV")).means[0] == pytest.approx(np.sqrt(circle.covariances[0, 0, 0] / 800))


LEVEL, N_SETS = 0.9, 200
BAND = binom.ppf([5e-4, 1 - 5e-4], N_SETS, LEVEL)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VEI"])
def test_intervals_cover(code):
    """90% intervals over 200 data sets of 400 rows, from the truth as start: 27 counts in 99.9% bands, 3% for a false alarm."""
    _, _, truth = problem(code, n=2, n_components=2, n_features=2, separation=3.0)
    covered = []
    for seed in range(N_SETS):
        em = bg.fit_em(truth.sample(400, seed)[0], 2, code, start=truth)
        found, m = errors(em), em.mixture
        wide = norm.ppf((1 + LEVEL) / 2)
        inside = [np.abs(m.weights[:1] - truth.weights[:1]) <= wide * found.weights[:1]]
        inside.append((np.abs(m.means - truth.means) <= wide * found.means).ravel())
        scales, true_scales = (np.sqrt(np.diagonal(x.covariances, axis1=1, axis2=2)) for x in (m, truth))
        inside.append((np.abs(np.log(scales / true_scales)) <= wide * found.scales / scales).ravel())
        covered.append(np.concatenate(inside))
    counts = np.sum(covered, axis=0)
    assert ((BAND[0] <= counts) & (counts <= BAND[1])).all(), counts


@structures
def test_a_summary_with_intervals(code):
    X, _, truth = problem(code)
    em = bg.fit_em(X, 3, code, start=truth)
    plain, table, found = em.summary(), em.summary(prob=0.9), errors(em)
    assert list(table.columns[:6]) == ["weight", "weight_se", "weight_lower", "weight_upper", "count", "mean[x1]"]
    assert table[plain.columns].equals(plain)
    np.testing.assert_allclose(table["weight_se"], found.weights)
    np.testing.assert_allclose(table["scale[x2]_se"], found.scales[:, 1])
    np.testing.assert_allclose(table["mean[x3]_upper"] - table["mean[x3]"], norm.ppf(0.95) * found.means[:, 2])
    for name in plain.columns.drop("count"):
        assert (table[f"{name}_lower"] < table[name]).all()
        assert (table[name] < table[f"{name}_upper"]).all()
    assert (table["weight_lower"] > 0).all()
    assert (table["weight_upper"] < 1).all()
    assert (table[[f"scale[x{j}]_lower" for j in (1, 2, 3)]] > 0).all(axis=None)


def test_a_summary_of_one_component_knows_its_weight():
    table = bg.fit_em(FAITHFUL, 1).summary(prob=0.5)
    assert table.loc[0, ["weight_se", "weight_lower", "weight_upper"]].tolist() == [0.0, 1.0, 1.0]


def test_a_summary_without_standard_errors_says_why():
    with pytest.warns(UserWarning, match="Still rising"):
        em = bg.fit_em(FAITHFUL, 2, max_iterations=1)
    with pytest.warns(bg.em.ConvergenceWarning, match="not at a maximum") as told:
        table = em.summary(prob=0.9)
    assert told[0].filename == __file__
    assert table.filter(regex="_se$|_lower$|_upper$").isna().all(axis=None)
    assert table[em.summary().columns].equals(em.summary())
    with pytest.raises(ValueError, match="prob must be above 0 and below 1, got 90"):
        bg.fit_em(FAITHFUL, 2).summary(prob=90)
