import warnings

import arviz as az
import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import stats

import bayesgmm as bg
from bayesgmm.mixture import Mixture
from bayesgmm.model import free_points
from tests.interpreted import PYTHON
from tests.laws import BAYESIAN, priors, problem, structures_with_priors

FAITHFUL = bg.load_dataset("faithful")


def joint(model, like, jacobian=False):
    """Joint log density and its gradient as functions of the flat vector of free variables, shaped like a given point."""
    logp = model.logp(jacobian=jacobian)
    outputs = [logp, *pytensor.gradient.grad(logp, model.value_vars)]
    function = pytensor.function(model.value_vars, outputs, mode=PYTHON)
    shapes = [np.shape(part) for part in like.values()]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def at(point):
        parts = [part.reshape(shape) for part, shape in zip(np.split(point, ends[:-1]), shapes, strict=True)]
        value, *slopes = function(*parts)
        return float(value), flat(slopes)

    return at


def flat(parts):
    return np.concatenate([np.ravel(part) for part in parts])


def setting(make_prior, code, d, n_components=3):
    X, _, truth = problem(code, n=80, n_features=d, n_components=n_components)
    prior = make_prior(X, code, weights_concentration=1.5)
    return X, truth, bg.Specification(n_components, code, prior), bg.build_model(X, n_components, code, prior)


@structures_with_priors
@priors
@pytest.mark.parametrize(("d", "n_components"), [(1, 1), (3, 3)])
def test_the_model_is_the_specification(make_prior, code, d, n_components):
    """Log density at a random point, gradient against finite differences, and the count of free parameters."""
    X, truth, spec, model = setting(make_prior, code, d, n_components)
    nuisance = spec.prior.covariances.nuisance_mode(spec.structure, truth.covariances)
    nuisance = {name: 1.3 * value for name, value in nuisance.items()}
    (free,) = free_points(model, spec, [(truth, nuisance)])
    at, point = joint(model, free), flat(free.values())
    value, slope = at(point)
    assert value == pytest.approx(spec.log_prior(truth, nuisance) + truth.log_density(X).sum(), rel=1e-9)
    for i in range(len(point)):
        step = 1e-5 * np.eye(len(point))[i]
        assert slope[i] == pytest.approx((at(point + step)[0] - at(point - step)[0]) / 2e-5, rel=1e-5, abs=1e-4)
    sizes = {variable.name: part.size for variable, part in zip(model.free_RVs, free.values(), strict=True)}
    assert sum(size for name, size in sizes.items() if name not in nuisance) == spec.n_parameters(d)


@pytest.mark.parametrize("code", BAYESIAN)
def test_richardson_green_is_the_specification(code):
    X, _, truth = problem(code, n=80, n_features=1)
    prior = bg.Prior.richardson_green(X)
    spec, model = bg.Specification(3, code, prior), bg.build_model(X, 3, code, prior)
    nuisance = prior.covariances.nuisance_mode(spec.structure, truth.covariances)
    (free,) = free_points(model, spec, [(truth, nuisance)])
    expected = spec.log_prior(truth, nuisance) + truth.log_density(X).sum()
    assert joint(model, free)(flat(free.values()))[0] == pytest.approx(expected, rel=1e-12)


def seen(weights, means, covariances):
    """What is compared of prior draws (draws, K, ...): functions that none of the priors leaves undetermined."""
    log_determinants = np.linalg.slogdet(covariances)[1]
    scales = np.sqrt(np.diagonal(covariances, axis1=2, axis2=3))
    return {
        "log weight": np.log(weights[:, 0]),
        "mean": means[:, 0, 0],
        "difference of means": means[:, 1, 1] - means[:, 0, 1],
        "log determinant": log_determinants[:, 0],
        "difference of log determinants": log_determinants[:, 0] - log_determinants[:, 1],
        "log scale": np.log(scales[:, 0, 1]),
        "correlation": covariances[:, 0, 0, 1] / scales[:, 0, 0] / scales[:, 0, 1],
    }


@structures_with_priors
@priors
def test_prior_draws_of_the_model_and_of_the_prior_agree(make_prior, code):
    """Kolmogorov-Smirnov at level 1e-5 each, for 1,000 draws each; about 300 comparisons, so 0.3% for a false alarm in all."""
    X, _, _ = problem(code, n=50, n_features=2, n_components=2)
    prior = make_prior(X, code, weights_concentration=1.5)
    drawn = pm.sample_prior_predictive(
        draws=1000,
        model=bg.build_model(X, 2, code, prior),
        var_names=["weights", "means", "covariances"],
        random_seed=1,
        compile_kwargs={"mode": PYTHON},
    )["prior"]
    ours = [draw.mixture for draw in prior.sample(1000, 2, code, n_features=2, seed=2)]
    names = ("weights", "means", "covariances")
    theirs_seen = seen(*(drawn[name].to_numpy()[0] for name in names))
    for what, values in seen(*(np.array([getattr(mixture, name) for mixture in ours]) for name in names)).items():
        if np.ptp(values) > 1e-9:
            assert stats.ks_2samp(values, theirs_seen[what]).pvalue > 1e-5, what
        else:
            np.testing.assert_allclose(theirs_seen[what], values, atol=1e-9)


@structures_with_priors
@priors
def test_the_gradient_vanishes_at_the_map_of_em(make_prior, code):
    X, _, spec, model = setting(make_prior, code, 2)
    em = bg.fit_em(X, 3, code, spec.prior, n_init=2, tolerance=1e-11)
    (free,) = free_points(model, spec, [(em.mixture, em.nuisance)])
    at = joint(model, free)
    assert np.abs(at(flat(free.values()))[1]).max() < 1e-4
    away = Mixture(em.mixture.weights, em.mixture.means * 1.01, em.mixture.covariances, em.mixture.structure)
    (free,) = free_points(model, spec, [(away, em.nuisance)])
    assert np.abs(at(flat(free.values()))[1]).max() > 0.1


def test_names_dims_and_no_potentials():
    model = bg.build_model(FAITHFUL, 2)
    assert [rv.name for rv in model.free_RVs] == ["weights", "precisions_rate", "precisions", "means"]
    assert model.named_vars_to_dims["means"] == ("component", "feature")
    assert model.named_vars_to_dims["covariances"] == ("component", "feature", "feature2")
    assert list(model.coords["feature"]) == ["eruptions", "waiting"]
    assert model.potentials == []
    assert [rv.name for rv in model.observed_RVs] == ["x"]
    assert not any(model.rvs_to_initial_values.values())


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_free_variables_have_no_units(factor):
    """Data in other units: the same unconstrained point, the same gradient."""
    points, slopes = [], []
    for X in (FAITHFUL, FAITHFUL * factor):
        em = bg.fit_em(X, 2, prior=bg.Prior.weakly_informative(X))
        model = bg.build_model(X, 2)
        (free,) = free_points(model, em.specification, [(em.mixture, em.nuisance)])
        points.append(flat(free.values()))
        slopes.append(joint(model, free, jacobian=True)(points[-1])[1])
    np.testing.assert_allclose(points[0], points[1], atol=1e-6)
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-2)


def test_pymc_users_can_take_the_model_away(faithful_two):
    """Prior and posterior predictive draws and pointwise log-likelihood on the same model."""
    model = bg.build_model(FAITHFUL, 2)
    prior = pm.sample_prior_predictive(draws=200, model=model, random_seed=1)
    assert prior["prior_predictive"]["x"].shape == (1, 200, 272, 2)
    # the prior puts means within the data's range, give or take: half of the drawn ones lie inside it
    inside = (np.abs(prior["prior"]["means"] - [3.35, 69.5]) < 0.6745 * np.array([3.5, 53.0])).mean()
    assert inside == pytest.approx(0.5, abs=0.09)  # 800 draws: five standard errors

    few = faithful_two.tree.isel(draw=slice(0, 50))
    predictive = pm.sample_posterior_predictive(few, model=model, random_seed=1, progressbar=False)["posterior_predictive"]["x"]
    assert predictive.dims == ("chain", "draw", "observation", "feature")
    np.testing.assert_allclose(predictive.mean(("chain", "draw", "observation")), FAITHFUL.mean(), rtol=0.02)

    bare = few.copy()
    del bare["log_likelihood"]
    computed = pm.compute_log_likelihood(bare, model=model, progressbar=False)["log_likelihood"]["x"]
    np.testing.assert_allclose(computed, few["log_likelihood"]["x"], rtol=1e-10)


@pytest.mark.grid
def test_moments_are_matched_on_the_model(faithful_two):
    model, loo = bg.build_model(FAITHFUL, 2), bg.loo(faithful_two)
    worst = float(np.sort(loo.pareto_k)[-2])  # every row is good here, so the threshold is put below the worst
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it may not get below that threshold
        moved = az.loo_moment_match(faithful_two.tree, loo, model=model, var_name="x", k_threshold=worst, reff=1.0)
    assert moved.elpd == pytest.approx(loo.elpd, abs=0.1)
    changed = np.flatnonzero(moved.elpd_i.to_numpy() != loo.elpd_i.to_numpy())
    assert set(changed) <= {int(np.argmax(loo.pareto_k.to_numpy()))}
