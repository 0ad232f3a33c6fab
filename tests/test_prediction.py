"""Each function beside SciPy, numeric integration, draws, or figures that mclust printed."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaincc, gammaincinv
from scipy.stats import kstest, multivariate_normal, norm

import bayesgmm as bg
from bayesgmm.climb import Status
from bayesgmm.em import ConvergenceWarning
from bayesgmm.prediction import (
    cdf,
    conditional,
    cross_validate,
    density_level,
    merge_components,
    outlier_scores,
    quantile,
    regression,
    score,
    uncertainty,
)
from bayesgmm.streams import folds, seed_sequence
from tests.laws import problem, structures

LINES = {
    "one": ([1.0], [2.0], [3.0]),
    "overlapping": ([0.3, 0.7], [0.0, 1.5], [1.0, 2.0]),
    "far apart": ([0.2, 0.5, 0.3], [-50.0, 0.0, 4000.0], [1.0, 0.1, 30.0]),
    "a spike on a slope": ([0.999, 0.001], [0.0, 1.5], [1.0, 1e-3]),
    "twins": ([0.5, 0.5], [0.0, 0.0], [1.0, 1.0]),
    "one centre": ([0.5, 0.5], [3.0, 3.0], [1.0, 20.0]),
    "an empty component": ([0.0, 1.0], [-5.0, 1.0], [1.0, 1.0]),
    "far from zero": ([0.4, 0.6], [1e8, 1e8 + 3], [1.0, 0.5]),
    "small units": ([0.4, 0.6], [0.0, 3e-30], [1e-30, 5e-31]),
    "about to part": ([0.5, 0.5], [-1.0001, 1.0001], [1.0, 1.0]),
}


def on_a_line(name):
    weights, means, scales = LINES[name]
    return bg.Mixture.from_parameters(weights, np.array(means)[:, None], np.square(scales)[:, None, None])


lines = pytest.mark.parametrize("name", LINES)


def by_hand(m, given, values):
    """Weights, means and covariances of the rest, by the textbook's inverses and SciPy's densities."""
    rest = [j for j in range(m.n_features) if j not in given]
    logs, means, covariances = [], [], []
    for w, mu, s in zip(m.weights, m.means, m.covariances, strict=True):
        slope = s[np.ix_(rest, given)] @ np.linalg.inv(s[np.ix_(given, given)])
        logs.append(np.log(w) + multivariate_normal(mu[given], s[np.ix_(given, given)]).logpdf(values))
        means.append(mu[rest] + slope @ (values - mu[given]))
        covariances.append(s[np.ix_(rest, rest)] - slope @ s[np.ix_(given, rest)])
    weights = np.exp(np.array(logs) - max(logs))
    return weights / weights.sum(), np.array(means), np.array(covariances)


@structures
@pytest.mark.parametrize("given", [[0], [2, 0], [3, 1, 2]])
def test_conditioning_by_hand(code, given):
    X, _, m = problem(code, n=5, n_features=4)
    for values in X[:, given]:
        c = conditional(m, given, values)
        for found, expected in zip((c.weights, c.means, c.covariances), by_hand(m, given, values), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert c.structure.is_diagonal == m.structure.is_diagonal


@structures
def test_joint_is_marginal_times_conditional(code):
    X, _, m = problem(code, n=20, n_features=4)
    for row in X:
        product = m.marginal([3, 1]).log_density(row[None, [3, 1]]) + conditional(m, [3, 1], row[[3, 1]]).log_density(
            row[None, [0, 2]]
        )
        assert product == pytest.approx(m.log_density(row[None]), rel=1e-11)


def test_conditioning_in_steps_is_conditioning_at_once():
    X, _, m = problem("VVV", n=1, n_features=4)
    once = conditional(m, [1, 3], X[0, [1, 3]])
    steps = conditional(conditional(m, [3], X[0, [3]]), [1], X[0, [1]])
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(steps, name), getattr(once, name), rtol=1e-10, atol=1e-13)


def test_conditioning_then_averaging_gives_the_marginal():
    _, _, m = problem("VVV", n_features=2)
    given = m.marginal([0])
    for y in (-1.0, 0.5, 2.0):
        integral = quad(
            lambda x, y=y: np.exp(given.log_density([[x]])[0] + conditional(m, 0, x).log_density([[y]])[0]), -30, 30, limit=200
        )[0]
        assert integral == pytest.approx(np.exp(m.marginal([1]).log_density([[y]])[0]), rel=1e-7)


def test_far_in_the_tails_the_component_that_is_least_unlikely_has_it_all():
    m = bg.Mixture.from_parameters([0.5, 0.5], [[0.0, 0.0], [1.0, 7.0]], [np.eye(2), 2 * np.eye(2)])
    for far in (1e3, -1e10, 1e140):
        c = conditional(m, [0], [far])
        np.testing.assert_array_equal(c.weights, [0.0, 1.0])
        assert regression(m, [0], [[far]]).means == pytest.approx(np.array([[7.0]]))


@structures
def test_regression_has_the_moments_of_conditionals(code):
    X, _, m = problem(code, n=10, n_features=4)
    found = regression(m, [2, 0], X[:, [2, 0]])
    for i, row in enumerate(X):
        c = conditional(m, [2, 0], row[[2, 0]])
        mean = c.weights @ c.means
        second = np.einsum("k,kij->ij", c.weights, c.covariances + c.means[:, :, None] * c.means[:, None, :])
        np.testing.assert_allclose(found.means[i], mean, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(found.covariances[i], second - np.outer(mean, mean), rtol=1e-9, atol=1e-10)


def test_regression_in_blocks_of_rows(monkeypatch):
    X, _, m = problem("VVV", n=50)
    whole = regression(m, [0], X[:, :1])
    monkeypatch.setattr("bayesgmm.prediction.conditioning.BLOCK_VALUES", 50)
    parts = regression(m, [0], X[:, :1])
    np.testing.assert_allclose(parts.means, whole.means, rtol=1e-13)
    np.testing.assert_allclose(parts.covariances, whole.covariances, rtol=1e-12)


@lines
def test_cdf_is_the_integral_and_quantile_its_inverse(name):
    m, (weights, means, scales) = on_a_line(name), LINES[name]
    p = np.concatenate([np.geomspace(1e-300, 0.01, 50), np.linspace(0.01, 0.99, 99), 1 - np.geomspace(1e-12, 0.01, 30)[::-1]])
    x = quantile(m, p)
    assert (np.diff(x) >= 0).all()
    np.testing.assert_allclose(cdf(m, x), norm(means, scales).cdf(x[:, None]) @ weights, rtol=1e-9)
    tolerance = np.spacing(np.abs(x)).max() / min(scales)  # x is a double: near 1e8 it has 1e-8 of the scale
    np.testing.assert_allclose(cdf(m, x), p, rtol=1e-10 + 50 * tolerance)
    np.testing.assert_allclose(norm(means, scales).sf(x[:, None]) @ weights, 1 - p, rtol=1e-9 + 50 * tolerance)


def test_quantiles_of_a_normal_in_both_tails():
    p = np.array([5e-324, 1e-300, 1e-20, 0.3, 0.5, 0.7, 1 - 1e-16])
    np.testing.assert_allclose(quantile(on_a_line("one"), p), norm(2, 3).ppf(p), rtol=1e-13)


def test_cdf_of_draws_is_uniform():
    # Kolmogorov-Smirnov at 1 in 10,000, with the seed fixed
    m = on_a_line("overlapping")
    assert kstest(cdf(m, m.sample(20_000, seed=4)[0][:, 0]), "uniform").pvalue > 1e-4


def test_shapes_of_points_are_kept():
    m = on_a_line("overlapping")
    assert cdf(m, 0.0).shape == quantile(m, 0.5).shape == ()
    assert cdf(m, np.zeros((2, 3))).shape == quantile(m, np.full((2, 3), 0.5)).shape == (2, 3)
    assert quantile(m, []).shape == (0,)
    np.testing.assert_array_equal(cdf(m, [-np.inf, np.inf]), [0, 1])
    np.testing.assert_allclose(quantile(m, [0.9, 0.1, 0.9]), [quantile(m, 0.9), quantile(m, 0.1), quantile(m, 0.9)])


@lines
@pytest.mark.parametrize("prob", [1e-6, 0.05, 0.5, 0.9, 0.999, 1 - 1e-9])
def test_intervals_have_the_probability_and_ends_at_the_level(name, prob):
    m = on_a_line(name)
    found = density_level(m, prob)
    low, high = found.intervals.T
    assert (low < high).all()
    assert (low[1:] > high[:-1]).all()
    spacing = np.spacing(np.abs(found.intervals)).max() / min(LINES[name][2])
    # a top that is flat to the third order: the last digit of the log density is the fourth root of it on the line
    flat = 1e-5 if name == "about to part" and prob < 0.01 else 0.0
    assert (cdf(m, high) - cdf(m, low)).sum() == pytest.approx(prob, abs=1e-9 + flat + 10 * spacing)
    np.testing.assert_allclose(
        m.log_density(found.intervals.reshape(-1, 1)), found.log_density, atol=1e-9 + 100 * spacing, rtol=1e-9
    )
    inside = np.linspace(low, high, 101)[1:-1].reshape(-1, 1)
    assert (m.log_density(inside) >= found.log_density - 1e-9 - 100 * spacing).all()
    assert found.standard_error == 0


def test_numbers_of_intervals():
    assert len(density_level(on_a_line("far apart"), 0.9).intervals) == 3
    assert len(density_level(on_a_line("far apart"), 0.1).intervals) == 1
    # modes of two normals two scales apart part, a little above that distance, at a density 1e-8 below the modes
    assert len(density_level(on_a_line("about to part"), 1e-6).intervals) == 2
    assert len(density_level(on_a_line("about to part"), 0.5).intervals) == 1


def test_intervals_of_random_lines():
    """As many as a grid a thousand times finer than the least scale shows."""
    rng = np.random.default_rng(5)
    for _ in range(10):
        K = rng.integers(2, 8)
        m = bg.Mixture.from_parameters(rng.dirichlet(np.ones(K)), rng.normal(0, 3, (K, 1)), rng.uniform(0.1, 1.5, (K, 1, 1)) ** 2)
        density = m.log_density(np.linspace(m.means.min() - 10, m.means.max() + 10, 300_001))
        for prob in (0.2, 0.8):
            found = density_level(m, prob)
            above = density > found.log_density
            assert len(found.intervals) == np.count_nonzero(above[1:] & ~above[:-1])


@pytest.mark.parametrize("d", [2, 5])
def test_level_of_a_normal_of_several_features(d):
    """Two equal components are one normal, whose level is a quantile of chi-square; the errors are at most four standard ones."""
    X = np.random.default_rng(0).standard_normal((d + 5, d))
    covariance = np.cov(X.T)
    m = bg.Mixture.from_parameters([0.3, 0.7], np.zeros((2, d)), [covariance] * 2)
    height = multivariate_normal(np.zeros(d), covariance).logpdf(np.zeros(d))
    for prob in (0.05, 0.5, 0.95):
        found = density_level(m, prob, seed=1)
        exact = height - gammaincinv(d / 2, prob)
        assert abs(found.log_density - exact) < 4 * found.standard_error
        assert found.standard_error < 0.05
        assert found.intervals is None
    rows = m.sample(200, seed=9)[0]
    tail = gammaincc(d / 2, height - m.log_density(rows))
    error = np.sqrt(tail * (1 - tail) / 100_000)
    assert (np.abs(outlier_scores(m, rows) - tail) < 5 * error + 2e-5).all()


def test_standard_error_of_the_level_is_that_of_repetitions():
    # the standard deviation of 200 levels is known to 5%, and each error estimates it to 10% or so
    _, _, m = problem("VVV", n_features=2)
    found = [density_level(m, 0.9, n_draws=2000, seed=s) for s in range(200)]
    spread = np.std([f.log_density for f in found], ddof=1)
    assert np.mean([f.standard_error for f in found]) == pytest.approx(spread, rel=0.25)


def test_draws_agree_with_the_solution():
    m = on_a_line("overlapping")
    exact = density_level(m, 0.8)
    inside = (m.log_density(m.sample(100_000, seed=7)[0]) > exact.log_density).mean()
    assert inside == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 100_000))


def test_a_region_of_next_to_no_probability_is_the_highest_mode():
    np.testing.assert_allclose(density_level(on_a_line("one"), 1e-20).intervals, [[2.0, 2.0]])


@pytest.mark.parametrize("name", ["overlapping", "far apart", "a spike on a slope"])
def test_scores_of_own_rows_are_uniform_on_a_line(name):
    m = on_a_line(name)
    assert kstest(outlier_scores(m, m.sample(5000, seed=2)[0]), "uniform").pvalue > 1e-4


@structures
def test_scores_of_own_rows_are_uniform(code):
    X, _, m = problem(code, n=3000, n_features=2)
    scores = outlier_scores(m, X)
    assert kstest(scores, "uniform").pvalue > 1e-4
    level = density_level(m, 0.9).log_density  # of the same draws
    np.testing.assert_array_equal(scores < 0.1, m.log_density(X) < level)


def test_scores_far_out():
    one = on_a_line("one")
    np.testing.assert_allclose(outlier_scores(one, [[2.0], [2 + 90.0], [2 - 90.0]]), [1, 2 * norm.sf(30), 2 * norm.sf(30)])
    assert outlier_scores(one, [[1e149]]) == 0
    _, _, m = problem("VVV")
    assert outlier_scores(m, [[1e6, 0, 0]], n_draws=999) == 1 / 1000
    np.testing.assert_array_equal(outlier_scores(m, [[1.0, 0, 0]], seed=3), outlier_scores(m, [[1.0, 0, 0]], seed=3))


@structures
def test_shifting_and_scaling_shifts_and_scales_the_answers(code):
    """Powers of two, so that no rounding moves draws across the level."""
    X, _, m = problem(code, n=50, n_features=2)
    other = bg.Mixture(m.weights, 4 * m.means + 64, 16 * m.covariances, m.structure)
    Y = 4 * X + 64
    np.testing.assert_allclose(quantile(other.marginal([0]), [0.1, 0.9]), 4 * quantile(m.marginal([0]), [0.1, 0.9]) + 64)
    assert density_level(other, 0.9).log_density == pytest.approx(density_level(m, 0.9).log_density - 2 * np.log(4))
    np.testing.assert_allclose(outlier_scores(other, Y), outlier_scores(m, X), atol=2e-5)
    np.testing.assert_allclose(uncertainty(other, Y), uncertainty(m, X), atol=1e-12)
    np.testing.assert_allclose(regression(other, 0, Y[:, :1]).means, 4 * regression(m, 0, X[:, :1]).means + 64)
    np.testing.assert_allclose(score(other, Y), score(m, X) - 2 * np.log(4))


@structures
def test_permuting_components_changes_nothing(code):
    X, _, m = problem(code)
    other = m.permuted([2, 0, 1])
    for found, expected in zip(
        (conditional(other, 0, 0.5).log_density(X[:, 1:]), uncertainty(other, X), cdf(other.marginal([1]), X[:, 1])),
        (conditional(m, 0, 0.5).log_density(X[:, 1:]), uncertainty(m, X), cdf(m.marginal([1]), X[:, 1])),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)
    one, two = merge_components(m, X), merge_components(other, X)
    np.testing.assert_allclose(one.entropies, two.entropies, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(one.counts, two.counts)


def test_uncertainty_is_one_minus_the_largest_responsibility():
    X, _, m = problem("VVV", separation=1.0)
    np.testing.assert_allclose(uncertainty(m, X), 1 - m.responsibilities(X).max(axis=1), atol=1e-14)
    far = bg.Mixture.from_parameters([0.5, 0.5], [[0.0], [20.0]], [[[1.0]], [[1.0]]])
    assert uncertainty(far, [[0.0]])[0] == pytest.approx(np.exp(-200), rel=1e-10)  # which 1 - max would take for 0


# mclust 6.0.0: combi, entPlot's counts and pcws2_reg at these parameters, from an Mclust fit of faithful rounded
WEIGHTS = np.array([0.1743, 0.1283, 0.1016, 0.2131, 0.0775, 0.3051]) / 0.9999
MEANS = [[4.1626, 85.7361], [1.8291, 52.5130], [3.7335, 71.8398], [2.1136, 55.4967], [4.4618, 83.0054], [4.4304, 77.5173]]
COVARIANCES = [
    [[0.18112, 1.24877], [1.24877, 19.94366]],
    [[0.00419, -0.11942], [-0.11942, 25.97257]],
    [[0.35944, 4.72921], [4.72921, 83.48585]],
    [[0.04455, 0.32689], [0.32689, 35.41023]],
    [[0.07105, 0.53399], [0.53399, 4.40313]],
    [[0.09394, 0.39877], [0.39877, 12.54958]],
]
ENTROPIES = [0, 4.37484332960, 27.6123882919, 52.7701245879, 81.8957068101, 114.487563761]
COUNTS = [272, 178, 94, 152, 102]
CLUSTER_SIZES = {6: [49, 42, 15, 52, 27, 87], 5: [48, 42, 104, 52, 26], 4: [154, 42, 52, 24], 3: [154, 94, 24], 2: [178, 94]}


@pytest.fixture(scope="module")
def six():
    return bg.Mixture.from_parameters(WEIGHTS, MEANS, COVARIANCES)


def test_merging_as_mclust_does(six):
    X = bg.load_dataset("faithful")
    found = merge_components(six, X)
    np.testing.assert_allclose(found.entropies, ENTROPIES, rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(found.counts, COUNTS)
    assert found.clusters(5) == ((0,), (1,), (2, 5), (3,), (4,))
    assert found.clusters(3) == ((0, 2, 5), (1, 3), (4,))
    assert found.clusters(2) == ((0, 2, 4, 5), (1, 3))
    for n_clusters, sizes in CLUSTER_SIZES.items():
        np.testing.assert_array_equal(np.bincount(found.labels(n_clusters)), sizes)
    assert (found.suggestion(), found.suggestion(by="clusters")) == (3, 2)
    assert found.summary().loc[3, "merged"] == "(1,) + (3,)"
    assert found.summary()["count"].tolist() == [0, *COUNTS[::-1]]


@structures
def test_entropy_never_rises_as_clusters_merge(code):
    X, _, m = problem(code, n_components=6, n_features=2, separation=1.0)
    found = merge_components(m, X)
    assert (np.diff(found.entropies) >= -1e-12).all()
    assert found.entropies[0] == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(found.labels(6), m.predict(X))
    np.testing.assert_array_equal(found.labels(1), 0)
    for g in range(1, 7):
        np.testing.assert_allclose(found.probabilities(g).sum(axis=1), 1)
        t = found.probabilities(g)
        assert found.entropies[g - 1] == pytest.approx(-(t * np.log(np.where(t > 0, t, 1))).sum(), abs=1e-10)


def test_each_merge_is_the_best_of_all_pairs():
    X, _, m = problem("VVV", n_components=5, n_features=2, separation=1.0)
    found, r = merge_components(m, X), m.responsibilities(X)
    best = min(
        -(t * np.log(t)).sum()
        for a in range(5)
        for b in range(a)
        for t in [np.column_stack([np.delete(r, [a, b], axis=1), r[:, [a, b]].sum(axis=1)])]
    )
    assert found.entropies[3] == pytest.approx(best, rel=1e-10)


def test_row_weights_are_repetitions(six):
    X = bg.load_dataset("faithful").to_numpy()
    v = np.random.default_rng(1).integers(0, 4, len(X))
    weighted, repeated = merge_components(six, X, sample_weight=v), merge_components(six, X.repeat(v, axis=0))
    np.testing.assert_allclose(weighted.entropies, repeated.entropies, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(weighted.counts, repeated.counts)
    assert weighted.merges == repeated.merges


def test_few_components_have_no_elbow():
    for K, suggestion in ((1, None), (2, None), (3, 2)):
        X, _, m = problem("VVV", n_components=K)
        assert merge_components(m, X).suggestion() == suggestion


def test_score_is_the_mean_log_density():
    X, _, m = problem("VVV")
    assert score(m, X) == pytest.approx(m.log_density(X).mean())


def test_cross_validation_leaves_rows_out():
    X = bg.load_dataset("faithful").to_numpy()
    found = cross_validate(X, 2, n_folds=3, seed=3)
    assert found.n_folds == 3
    assert set(np.bincount(found.folds)) == {90, 91}
    for g, rows in enumerate(folds(272, 3, seed_sequence(3))):
        np.testing.assert_array_equal(np.flatnonzero(found.folds == g), rows)
        m = bg.fit_em(np.delete(X, rows, axis=0), 2).mixture
        np.testing.assert_allclose(found.pointwise[rows], m.log_density(X[rows]), atol=1e-3)
    assert found.total == pytest.approx(found.pointwise.sum())
    assert found.standard_error == pytest.approx(np.sqrt(272) * found.pointwise.std(ddof=1))
    assert not found.collapsed
    np.testing.assert_array_equal(cross_validate(X, 2, n_folds=3, seed=3).pointwise, found.pointwise)


def test_cross_validated_density_of_a_normal_is_its_expected_one():
    """What estimating p = 9 parameters loses is p/2 nats in expectation, with the variance p/2, as is what it gains in sample."""
    X, _, truth = problem("VVV", n=2000, n_components=1)
    found = cross_validate(X, 1)
    lost = truth.log_density(X).sum() - found.total
    assert lost == pytest.approx(9 / 2, abs=4 * np.sqrt(9 / 2))
    in_sample = bg.fit_em(X, 1).log_likelihood
    assert in_sample - found.total == pytest.approx(9, abs=3)


def test_row_weights_and_starts_follow_their_rows():
    X, labels, truth = problem("VVV", n=200)
    v = np.random.default_rng(2).integers(1, 3, 200)
    weighted = cross_validate(X, 3, n_folds=4, sample_weight=v, start=labels)
    rows = folds(200, 4, seed_sequence(0))[1]
    kept = np.setdiff1d(np.arange(200), rows)
    m = bg.fit_em(X[kept].repeat(v[kept], axis=0), 3, start=labels[kept].repeat(v[kept])).mixture
    np.testing.assert_allclose(weighted.pointwise[rows], m.log_density(X[rows]), atol=1e-3)
    assert weighted.total == pytest.approx(v @ weighted.pointwise)
    repeated = weighted.pointwise.repeat(v)
    assert weighted.standard_error == pytest.approx(np.sqrt(len(repeated)) * repeated.std(ddof=1))
    assert np.isfinite(cross_validate(X, 3, n_folds=4, start=truth).total)


def test_collapsed_folds_are_flagged():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.standard_normal((40, 2)), np.full((12, 2), 30.0)])
    start = bg.Mixture.from_parameters([0.5, 0.5], [[0.0, 0.0], [30.0, 30.0]], [np.eye(2)] * 2)
    with pytest.warns(ConvergenceWarning, match="Without fold 0, 1, 2 of 0..2.*give a prior"):
        found = cross_validate(X, 2, n_folds=3, start=start)
    assert found.collapsed == (0, 1, 2)
    assert np.isnan(found.pointwise).all()
    assert np.isnan(found.total)
    assert np.isnan(found.standard_error)
    assert np.isfinite(cross_validate(X, 2, n_folds=3, start=start, prior=bg.Prior.mclust(X, 2, "full")).total)


def test_fits_that_are_still_rising_are_told():
    X, _, _ = problem("VVV", separation=1.0)
    with pytest.warns(ConvergenceWarning, match="Without fold 0, 1"):
        found = cross_validate(X, 3, n_folds=2, max_iterations=2, n_init=1)
    assert set(found.statuses) == {Status.MAX_ITERATIONS}
    assert np.isfinite(found.total)


def test_a_fold_whose_rest_cannot_be_fitted_is_named():
    X = np.zeros((20, 1))
    X[0] = 1.0
    with pytest.raises(ValueError, match="do not vary") as caught:
        cross_validate(X, 1, n_folds=20)
    assert "without fold" in caught.value.__notes__[0]


TWO = bg.Mixture.from_parameters([0.4, 0.6], [[0.0, 0.0], [3.0, 1.0]], [np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
ONE = TWO.marginal([0])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: conditional(TWO, [2], [0.0]), r"given must be some of 0..1, each once, got \[2\]"),
        (lambda: conditional(TWO, [0, 0], [0.0, 0.0]), "each once"),
        (lambda: conditional(TWO, [], []), "given must be some"),
        (lambda: conditional(TWO, [0.5], [0.0]), "given must hold integers"),
        (lambda: conditional(TWO, [0, 1], [0.0, 0.0]), "All 2 features are given.*log_density"),
        (lambda: conditional(TWO, [0], [0.0, 1.0]), r"values must have shape \(1,\), got \(2,\)"),
        (lambda: conditional(TWO, [0], [np.nan]), "values must be finite"),
        (lambda: regression(TWO, [0], np.zeros((3, 2))), r"X has 2 columns, and 1 features are given.*X\[:, given\]"),
        (lambda: regression(TWO, [0], [[np.inf]]), "infinite"),
        (lambda: cdf(TWO, 0.0), r"of one feature, and the mixture has 2.*mixture.marginal\(\[0\]\)"),
        (lambda: quantile(TWO, 0.5), r"A quantile is of one feature, and the mixture has 2"),
        (lambda: cdf(ONE, [0.0, np.nan]), "1 entries that are NaN"),
        (lambda: quantile(ONE, [0.5, 1.0]), r"above 0 and below 1, got 1 \(1 entries are not\)"),
        (lambda: quantile(ONE, [np.nan]), "above 0 and below 1, got nan"),
        (lambda: density_level(TWO, 1), "prob must be above 0 and below 1, got 1: 0.9 means"),
        (lambda: density_level(TWO, 0.5, n_draws=0), "n_draws must be at least 1"),
        (lambda: outlier_scores(TWO, [[0.0]]), "1 features, the mixture has 2"),
        (lambda: merge_components(TWO, np.eye(3)), "3 features, the mixture has 2"),
        (lambda: merge_components(TWO, np.eye(2), [1.0]), "sample_weight must have one entry a row"),
        (lambda: merge_components(TWO, np.eye(2)).labels(3), "n_clusters must be at most 2, got 3"),
        (lambda: merge_components(TWO, np.eye(2)).suggestion("row"), "Did you mean 'rows'"),
        (lambda: cross_validate(np.arange(9.0), 1, n_folds=1), "n_folds must be at least 2"),
        (lambda: cross_validate(np.arange(9.0), 1, n_folds=10), "n_folds must be at most 9"),
        (lambda: cross_validate(np.arange(9.0), 1, "fulll", n_folds=3), "Unknown covariance structure 'fulll'"),
        (lambda: cross_validate(np.arange(9.0), 2, n_folds=3, start=[0, 1]), r"start .* must have shape \(9,\)"),
    ],
)
def test_what_cannot_be_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda m: conditional(m, [0], [0.0]),
        lambda m: regression(m, [0], [[0.0]]),
        lambda m: cdf(m, 0.0),
        lambda m: quantile(m, 0.5),
        lambda m: density_level(m, 0.5),
        lambda m: outlier_scores(m, [[0.0]]),
        lambda m: uncertainty(m, [[0.0]]),
        lambda m: merge_components(m, [[0.0], [1.0]]),
        lambda m: score(m, [[0.0]]),
    ],
)
def test_what_is_no_mixture_is_refused(call):
    with pytest.raises(TypeError, match="mixture must be a Mixture, got EMResult"):
        call(bg.fit_em(np.arange(9.0), 1))
