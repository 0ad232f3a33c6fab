"""scikit-learn's face: its estimator checks, its numbers from the same start, its attributes, and its places in pipelines."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.mixture
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES
from bayesgmm.sklearn import BayesianGaussianMixture, GaussianMixture

FAITHFUL = bg.load_dataset("faithful")
X = FAITHFUL.to_numpy()
WORDS = {"full": (2, 2, 2), "tied": (2, 2), "diag": (2, 2), "spherical": (2,)}
PARTS = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")
FEW = {"draws": 20, "tune": 10, "chains": 2}

words = pytest.mark.parametrize("word", WORDS)
both = pytest.mark.parametrize(
    "estimator", [GaussianMixture(2), BayesianGaussianMixture(n_components=2, **FEW)], ids=["em", "gibbs"]
)
unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@unconverged
@pytest.mark.filterwarnings("ignore::bayesgmm.observations.DataWarning")  # where SCIPY_ARRAY_API is set: collinear data
@parametrize_with_checks([GaussianMixture(), GaussianMixture(2, max_iter=5, n_init=2), BayesianGaussianMixture(**FEW)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@unconverged
@pytest.mark.parametrize(
    ("theirs", "ours", "missing"),
    [
        (sklearn.mixture.GaussianMixture(2), GaussianMixture(2), set()),
        (
            sklearn.mixture.BayesianGaussianMixture(n_components=2),
            BayesianGaussianMixture(n_components=2, **FEW),
            {"lower_bound_", "lower_bounds_"},
        ),
    ],
)
def test_parameters_and_attributes_are_scikit_learns(theirs, ours, missing):
    assert theirs.get_params().items() <= ours.get_params().items()
    theirs, ours = theirs.fit(FAITHFUL), ours.fit(FAITHFUL)
    assert set(vars(theirs)) - set(vars(ours)) == missing


def same_start(word, n_components=2, **parameters):
    """scikit-learn's fit and ours from where scikit-learn's first M-step ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        begun = sklearn.mixture.GaussianMixture(n_components, covariance_type=word, max_iter=1, random_state=0).fit(X)
    given = {"weights_init": begun.weights_, "means_init": begun.means_, "precisions_init": begun.precisions_}
    common = {"covariance_type": word, **given, **parameters}
    return sklearn.mixture.GaussianMixture(n_components, **common), GaussianMixture(n_components, **common)


@words
@pytest.mark.parametrize("reg_covar", [1e-6, 0.1])
def test_iterates_are_scikit_learns(word, reg_covar):
    theirs, ours = (gm.fit(X) for gm in same_start(word, 3, reg_covar=reg_covar, tol=1e-6, max_iter=2000))
    assert ours.n_iter_ == theirs.n_iter_ > 5
    assert ours.converged_
    np.testing.assert_allclose(ours.lower_bounds_, theirs.lower_bounds_, rtol=1e-11)
    assert ours.lower_bound_ == ours.lower_bounds_[-1]
    for part in PARTS:
        assert getattr(ours, part).shape == getattr(theirs, part).shape
        np.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), rtol=1e-7, atol=1e-12)
    assert ours.bic(X) == pytest.approx(theirs.bic(X), abs=1e-7)
    assert ours.aic(X) == pytest.approx(theirs.aic(X), abs=1e-7)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=1e-10)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), atol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@words
def test_the_best_of_several_starts_is_scikit_learns_optimum(word):
    settings = {"covariance_type": word, "tol": 1e-8, "max_iter": 1000, "n_init": 5, "random_state": 0}
    theirs = sklearn.mixture.GaussianMixture(2, **settings).fit(X)
    for name in ("kmeans", "k-means++", "random", "random_from_data"):
        assert GaussianMixture(2, init_params=name, **settings).fit(X).lower_bound_ == pytest.approx(
            theirs.lower_bound_, abs=1e-6
        )


def test_parameters_set_by_hand_are_taken():
    theirs, ours = sklearn.mixture.GaussianMixture(3, covariance_type="tied", random_state=0).fit(X), GaussianMixture(3)
    ours.set_params(covariance_type="tied")
    for part in PARTS:
        setattr(ours, part, getattr(theirs, part))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)


def test_without_a_ridge_it_is_the_maximum_of_the_likelihood():
    gm = GaussianMixture(2, reg_covar=0, tol=1e-10, max_iter=1000, random_state=0).fit(X)
    em = bg.fit_em(X, 2, start=gm.mixture_)
    assert gm.score(X) * len(X) == pytest.approx(em.log_likelihood, abs=1e-6)


@pytest.mark.parametrize("code", [*STRUCTURES, "tied_diag"])
def test_other_structures_have_expanded_matrices(code):
    iris = bg.load_dataset("iris").iloc[:, :4].to_numpy()
    gm = GaussianMixture(3, covariance_type=code, random_state=0).fit(iris)
    assert gm.covariances_.shape == gm.precisions_.shape == gm.precisions_cholesky_.shape == (3, 4, 4)
    np.testing.assert_allclose(gm.precisions_ @ gm.covariances_, np.broadcast_to(np.eye(4), (3, 4, 4)), atol=1e-9)
    again = GaussianMixture(3, covariance_type=code, max_iter=0, weights_init=gm.weights_, means_init=gm.means_)
    again.set_params(precisions_init=gm.precisions_).fit(iris)
    assert again.score(iris) == pytest.approx(gm.score(iris), rel=1e-9)
    p = bg.Specification(3, code).n_parameters(4)
    assert gm.bic(iris) - gm.aic(iris) == pytest.approx(p * (np.log(150) - 2))


@unconverged
@words
@both
def test_attributes_have_scikit_learns_shapes(estimator, word):
    fitted = clone(estimator).set_params(covariance_type=word, random_state=0).fit(FAITHFUL)
    assert fitted.weights_.shape == (2,)
    assert fitted.means_.shape == (2, 2)
    assert fitted.covariances_.shape == fitted.precisions_.shape == fitted.precisions_cholesky_.shape == WORDS[word]
    assert fitted.n_features_in_ == 2
    assert list(fitted.feature_names_in_) == ["eruptions", "waiting"]
    assert fitted.weights_.sum() == pytest.approx(1)
    roots = fitted._form.expanded(fitted.precisions_cholesky_, 2, 2)
    np.testing.assert_allclose(roots @ roots.swapaxes(1, 2) @ fitted.mixture_.covariances, [np.eye(2)] * 2, atol=1e-9)
    np.testing.assert_array_equal(np.tril(roots, -1), np.zeros((2, 2, 2)))


@unconverged
@both
def test_methods_agree_with_one_another(estimator):
    fitted = clone(estimator).set_params(random_state=1)
    labels = fitted.fit_predict(FAITHFUL)
    np.testing.assert_array_equal(labels, fitted.predict(FAITHFUL))
    shares = fitted.predict_proba(FAITHFUL)
    np.testing.assert_array_equal(labels, shares.argmax(axis=1))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert fitted.score(FAITHFUL) == pytest.approx(fitted.score_samples(FAITHFUL).mean())
    rows, components = fitted.sample(4000)
    np.testing.assert_array_equal(rows, fitted.sample(4000)[0])
    assert np.abs(rows.mean(axis=0) - X.mean(axis=0)).max() < 1.0
    assert np.bincount(components, minlength=2) / 4000 == pytest.approx(fitted.weights_, abs=0.05)
    assert (fitted.predict(pd.DataFrame(rows, columns=FAITHFUL.columns)) == components).mean() > 0.95


@unconverged
@both
def test_the_seed_decides(estimator):
    one, same, other = (clone(estimator).set_params(random_state=seed, n_components=3).fit(X) for seed in (1, 1, 2))
    for part in PARTS:
        np.testing.assert_array_equal(getattr(one, part), getattr(same, part))
    assert not np.array_equal(one.means_, other.means_)


@unconverged
@both
def test_it_lives_in_pipelines_and_files(estimator):
    pipeline = make_pipeline(StandardScaler(), clone(estimator).set_params(random_state=0)).fit(FAITHFUL)
    back = pickle.loads(pickle.dumps(pipeline))  # noqa: S301
    np.testing.assert_array_equal(back.predict_proba(FAITHFUL), pipeline.predict_proba(FAITHFUL))
    assert back.score(FAITHFUL) == pipeline.score(FAITHFUL)
    assert "weights_" not in vars(clone(pipeline[-1]))


def test_the_number_and_the_structure_are_searched_by_held_out_density():
    grid = {"n_components": [1, 2, 3], "covariance_type": ["tied", "VEE"]}
    search = GridSearchCV(GaussianMixture(random_state=0, n_init=3, max_iter=1000), grid, cv=5).fit(
        FAITHFUL.sample(frac=1, random_state=0)
    )
    assert search.best_params_["n_components"] > 1
    assert search.score(FAITHFUL) == search.best_estimator_.score(FAITHFUL)


def test_warm_start_goes_on_where_it_ended():
    gm = GaussianMixture(3, warm_start=True, max_iter=3, tol=1e-6, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Still rising after 3 iterations: raise max_iter or tol"):
        gm.fit(X)
    first = gm.lower_bound_
    assert gm.set_params(max_iter=2000).fit(X).lower_bounds_[0] > first
    assert gm.converged_
    with pytest.raises(ValueError, match=r"goes on from means of shape \(3, 2\).*ask for \(2, 2\): set warm_start=False"):
        gm.set_params(n_components=2).fit(X)


def test_columns_that_do_not_vary_are_held_by_the_ridge():
    wide = np.insert(X, 1, 7.0, axis=1)
    narrow, gm = (GaussianMixture(2, random_state=0).fit(data) for data in (X, wide))
    np.testing.assert_allclose(gm.means_, np.insert(narrow.means_, 1, 7.0, axis=1), rtol=1e-9)
    np.testing.assert_allclose(gm.covariances_[:, 1], [[0, 1e-6, 0]] * 2, atol=1e-15)
    with pytest.raises(ValueError, match=r"A covariance became singular: .* Raise reg_covar \(now 0\)"):
        GaussianMixture(2, reg_covar=0).fit(wide)
    alone = GaussianMixture(2, random_state=0).fit(np.ones((5, 3)))
    np.testing.assert_array_equal(alone.means_, np.ones((2, 3)))


def test_what_only_the_ridge_holds_is_told_and_never_preferred():
    spiked = np.concatenate([X, np.repeat(X[:1] + 30, 3, axis=0)])
    given = {"weights_init": [0.98, 0.02], "means_init": [X.mean(axis=0), X[0] + 30]}
    with pytest.warns(
        ConvergenceWarning, match=r"Component 1 collapsed: it holds 3 .*Its covariance is what reg_covar makes of it"
    ):
        gm = GaussianMixture(2, reg_covar=1e-3, **given).fit(spiked)
    assert not gm.converged_
    np.testing.assert_allclose(gm.covariances_[1], 1e-3 * np.eye(2), rtol=1e-9)
    best = GaussianMixture(2, random_state=0, n_init=10, tol=1e-6, max_iter=500).fit(X)
    assert best.converged_


def test_a_component_that_nobody_comes_from_stays_where_it_is():
    given = {"weights_init": [0.5, 0.5], "means_init": [[3.5, 70.0], [1e6, 1e6]], "precisions_init": np.stack([np.eye(2)] * 2)}
    with pytest.warns(ConvergenceWarning, match="Component 1 collapsed: it holds"):
        gm = GaussianMixture(2, **given).fit(X)
    np.testing.assert_array_equal(gm.means_[1], [1e6, 1e6])
    assert gm.weights_[1] < 1e-15


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"covariance_type": "fulll"}, ValueError, "Unknown covariance structure 'fulll'.*Did you mean 'full'"),
        ({"init_params": "k_means"}, ValueError, "Unknown init_params 'k_means'.*Did you mean"),
        ({"n_components": 0}, ValueError, "n_components must be at least 1"),
        ({"n_components": 2.0}, TypeError, "n_components must be an integer"),
        ({"n_components": 300}, ValueError, "272 rows cannot be told apart into 300 components: use at most 272"),
        ({"tol": -1.0}, ValueError, "tol must be a finite number of at least 0"),
        ({"reg_covar": -1.0}, ValueError, "reg_covar must be a finite number of at least 0"),
        ({"max_iter": -1}, ValueError, "max_iter must be at least 1"),
        ({"means_init": [[0.0, 0.0]]}, ValueError, r"means_init must have shape \(2, 2\), got \(1, 2\)"),
        ({"weights_init": [0.5, 0.6]}, ValueError, "weights must be at least 0 and sum to 1"),
        ({"precisions_init": -np.eye(2)}, ValueError, r"precisions_init must have shape \(2, 2, 2\), got \(2, 2\)"),
        ({"precisions_init": [-np.eye(2)] * 2}, ValueError, "precisions_init must be positive definite"),
    ],
)
def test_what_cannot_be_is_told(parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        GaussianMixture(2).set_params(**parameters).fit(X)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"covariance_type": "VEE"}, "The matrices of VEE are tied in a way for which no prior is defined"),
        ({"weight_concentration_prior_type": "dirichlet"}, "Unknown weight_concentration_prior_type 'dirichlet'"),
        ({"weight_concentration_prior": 0.0}, "weight_concentration_prior must be above 0"),
        ({"mean_precision_prior": 0.0}, "mean_precision_prior must be above 0"),
        ({"mean_prior": [0.0]}, r"mean_prior must have shape \(2,\), got \(1,\)"),
        ({"degrees_of_freedom_prior": 1.0}, "degrees_of_freedom_prior must be above the number of features less one, 1, got 1"),
        ({"covariance_prior": 2.0}, r"covariance_prior must have shape \(2, 2\), got \(\)"),
        ({"draws": 0}, "draws must be at least 1"),
    ],
)
def test_what_cannot_be_believed_is_told(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        BayesianGaussianMixture(n_components=2, **FEW).set_params(**parameters).fit(X)


def test_a_column_that_does_not_vary_has_no_posterior():
    with pytest.raises(ValueError, match="Columns that do not vary cannot be modelled by a density: 'x2'"):
        BayesianGaussianMixture(**FEW).fit(np.insert(X, 1, 7.0, axis=1))


@both
def test_nothing_is_said_before_a_fit(estimator):
    for ask in (lambda e: e.predict(X), lambda e: e.score_samples(X), lambda e: e.sample(), lambda e: e.mixture_):
        with pytest.raises(NotFittedError):
            ask(clone(estimator))


def test_verbose_prints_what_scikit_learn_prints(capsys):
    GaussianMixture(2, random_state=0, verbose=1, verbose_interval=1, n_init=2).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Initialization 0", "  Iteration 1"]
    assert lines.count("Initialization converged.") == 2
    GaussianMixture(2, random_state=0, verbose=2, verbose_interval=1).fit(X)
    assert "ll change" in capsys.readouterr().out


@words
@pytest.mark.parametrize("kind", ["dirichlet_process", "dirichlet_distribution"])
def test_one_component_has_the_posterior_that_is_known(word, kind):
    """Where nothing is factorised the variational posterior is exact; errors are four Monte Carlo ones of 4,000 draws."""
    numbers = {"mean_precision_prior": 5.0, "degrees_of_freedom_prior": 6, "mean_prior": [3.0, 60.0], "random_state": 0}
    settings = {"covariance_type": word, "weight_concentration_prior_type": kind, "reg_covar": 1e-12, **numbers}
    theirs = sklearn.mixture.BayesianGaussianMixture(tol=1e-10, max_iter=1000, **settings).fit(X)
    ours = BayesianGaussianMixture(draws=1000, tune=50, **settings).fit(X)
    for name in ("mean_precision_prior_", "mean_prior_", "degrees_of_freedom_prior_", "covariance_prior_", "mean_precision_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
    np.testing.assert_allclose(ours.degrees_of_freedom_, theirs.degrees_of_freedom_)
    scales = np.sqrt(np.diagonal(theirs_matrices(theirs, word), axis1=1, axis2=2))
    np.testing.assert_allclose((ours.means_ - theirs.means_) / scales, 0, atol=4 / np.sqrt(277 * 4000))
    # a variance has a relative standard deviation of sqrt(2 / nu) in the posterior
    np.testing.assert_allclose(ours.covariances_, theirs.covariances_, rtol=4 * np.sqrt(2 / 278 / 4000))


def theirs_matrices(fitted, word):
    held = fitted.covariances_
    return {"full": held, "tied": held[None]}[word] if word in ("full", "tied") else np.eye(2) * held.reshape(1, 1, -1)


@pytest.mark.parametrize("word", ["full", "diag", "spherical"])
def test_clear_groups_have_scikit_learns_posterior(word):
    data, _, _ = bg.simulate(400, 2, 2, separation=8.0, seed=3)
    settings = {"n_components": 2, "covariance_type": word, "random_state": 0}
    settings["weight_concentration_prior_type"] = "dirichlet_distribution"
    theirs = sklearn.mixture.BayesianGaussianMixture(tol=1e-10, max_iter=1000, **settings).fit(data)
    ours = BayesianGaussianMixture(**settings).fit(data)
    order, other = theirs.weights_.argsort(), ours.weights_.argsort()
    np.testing.assert_allclose(ours.weights_[other], theirs.weights_[order], atol=0.005)
    np.testing.assert_allclose(ours.weight_concentration_[other], theirs.weight_concentration_[order], atol=1.0)
    np.testing.assert_allclose(ours.covariances_[other], theirs.covariances_[order], rtol=0.03, atol=0.03)
    assert (theirs.predict_proba(data)[:, order] - ours.predict_proba(data)[:, other]).max() < 0.02


def test_components_that_are_not_needed_stay_empty():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        bgm = BayesianGaussianMixture(n_components=6, random_state=0).fit(X)
    assert (np.sort(bgm.weights_)[:-2] < 0.01).all()
    assert np.isfinite(bgm.means_).all()
    np.testing.assert_allclose(bgm.means_[bgm.weights_ < 0.01], [X.mean(axis=0)] * 4, atol=10.0)  # as the prior says
    assert bgm.posterior_.permutation is not None
    assert bgm.posterior_.specification.required_prior.weights.concentration == pytest.approx(1 / 36)
    assert bgm.predict_proba(X)[:, bgm.weights_ < 0.01].max() < 0.5


def test_chains_that_do_not_agree_are_told():
    with pytest.warns(ConvergenceWarning, match="The chains have not converged: largest R-hat"):
        bgm = BayesianGaussianMixture(n_components=3, random_state=0, **FEW).fit(X)
    assert not bgm.converged_
    assert bgm.n_iter_ == 30


def test_the_posterior_goes_on_from_the_last_estimate():
    bgm = BayesianGaussianMixture(n_components=2, warm_start=True, random_state=0).fit(X)
    assert bgm.converged_
    assert bgm.fit(X).posterior_.settings["warm_start"] == "Mixture"


def alone(program):
    return subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)


def test_em_needs_neither_pymc_nor_arviz():
    program = (
        "import sys, numpy as np, bayesgmm.sklearn as bs;"
        "bs.GaussianMixture(2, random_state=0).fit(np.random.default_rng(0).normal(size=(50, 2)));"
        "print({'pymc', 'arviz', 'xarray', 'sklearn.cluster'} & set(sys.modules), 'BayesianGaussianMixture' in dir(bs))"
    )
    done = alone(program)
    assert done.stdout == "set() True\n", done.stderr


def test_without_scikit_learn_it_says_how_to_install_it():
    done = alone("import sys; sys.modules['sklearn'] = None; import bayesgmm; import bayesgmm.sklearn")
    assert (
        "ImportError: bayesgmm.sklearn needs scikit-learn, which is not installed: pip install 'bayesgmm[sklearn]'."
        in done.stderr
    )
