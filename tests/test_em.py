import threading
import warnings

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

import bayesgmm as bg
from bayesgmm.climb import Climb, Settings, Status
from bayesgmm.covariance import STRUCTURES
from bayesgmm.em import ConvergenceWarning
from bayesgmm.race import race, winner
from bayesgmm.starts import default_starts
from tests.laws import BAYESIAN, PRIORS, problem, structures, structures_both_ways, units_of

FAITHFUL = bg.load_dataset("faithful")
IRIS = bg.load_dataset("iris").drop(columns="species")
GALAXIES = bg.load_dataset("galaxies")

# log-likelihood and, where known, BIC and ICL of R's mclust 6 run to convergence (tolerance 1e-12); our sign
CONVERGED_MCLUST = [
    (FAITHFUL, "EII", 2, -1709.6814, None, None),
    (FAITHFUL, "VII", 2, -1709.5293, None, None),
    (FAITHFUL, "VVI", 2, -1147.8064, None, None),
    (FAITHFUL, "EEE", 2, -1140.1868, None, None),
    (FAITHFUL, "VVV", 2, -1130.2640, None, None),
    (FAITHFUL, "EEE", 3, -1126.3159, 2314.2957, 2358.3894),
    (FAITHFUL, "VEE", 3, -1124.5282, 2321.9318, 2378.6343),
    (FAITHFUL[["eruptions"]], "VII", 2, -276.3600, 580.7491, None),
    (FAITHFUL[["eruptions"]], "EII", 2, -287.2920, 597.0073, None),
    (IRIS, "EEE", 3, -256.3540, None, None),
    (IRIS, "VEV", 2, -215.7260, 561.7285, 561.7289),
    (IRIS, "VVV", 3, -180.1855, None, None),
    (bg.load_dataset("acidity"), "EII", 2, -185.9493, 392.0722, 398.5432),
    (GALAXIES, "VII", 3, -203.1792, 441.6122, 441.6126),
    (bg.load_dataset("galaxies_26960"), "VVV", 3, -203.4820, None, None),
]
# the same as published; mclust stops early, so ours is at least this minus 1e-3
PUBLISHED = [
    (FAITHFUL, "EEE", 3, -1126.326),
    (IRIS, "EEE", 3, -256.3547),
    (IRIS, "VVV", 3, -180.1858),
    (GALAXIES, "VII", 3, -203.1792),
]


@pytest.mark.parametrize(("X", "code", "n_components", "log_likelihood", "bic", "icl"), CONVERGED_MCLUST)
def test_converged_numbers_of_mclust(X, code, n_components, log_likelihood, bic, icl):
    em = bg.fit_em(X, n_components, code)
    assert em.converged
    assert em.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert bic is None or em.bic == pytest.approx(bic, abs=2e-3)
    assert icl is None or em.icl == pytest.approx(icl, abs=5e-3)


@pytest.mark.parametrize(("X", "code", "n_components", "log_likelihood"), PUBLISHED)
def test_at_least_the_published_optimum(X, code, n_components, log_likelihood):
    assert bg.fit_em(X, n_components, code).log_likelihood >= log_likelihood - 1e-3


def test_published_sizes():
    sizes = sorted(np.bincount(bg.fit_em(FAITHFUL, 3, "EEE").mixture.predict(FAITHFUL)))
    assert np.abs(np.subtract(sizes, [40, 97, 135])).max() <= 1  # mclust's early stop puts one row elsewhere
    assert sorted(np.bincount(bg.fit_em(GALAXIES, 3, "VVV").mixture.predict(GALAXIES))) == [3, 7, 72]


SIMULATED, _, _ = bg.simulate(2000, n_components=4, n_features=5, seed=11)


@pytest.mark.parametrize(("X", "n_components"), [(IRIS.to_numpy(), 3), (FAITHFUL.to_numpy(), 2), (SIMULATED, 4)])
@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical"])
def test_scikit_learns_optimum_from_the_same_start(X, n_components, name):
    with pytest.warns(ConvergenceWarning):
        start = bg.fit_em(X, n_components, name, n_init=1, max_iterations=1).mixture
    precisions = np.linalg.inv(start.covariances)
    compact = {
        "full": precisions,
        "tied": precisions[0],
        "diag": np.diagonal(precisions, axis1=1, axis2=2),
        "spherical": precisions[:, 0, 0],
    }[name]
    theirs = GaussianMixture(
        n_components,
        covariance_type=name,
        reg_covar=0,
        tol=1e-12,
        max_iter=10_000,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=compact,
    ).fit(X)
    ours = bg.fit_em(X, n_components, name, start=start, tolerance=1e-10)
    assert ours.log_likelihood == pytest.approx(theirs.score(X) * len(X), abs=1e-6)
    assert ours.bic == pytest.approx(theirs.bic(X), abs=1e-5)
    assert ours.aic == pytest.approx(theirs.aic(X), abs=1e-5)


@pytest.mark.filterwarnings("ignore::bayesgmm.em.ConvergenceWarning")  # two equal components may shift shares for ever
@pytest.mark.parametrize(
    ("code", "name"), [(code, None) for code in STRUCTURES] + [(code, name) for code in BAYESIAN for name in PRIORS]
)
@pytest.mark.parametrize("accelerate", [False, True])
def test_the_objective_never_falls(code, name, accelerate):
    X, _, _ = problem(code, separation=1.0)
    prior = None if name is None else PRIORS[name](X, code)
    most = 60 if name and "lkj" in name else 500  # its M-step is slow
    em = bg.fit_em(X, 4, code, prior, n_init=2, accelerate=accelerate, max_iterations=most)
    for run in em.runs:
        assert (np.diff(run.history) >= -1e-12 * np.abs(run.history[-1])).all()
    spec = em.specification
    assert em.objective == pytest.approx(em.mixture.log_density(X).sum() + spec.log_prior(em.mixture, em.nuisance), rel=1e-12)


@structures_both_ways
def test_shifting_and_scaling_the_data_shifts_and_scales_the_fit(code, with_prior):
    X, _, _ = problem(code)
    factor = units_of(code)
    shift = 3.0 * factor

    def fit(data):
        return bg.fit_em(data, 3, code, bg.Prior.weakly_informative(data, code) if with_prior else None, n_init=2)

    before, after = fit(X), fit(X * factor + shift)
    np.testing.assert_allclose(after.mixture.weights, before.mixture.weights, rtol=1e-6)
    np.testing.assert_allclose((after.mixture.means - shift) / factor, before.mixture.means, atol=1e-6)
    np.testing.assert_allclose(after.mixture.covariances / np.outer(factor, factor), before.mixture.covariances, atol=1e-6)
    jacobian = len(X) * np.log(factor).sum()
    assert after.log_likelihood + jacobian == pytest.approx(before.log_likelihood, abs=1e-6)


@structures
def test_permuted_start_gives_the_permuted_fit(code):
    X, _, truth = problem(code)
    first, second = (bg.fit_em(X, 3, code, start=start).mixture for start in (truth, truth.permuted([1, 2, 0])))
    np.testing.assert_allclose(first.permuted([1, 2, 0]).means, second.means, atol=1e-8)


@structures_both_ways
def test_integer_weights_are_replication(code, with_prior):
    X, _, truth = problem(code, n=150)
    v = np.random.default_rng(0).integers(1, 4, size=150)
    prior = bg.Prior.weakly_informative(X, code) if with_prior else None
    weighted = bg.fit_em(X, 3, code, start=truth, sample_weight=v, prior=prior)
    repeated = bg.fit_em(np.repeat(X, v, axis=0), 3, code, start=truth, prior=prior)
    np.testing.assert_allclose(weighted.mixture.covariances, repeated.mixture.covariances, atol=1e-8)
    assert weighted.bic == pytest.approx(repeated.bic, abs=1e-8)
    assert weighted.icl == pytest.approx(repeated.icl, abs=1e-6)


@structures
def test_one_component_is_the_closed_form(code):
    X, _, _ = problem(code, n_components=1, separation=0)
    em = bg.fit_em(X, 1, code)
    np.testing.assert_allclose(em.mixture.means[0], X.mean(axis=0))
    covariance = np.cov(X.T, bias=True)
    expected = {"II": np.eye(3) * covariance.trace() / 3, "I": np.diag(covariance.diagonal())}
    np.testing.assert_allclose(em.mixture.covariances[0], expected.get(code[1:].lstrip("EV"), covariance), atol=1e-12)


def test_labels_and_mixture_as_start():
    labels = (FAITHFUL["waiting"] > 68).to_numpy().astype(int)
    by_labels = bg.fit_em(FAITHFUL, 2, start=labels)
    by_mixture = bg.fit_em(FAITHFUL, 2, start=by_labels.mixture)
    assert by_labels.log_likelihood == pytest.approx(-1130.2640, abs=1e-3)
    assert by_mixture.n_iterations < by_labels.n_iterations
    assert by_mixture.log_likelihood == pytest.approx(by_labels.log_likelihood, abs=1e-6)


@pytest.mark.parametrize(
    "start", [np.zeros(272, dtype=int), np.zeros(5, dtype=int), "k-means", np.r_[0, np.ones(271, dtype=int)]]
)
def test_impossible_starts_are_refused(start):
    with pytest.raises(ValueError, match="start"):
        bg.fit_em(FAITHFUL, 2, start=start)


def test_spurious_optima_of_iris_lose():
    """Iris, VVV, K = 3 has optima far above the honest -180.19; many starts meet one, and it never wins."""
    em = bg.fit_em(IRIS, 3, n_init=200, seed=3)
    starts = default_starts(em.observations, em.specification, 200, np.random.SeedSequence(3))
    runs = alone(em.observations, em.specification, starts)
    assert max(run.objective for run in runs if run.status is Status.COLLAPSED) > em.log_likelihood + 5
    assert winner(runs, 1e-8).objective == pytest.approx(-180.1855, abs=1e-3)
    assert em.log_likelihood == pytest.approx(-180.1855, abs=1e-3)


def alone(observations, specification, starts, **settings):
    """EM from each start to its own end."""
    return [run for start in starts for run in race(observations, specification, [start], Settings(**settings))]


RACES = [
    ("faithful", 3, "VVV", False),
    ("faithful", 3, "EEE", False),
    ("faithful", 3, "VVV", True),
    ("iris", 3, "VVV", False),
    ("iris", 5, "EEE", True),
    ("galaxies", 3, "VII", False),
    ("galaxies", 5, "VII", True),
    ("acidity", 2, "EII", False),
]


@pytest.mark.parametrize(("name", "n_components", "code", "with_prior"), RACES)
def test_races_of_accelerated_climbs_end_at_the_same_optimum_in_fewer_passes(name, n_components, code, with_prior):
    """As EM alone from the same ten starts, each to its end; each accelerated climb ends where EM alone does or higher."""
    X = bg.load_dataset(name).drop(columns="species", errors="ignore")
    prior = bg.Prior.weakly_informative(X, code) if with_prior else None
    em = bg.fit_em(X, n_components, code, prior)
    starts = list(default_starts(em.observations, em.specification, 10, np.random.SeedSequence(0)))
    plain = alone(em.observations, em.specification, starts, accelerate=False)
    best = winner(plain, 1e-8)
    assert em.objective >= best.objective - 1e-6
    assert em.n_passes < 0.8 * sum(run.n_passes for run in plain)
    assert {run.status for run in em.runs} <= {Status.CONVERGED, Status.OVERTAKEN, Status.COLLAPSED}


def test_equal_starts_are_climbed_from_once():
    """k-means comes to the same two clusters of Old Faithful from any seeds, whatever it calls them."""
    em = bg.fit_em(FAITHFUL, 2, n_init=10)
    assert [run.origin for run in em.runs] == ["k-means++", *5 * ["random"]]
    assert em.n_starts == len(em.runs)
    assert not em.partial


def test_an_accelerated_climb_ends_where_em_does():
    for code in STRUCTURES:
        X, _, truth = problem(code, n=400, separation=1.5)
        fits = [bg.fit_em(X, 3, code, start=truth, accelerate=accelerate, tolerance=1e-10) for accelerate in (False, True)]
        assert fits[1].log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-7)
        np.testing.assert_allclose(fits[1].mixture.means, fits[0].mixture.means, atol=1e-3)
        assert fits[1].n_passes < fits[0].n_passes


def test_overtaken_starts_say_so():
    em = bg.fit_em(FAITHFUL, 3)
    given_up = [run for run in em.runs if run.status is Status.OVERTAKEN]
    assert given_up
    for run in given_up:
        assert run.objective < em.objective
        assert f"another start's {em.objective:.4f}" in run.detail
    assert not em.partial


def test_a_component_on_one_point_is_flagged_and_its_criteria_are_missing():
    X = np.r_[np.random.default_rng(0).normal(size=30), 50.0][:, None]
    with pytest.warns(ConvergenceWarning, match=r"Component 1 collapsed: .* give a prior.*fewer components \(now 2\)"):
        em = bg.fit_em(X, 2, start=np.r_[np.zeros(29, dtype=int), 1, 1])
    assert em.status is Status.COLLAPSED
    assert not em.converged
    assert np.isnan([em.bic, em.aic, em.icl, em.icl_entropy]).all()
    held = bg.fit_em(X, 2, prior=bg.Prior.weakly_informative(X))
    assert held.converged
    assert np.isfinite(held.bic)


def test_running_out_of_iterations_is_told():
    with pytest.warns(ConvergenceWarning, match="Still rising after 2 iterations"):
        em = bg.fit_em(FAITHFUL, 3, max_iterations=2)
    assert em.status is Status.MAX_ITERATIONS
    assert em.n_iterations == 2


def test_regularization_bounds_the_covariances():
    X = np.r_[np.zeros(10), np.random.default_rng(0).normal(5, 1, size=50)][:, None]
    em = bg.fit_em(X, 2, regularization=1e-3)
    assert em.converged
    assert em.mixture.covariances.min() >= 1e-3 * X.var()


def test_threads_change_no_bit_of_a_fit(monkeypatch):
    X, _, truth = problem("VVV", n=20_000)
    fits = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("BAYESGMM_THREADS", threads)
        fits.append(bg.fit_em(X, 3, start=truth, tolerance=1e-3))
    for em in fits[1:]:
        np.testing.assert_array_equal(em.history, fits[0].history)
        np.testing.assert_array_equal(em.mixture.covariances, fits[0].mixture.covariances)


def test_starts_side_by_side_change_no_bit(monkeypatch):
    X, _, _ = problem("VVV", n=60_000, separation=2.0)
    fits, seen = [], set()
    whole = Climb.advance

    def advance(climb, *arguments, **keywords):
        seen.add(threading.current_thread() is threading.main_thread())
        whole(climb, *arguments, **keywords)

    monkeypatch.setattr(Climb, "advance", advance)
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("BAYESGMM_THREADS", threads)
        seen.clear()
        fits.append(bg.fit_em(X, 3, n_init=3, max_iterations=40))
        assert seen == ({True} if threads == "1" else {True, False})  # the leader always runs in the main thread
    for em in fits[1:]:
        for run, other in zip(em.runs, fits[0].runs, strict=True):
            assert (run.status, run.history, run.n_passes) == (other.status, other.history, other.n_passes)
            np.testing.assert_array_equal(run.mixture.covariances, other.mixture.covariances)


def test_same_seed_same_bits_and_seeds_of_every_kind():
    first, second = bg.fit_em(IRIS, 3, seed=5), bg.fit_em(IRIS, 3, seed=np.random.SeedSequence(5))
    np.testing.assert_array_equal(first.mixture.means, second.mixture.means)
    assert bg.fit_em(IRIS, 3, seed=np.random.default_rng(5)).converged


def test_summary_and_text():
    em = bg.fit_em(FAITHFUL, 2)
    table = em.summary()
    assert list(table.columns) == ["weight", "count", "mean[eruptions]", "mean[waiting]", "scale[eruptions]", "scale[waiting]"]
    assert table["count"].sum() == pytest.approx(272)
    assert "converged" in str(em)


@pytest.mark.parametrize(
    ("keywords", "error", "sentence"),
    [
        ({"n_components": 0}, ValueError, "n_components must be at least 1"),
        ({"n_components": True}, TypeError, "n_components must be an integer"),
        ({"n_components": 2.0}, TypeError, "n_components must be an integer"),
        ({"n_components": 300}, ValueError, "272 rows"),
        ({"n_components": 2, "covariance": "VV"}, ValueError, "Unknown covariance structure"),
        ({"n_components": 2, "n_init": 0}, ValueError, "n_init"),
        ({"n_components": 2, "tolerance": -1.0}, ValueError, "tolerance"),
        ({"n_components": 2, "max_iterations": 0}, ValueError, "max_iterations"),
        ({"n_components": 2, "prior": "flat"}, TypeError, "prior must be"),
        ({"n_components": 2, "seed": -1}, TypeError, "seed"),
    ],
)
def test_impossible_settings_are_refused(keywords, error, sentence):
    with pytest.raises(error, match=sentence):
        bg.fit_em(FAITHFUL, **keywords)


def test_starts_that_cannot_work_are_refused_and_empty_components_are_not():
    m = bg.fit_em(FAITHFUL, 2).mixture
    twins = bg.Mixture.from_parameters([0.5, 0.5], m.means[[0, 0]], m.covariances[[0, 0]])
    with pytest.raises(ValueError, match="are equal"):
        bg.fit_em(FAITHFUL, 2, start=twins)
    empty = bg.Mixture.from_parameters([1.0, 0.0], m.means, m.covariances)
    with pytest.warns(ConvergenceWarning, match="Component 1 collapsed: it holds 0 observations"):
        bg.fit_em(FAITHFUL, 2, start=empty)


DEGENERATE = {
    "fewer rows than features": np.random.default_rng(0).normal(size=(4, 6)),
    "a column that is the sum of others": (lambda X: np.c_[X, X.sum(axis=1)])(np.random.default_rng(1).normal(size=(60, 2))),
    "as many rows as components": np.random.default_rng(2).normal(size=(2, 2)),
    "heaped": np.random.default_rng(3).integers(0, 3, size=(60, 2)).astype(float),
}


@pytest.mark.filterwarnings("ignore::bayesgmm.observations.DataWarning")
@pytest.mark.parametrize("X", list(DEGENERATE.values()), ids=list(DEGENERATE))
@pytest.mark.parametrize("n_components", [1, 2])
@pytest.mark.parametrize("with_prior", [False, True])
def test_degenerate_data_end_in_a_sentence(X, n_components, with_prior):
    """Data on a hyperplane have no interior optimum, under the default prior neither: that is told, and nothing crashes."""
    prior = bg.Prior.weakly_informative(X) if with_prior else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        em = bg.fit_em(X, n_components, prior=prior, n_init=4, max_iterations=200)
    assert np.isfinite(em.objective)
    assert em.converged or "fewer components" in em.detail or "Still rising" in em.detail


def test_too_few_distinct_rows_are_refused():
    with pytest.raises(ValueError, match="50 rows, 2 of them distinct, cannot be told apart into 3 components"):
        bg.fit_em(np.repeat([[0.0], [1.0]], 25, axis=0), 3)


@pytest.mark.parametrize("n_components", [4, 5])
def test_components_on_a_handful_of_rows_do_not_win(n_components):
    """Galaxies, K = 5, and iris, VVV, K = 4, have optima with a component on d + 1 or d + 2 rows that lie nearly flat."""
    em = bg.fit_em(GALAXIES, 5) if n_components == 5 else bg.fit_em(IRIS, 4, n_init=60)
    counts = em.mixture.weights * em.n_observations
    assert em.converged
    assert counts.min() > em.specification.structure.least_count(em.observations.n_features)
    assert any(run.status is Status.COLLAPSED for run in em.runs)
