"""EM where more or less is known than complete rows of unknown components: labels, missing cells, noise, frozen parameters."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg
from bayesgmm import prediction
from bayesgmm.covariance import STRUCTURES
from bayesgmm.frozen import Frozen
from bayesgmm.noise import Noise
from bayesgmm.observations import Observations
from tests.laws import problem, structures, structures_both_ways

FEW = {"draws": 20, "tune": 20, "chains": 1, "progress": False}
FAITHFUL = bg.load_dataset("faithful")


def holes(X, share, seed=0):
    """The data with cells missing at random, at least one left in each row."""
    rng = np.random.default_rng(seed)
    gone = rng.random(X.shape) < share
    gone[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = False
    return np.where(gone, np.nan, X)


def labelled(labels, share, seed=0):
    return np.where(np.random.default_rng(seed).random(len(labels)) < share, labels, -1)


def log_likelihood(mixture, X, labels, weights=None):
    """Row by row from SciPy's normal: of what is known of it, and of its component where that is known."""
    total = 0.0
    for i, row in enumerate(X):
        seen = np.flatnonzero(~np.isnan(row))
        densities = [
            w * multivariate_normal(m[seen], S[np.ix_(seen, seen)]).pdf(row[seen])
            for w, m, S in zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
        ]
        if mixture.noise is not None:
            densities.append(mixture.noise_weight / np.prod((mixture.noise.high - mixture.noise.low)[seen]))
        p = densities[labels[i]] if labels is not None and labels[i] >= 0 else sum(densities)
        total += (1 if weights is None else weights[i]) * np.log(p)
    return total


def everything(code, seed=0, n=150):
    X, labels, truth = problem(code, n=n, separation=2.0, seed=seed)
    return holes(X, 0.2, seed), labelled(labels, 0.2, seed), truth


@structures_both_ways
@pytest.mark.parametrize("accelerate", [False, True])
def test_the_objective_never_falls_and_is_the_likelihood_of_what_is_known(code, with_prior, accelerate):
    X, labels, _ = everything(code)
    prior = bg.Prior.weakly_informative(X, code, allow_missing=True) if with_prior else None
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bg.em.ConvergenceWarning)
        em = bg.fit_em(
            X, 3, code, prior, 2, sample_weight=weights, labels=labels, allow_missing=True, noise=True, accelerate=accelerate
        )
    for run in em.runs:
        assert (np.diff(run.history) >= -1e-12 * np.abs(run.history[-1])).all()
    assert em.log_likelihood == pytest.approx(log_likelihood(em.mixture, X, labels, weights), rel=1e-10)
    assert em.objective == pytest.approx(em.log_likelihood + em.specification.log_prior(em.mixture, em.nuisance), rel=1e-12)
    assert em.mixture.all_weights.sum() == pytest.approx(1)


@structures
def test_a_missing_cell_is_integrated_out(code):
    """The expected statistics against the conditional moments written out row by row."""
    X, _, truth = problem(code, n=40)
    gaps = holes(X, 0.4)
    statistics = truth.expected_statistics(Observations.from_data(gaps, allow_missing=True)).about(np.zeros((3, 3)))
    counts, sums, scatter = np.zeros(3), np.zeros((3, 3)), np.zeros((3, 3, 3))
    for row in gaps:
        seen, gone = np.flatnonzero(~np.isnan(row)), np.flatnonzero(np.isnan(row))
        shares = truth.responsibilities(row[None], allow_missing=True)[0]
        for k in range(3):
            S, m = truth.covariances[k], truth.means[k]
            slopes = S[np.ix_(gone, seen)] @ np.linalg.inv(S[np.ix_(seen, seen)])
            mean, spread = row.copy(), np.zeros((3, 3))
            mean[gone] = m[gone] + slopes @ (row[seen] - m[seen])
            spread[np.ix_(gone, gone)] = S[np.ix_(gone, gone)] - slopes @ S[np.ix_(seen, gone)]
            counts[k] += shares[k]
            sums[k] += shares[k] * mean
            scatter[k] += shares[k] * (np.outer(mean, mean) + spread)
    np.testing.assert_allclose(statistics.counts, counts)
    np.testing.assert_allclose(statistics.sums, sums, atol=1e-10)
    found = scatter if statistics.scatter.ndim == 3 else np.diagonal(scatter, axis1=1, axis2=2)
    np.testing.assert_allclose(statistics.scatter, found, atol=1e-9)


def test_a_row_with_missing_cells_has_its_marginal_density():
    mixture = bg.fit_em(FAITHFUL, 2).mixture
    rows = np.array([[3.0, np.nan], [np.nan, 60.0], [3.0, 60.0]])
    expected = [mixture.marginal([0]).log_density([[3.0]])[0], mixture.marginal([1]).log_density([[60.0]])[0]]
    np.testing.assert_allclose(mixture.log_density(rows, allow_missing=True), [*expected, mixture.log_density(rows[2:])[0]])
    marginals = [mixture.marginal([j]).predict([[value]])[0] for j, value in ((0, 3.0), (1, 60.0))]
    assert list(mixture.predict(rows, allow_missing=True)) == [*marginals, mixture.predict(rows[2:])[0]]
    with pytest.raises(ValueError, match="missing values"):
        mixture.log_density(rows)


def test_a_feature_that_is_missing_in_half_the_rows_is_estimated_as_if_it_were_not():
    """Missing at random given the other feature: the mean of what is seen is far off, the marginal likelihood is not."""
    X, _, _ = bg.simulate(20_000, 1, 2, seed=3)
    X = X @ np.array([[1.0, 0.8], [0.0, 0.6]])
    gaps = X.copy()
    gaps[X[:, 0] > X[:, 0].mean(), 1] = np.nan
    em = bg.fit_em(gaps, 1, allow_missing=True)
    spread = np.sqrt(X.var(axis=0))
    assert abs(np.nanmean(gaps[:, 1]) - X[:, 1].mean()) > 0.2 * spread[1]
    assert np.abs(em.mixture.means[0] - X.mean(axis=0)).max() < 0.05 * spread.max()  # about three standard errors
    np.testing.assert_allclose(em.mixture.covariances[0], np.cov(X.T), rtol=0.1)


def test_what_is_missing_altogether_is_refused():
    with pytest.raises(ValueError, match=r"Columns without any value: 'x2'"):
        bg.fit_em(np.array([[1.0, np.nan], [2.0, np.nan]]), 1, allow_missing=True)
    with pytest.raises(ValueError, match=r"1 rows without any value \(first in row 1\)"):
        bg.fit_em(np.array([[1.0, 2.0], [np.nan, np.nan], [2.0, 1.0]]), 1, allow_missing=True)
    with pytest.raises(ValueError, match="infinite values"):
        bg.fit_em(np.array([[1.0, np.nan], [2.0, np.inf], [2.0, 1.0]]), 1, allow_missing=True)
    with pytest.raises(ValueError, match="allow_missing=True"):
        bg.fit_em(np.array([[1.0, np.nan], [2.0, 3.0], [2.0, 1.0]]), 1)


@structures
def test_all_labels_known_is_one_m_step(code):
    X, labels, _ = problem(code)
    em = bg.fit_em(X, 3, code, labels=labels)
    counts = np.bincount(labels).astype(float)
    means = np.stack([X[labels == k].mean(axis=0) for k in range(3)])
    scatter = np.stack([(X[labels == k] - means[k]).T @ (X[labels == k] - means[k]) for k in range(3)])
    np.testing.assert_allclose(em.mixture.weights, counts / len(X))
    np.testing.assert_allclose(em.mixture.means, means, atol=1e-10)
    np.testing.assert_allclose(em.mixture.covariances, STRUCTURES[code].m_step(counts, scatter), atol=1e-8)
    assert em.icl == pytest.approx(em.bic)


def test_a_few_labels_keep_components_in_their_places_and_help():
    X, labels, truth = bg.simulate(400, 3, 2, separation=2.0, seed=5)
    known = labelled(labels, 0.15)
    em = bg.fit_em(X, 3, labels=known)
    assert em.mixture.predict(X)[known >= 0].tolist() != known[known >= 0].tolist()  # overlap: a label is more than a guess
    assert np.abs(em.mixture.means - truth.means).max() < 1.0  # in the order of the labels
    assert (em.mixture.predict(X) == labels).mean() > (truth.predict(X) == labels).mean() - 0.03
    part = bg.fit_em(X, 4, labels=np.where(labels == 1, 1, -1))
    assert (part.mixture.predict(X)[labels == 1] == 1).mean() > 0.8


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.full(272, 2), "labels name component 2, but the model has 2"),
        (np.full(272, -2), "-1 where it is not known, got -2"),
        (np.zeros(5), "labels .* must have shape"),
        (np.full(272, 0.5), "labels .* must hold integers"),
    ],
)
def test_impossible_labels_are_refused(labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        bg.fit_em(FAITHFUL, 2, labels=labels)


def noisy(seed=0, n=500, n_noise=100):
    X, labels, truth = bg.simulate(n, 2, 2, separation=6.0, seed=seed)
    low, high = X.min(axis=0) - 5, X.max(axis=0) + 5
    dirt = np.random.default_rng(seed).uniform(low, high, (n_noise, 2))
    return np.r_[X, dirt], np.r_[labels, np.full(n_noise, -1)], truth


def test_noise_takes_the_rows_of_no_group():
    X, labels, truth = noisy()
    em = bg.fit_em(X, 2, noise=True)
    assert em.mixture.noise_weight == pytest.approx(100 / 600, abs=0.04)  # about three standard errors
    assert adjusted_rand_score(em.mixture.predict(X), labels) > 0.85
    order = np.argsort(em.mixture.means[:, 0])
    np.testing.assert_allclose(em.mixture.means[order], truth.means[np.argsort(truth.means[:, 0])], atol=0.4)
    assert em.n_parameters == bg.fit_em(X, 2).n_parameters + 1
    np.testing.assert_allclose(em.mixture.noise.high - em.mixture.noise.low, np.ptp(X, axis=0))
    shares = em.mixture.responsibilities(X)
    assert shares.shape == (600, 2)
    assert (shares.sum(axis=1) < 1).all()
    sample, found = em.mixture.sample(5000, seed=1)
    assert (found == -1).mean() == pytest.approx(em.mixture.noise_weight, abs=0.02)
    assert ((sample >= em.mixture.noise.low) & (sample <= em.mixture.noise.high))[found == -1].all()


def test_noise_of_a_volume_is_that_density():
    X, _, _ = noisy()
    by_box = bg.fit_em(X, 2, noise=True)
    by_volume = bg.fit_em(X, 2, noise=float(np.prod(np.ptp(X, axis=0))))
    assert by_volume.log_likelihood == pytest.approx(by_box.log_likelihood, abs=1e-6)
    narrow = Noise(X.min(axis=0) - 1, X.max(axis=0) + 1)
    assert bg.fit_em(X, 2, noise=narrow).mixture.noise.log_density() == pytest.approx(-np.log(np.prod(np.ptp(X, axis=0) + 2)))


@pytest.mark.parametrize("noise", [-1.0, 0.0, "yes", Noise(np.zeros(3), np.ones(3))])
def test_impossible_noise_is_refused(noise):
    with pytest.raises((ValueError, TypeError), match="noise"):
        bg.fit_em(FAITHFUL, 2, noise=noise)


def test_mclusts_likelihood_with_noise():
    """R's mclust 6.0.0, me("VVV", z, Vinv = 1 / V) on faithful and a lattice, from the clusters below, to its end."""
    lattice = np.stack(np.meshgrid(np.linspace(1, 6, 7), np.linspace(30, 110, 7)), axis=-1).reshape(-1, 2)
    X = np.r_[FAITHFUL.to_numpy(), lattice]
    em = bg.fit_em(X, 2, start=(X[:, 1] > 68).astype(int), noise=True, tolerance=1e-10)
    assert em.log_likelihood == pytest.approx(-1516.82844358, abs=1e-3)
    assert em.mixture.noise_weight == pytest.approx(0.1856535556, abs=1e-4)


@pytest.mark.parametrize("code", ["VVV", "VVI", "VII"])
@pytest.mark.parametrize("with_prior", [False, True])
def test_frozen_parameters_do_not_move(code, with_prior):
    X, _, truth = problem(code)
    prior = bg.Prior.weakly_informative(X, code, allow_missing=True) if with_prior else None
    frozen = Frozen(truth, components=[1], weights=[0, 1])
    em = bg.fit_em(X, 3, code, prior, 3, frozen=frozen)
    np.testing.assert_array_equal(em.mixture.means[1], truth.means[1])
    np.testing.assert_array_equal(em.mixture.covariances[1], truth.covariances[1])
    np.testing.assert_allclose(em.mixture.weights[:2], truth.weights[:2], rtol=1e-14)
    assert not np.allclose(em.mixture.means[0], truth.means[0])
    for run in em.runs:
        assert (np.diff(run.history) >= -1e-12 * np.abs(run.history[-1])).all()
    full = bg.fit_em(X, 3, code, prior)
    assert em.objective < full.objective
    assert em.n_parameters == full.n_parameters - 2 - 3 - {"VVV": 6, "VVI": 3, "VII": 1}[code]


@structures
def test_all_frozen_but_the_weights(code):
    X, _, truth = problem(code)
    em = bg.fit_em(X, 3, code, frozen=Frozen(truth, components="all"))
    np.testing.assert_array_equal(em.mixture.covariances, truth.covariances)
    assert em.n_parameters == 2
    shares = truth.responsibilities(X) / truth.weights * em.mixture.weights  # the weights' own EM stands still there
    np.testing.assert_allclose((shares / shares.sum(axis=1, keepdims=True)).mean(axis=0), em.mixture.weights, atol=1e-5)


def test_new_components_beside_known_ones():
    X, labels, truth = bg.simulate(600, 3, 2, separation=8.0, seed=1)
    before = bg.fit_em(X[labels < 2], 2).mixture
    after = bg.fit_em(X, 3, frozen=Frozen(before, components="all")).mixture
    np.testing.assert_array_equal(after.means[:2], before.means)
    assert np.abs(after.means[2] - truth.means[2]).max() < 0.5


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda m: Frozen(m), "Nothing is frozen"),
        (lambda m: Frozen(m, components=[3]), "among 0..1"),
        (lambda m: Frozen(m, components=0), "some numbers of components or 'all'"),
        (lambda m: bg.fit_em(FAITHFUL, 1, frozen=Frozen(m, [1])), "Component 1 is frozen, but the model has 1"),
        (lambda m: bg.fit_em(FAITHFUL, 2, "EEE", frozen=Frozen(m, [1])), "The matrices of EEE are tied"),
        (lambda m: bg.fit_em(FAITHFUL, 2, "VVI", frozen=Frozen(m, [1])), "do not have the structure VVI"),
        (lambda m: bg.fit_em(FAITHFUL, 3, frozen=Frozen(m, weights="all")), "nothing is left"),
        (lambda m: bg.fit_em(FAITHFUL[["waiting"]], 2, frozen=Frozen(m, [1])), "have 2 features"),
        (lambda m: bg.fit_em(FAITHFUL, 2, frozen=m), "frozen must be a Frozen"),
    ],
)
def test_what_cannot_be_frozen_is_refused(make, sentence):
    mixture = bg.fit_em(FAITHFUL, 2).mixture
    with pytest.raises((ValueError, TypeError), match=sentence):
        make(mixture)


def test_integer_weights_are_replication_here_too():
    X, labels, truth = everything("VVV", n=150)
    v = np.random.default_rng(0).integers(1, 4, size=150)
    noise = Noise(np.nanmin(X, axis=0), np.nanmax(X, axis=0))
    same = {"start": truth, "allow_missing": True, "noise": noise}
    weighted = bg.fit_em(X, 3, sample_weight=v, labels=labels, **same)
    repeated = bg.fit_em(np.repeat(X, v, axis=0), 3, labels=np.repeat(labels, v), **same)
    np.testing.assert_allclose(weighted.mixture.covariances, repeated.mixture.covariances, atol=1e-7)
    assert weighted.icl == pytest.approx(repeated.icl, abs=1e-6)


def test_everything_is_saved_and_read(tmp_path):
    X, labels, truth = everything("VVV")
    em = bg.fit_em(X, 3, labels=labels, allow_missing=True, noise=True, frozen=Frozen(truth, [0]), n_init=2)
    em.save(tmp_path / "fit.em")
    back = bg.load(tmp_path / "fit.em")
    np.testing.assert_array_equal(back.observations.values, X)
    np.testing.assert_array_equal(back.observations.labels, labels)
    np.testing.assert_array_equal(back.mixture.all_weights, em.mixture.all_weights)
    np.testing.assert_array_equal(back.mixture.noise.low, em.mixture.noise.low)
    assert (back.bic, back.icl, back.n_parameters) == (em.bic, em.icl, em.n_parameters)
    assert back.specification.frozen.components == (0,)


@pytest.mark.parametrize("start", ["hc", "k-means++", "random", None])
def test_every_start_takes_missing_cells(start):
    X, labels, _ = bg.simulate(500, 3, 3, separation=6.0, seed=1)
    em = bg.fit_em(holes(X, 0.15), 3, start=start, allow_missing=True)
    if start != "random":
        assert adjusted_rand_score(em.mixture.predict(em.observations), labels) > 0.9


def test_units_do_not_matter_with_missing_cells():
    X, _, _ = problem("VVV", separation=4.0)
    gaps, factor = holes(X, 0.2), np.array([1e-6, 1.0, 1e5])
    before, after = (bg.fit_em(data, 3, allow_missing=True, n_init=2) for data in (gaps, gaps * factor + 7))
    np.testing.assert_allclose((after.mixture.means - 7) / factor, before.mixture.means, atol=1e-5)


def test_uncertainty_where_it_is_known_and_a_sentence_where_not():
    X, labels, _ = problem("VVV", n=200, separation=5.0)
    em = bg.fit_em(holes(X, 0.1), 3, labels=labelled(labels, 0.1), allow_missing=True, noise=True, n_init=2)
    with pytest.warns(bg.em.ConvergenceWarning, match=r"missing cells and noise is not known here: use bootstrap\(em\)"):
        assert em.summary(prob=0.9)["weight_se"].isna().all()
    errors = bg.bootstrap(em, 40, progress=False).standard_errors
    assert (errors.means > 0).all()
    with pytest.raises(ValueError, match="kind='nonparametric'"):
        bg.bootstrap(em, 40, "parametric", progress=False)


@pytest.mark.parametrize("frozen", [{"weights": "all"}, {"components": [1]}])
def test_labels_and_frozen_parameters_agree_on_places(frozen):
    X, labels, truth = bg.simulate(300, 3, 2, separation=8.0, seed=2)
    known = np.full(300, -1)
    for k in range(3):
        known[np.flatnonzero(labels == k)[:3]] = k
    for seed in range(4):
        em = bg.fit_em(X, 3, labels=known, frozen=Frozen(truth, **frozen), n_init=1, seed=seed)
        assert (em.mixture.predict(X) == labels).mean() > 0.95


def test_a_frozen_component_of_no_row_has_not_collapsed():
    X, labels, truth = bg.simulate(300, 3, 2, separation=8.0, seed=2)
    em = bg.fit_em(X[labels != 0], 3, frozen=Frozen(truth, [0]))
    assert em.converged
    assert em.mixture.weights[0] < 0.01
    assert np.isfinite(em.bic)


def test_a_class_of_one_row_ends_in_a_sentence():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(size=(60, 3)), rng.normal(size=(60, 3)) + 4]
    labels = np.full(120, -1)
    labels[:3] = [0, 1, 2]
    for code in ("VEE", "VEI", "VEV"):
        for seed in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", bg.em.ConvergenceWarning)
                bg.fit_em(X, 3, code, n_init=2, seed=seed, noise=1e4, labels=labels)


def test_noise_that_had_died_out_comes_back_from_a_start():
    X, _, _ = noisy()
    dead = replace(bg.fit_em(X, 2).mixture, noise=Noise(X.min(axis=0), X.max(axis=0)), noise_weight=0.0)
    em = bg.fit_em(X, 2, start=dead, noise=True)
    assert em.log_likelihood == pytest.approx(bg.fit_em(X, 2, noise=True).log_likelihood, abs=1e-6)


def test_a_fit_frozen_to_a_noisy_mixture_is_read_again(tmp_path):
    X, _, _ = noisy()
    before = bg.fit_em(X, 2, noise=True).mixture
    em = bg.fit_em(X, 3, noise=True, frozen=Frozen(before, components="all"))
    em.save(tmp_path / "fit.em")
    np.testing.assert_array_equal(bg.load(tmp_path / "fit.em").mixture.means, em.mixture.means)
    assert "noise of weight" in str(em)
    assert "frozen: components [0, 1]" in str(em)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m, X: prediction.cdf(m.marginal([0]), 0.0), "of a mixture with noise is not defined: take mixture.without_noise"),
        (lambda m, X: prediction.quantile(m.marginal([0]), 0.5), "noise"),
        (lambda m, X: prediction.density_level(m, 0.5), "noise"),
        (lambda m, X: prediction.outlier_scores(m, X), "noise"),
        (lambda m, X: prediction.conditional(m, [0], [1.0]), "noise"),
        (lambda m, X: prediction.regression(m, [0], X[:, :1]), "noise"),
        (lambda m, X: prediction.merge_components(m, X), "noise"),
        (lambda m, X: bg.compare_em_bayes(bg.fit_em(X, 2, noise=True), bg.fit_bayes(X, 2, **FEW)), "knows nothing of"),
        (
            lambda m, X: bg.likelihood_ratio_test(with_labels(X), 1),
            "no known labels",
        ),
    ],
)
def test_what_noise_and_labels_make_meaningless_is_refused(ask, sentence):
    X, _, _ = noisy(n=100, n_noise=20)
    with pytest.raises(ValueError, match=sentence):
        ask(bg.fit_em(X, 2, noise=True).mixture, X)


def with_labels(X):
    return Observations.from_data(X, labels=np.arange(len(X)) % 5 - 1)


def test_uncertainty_and_cross_validation_know_noise_labels_and_missing_cells():
    X, labels, _ = noisy()
    m = bg.fit_em(X, 2, noise=True).mixture
    np.testing.assert_allclose(prediction.uncertainty(m, X), 1 - m.all_responsibilities(X).max(axis=1), atol=1e-12)
    assert m.without_noise.weights.sum() == pytest.approx(1)
    known, gaps = labelled(labels, 0.3), holes(X, 0.1)
    with_noise, without = (
        bg.cross_validate(gaps, 2, n_folds=3, n_init=2, labels=known, allow_missing=True, noise=noise) for noise in (True, False)
    )
    assert with_noise.total - without.total > 2 * with_noise.standard_error
    assert "Held-out log density of 600 rows in 3 folds" in repr(with_noise)


def test_select_model_takes_them_too():
    X, labels, _ = noisy()
    found = bg.select_model(
        holes(X, 0.1), [1, 2, 3], ["EEE", "VVV"], noise=True, allow_missing=True, labels=labelled(labels, 0.2), progress=False
    )
    assert found.best.specification.n_components == 2
    assert "labels name component 1" in found.table.loc[("VVV", 1), "reason"]
