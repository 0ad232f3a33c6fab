import warnings

import arviz as az
import numpy as np
import pymc as pm
import pytensor
import pytest

import bayesgmm as bg
from bayesgmm.mixture import Mixture
from bayesgmm.model import free_points
from tests.laws import problem, structures

PYTHON = pytensor.compile.Mode("py", "fast_run").excluding("BlasOpt")  # compiling would cost more than computing
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


def setting(code, d, n_components=3):
    X, _, truth = problem(code, n=80, n_features=d, n_components=n_components)
    prior = bg.Prior.weakly_informative(X, code, weights_concentration=1.5)
    return X, truth, bg.Specification(n_components, code, prior), bg.build_model(X, n_components, code, prior)


@structures
@pytest.mark.parametrize(("d", "n_components"), [(1, 1), (1, 3), (2, 1), (3, 3)])
def test_the_model_is_the_specification(code, d, n_components):
    """Log density at a random point, gradient against finite differences, and the count of free parameters."""
    X, truth, spec, model = setting(code, d, n_components)
    nuisance = spec.prior.covariances.nuisance_mode(spec.structure, truth.covariances)
    nuisance = {name: 1.3 * value for name, value in nuisance.items()}
    (free,) = free_points(model, [(truth, nuisance)])
    at, point = joint(model, free), flat(free.values())
    value, slope = at(point)
    assert value == pytest.approx(spec.log_prior(truth, nuisance) + truth.log_density(X).sum(), rel=1e-9)
    for i in range(len(point)):
        step = 1e-5 * np.eye(len(point))[i]
        assert slope[i] == pytest.approx((at(point + step)[0] - at(point - step)[0]) / 2e-5, rel=1e-5, abs=1e-4)
    likelihood = [
        part for name, part in free.items() if name.split("_")[0] in ("weights", "means", "precisions") and "rate" not in name
    ]
    assert flat(likelihood).size == spec.n_parameters(d)


@structures
def test_the_gradient_vanishes_at_the_map_of_em(code):
    X, _, spec, model = setting(code, 2)
    em = bg.fit_em(X, 3, code, spec.prior, tolerance=1e-12)
    (free,) = free_points(model, [(em.mixture, em.nuisance)])
    at = joint(model, free)
    assert np.abs(at(flat(free.values()))[1]).max() < 1e-4
    away = Mixture(em.mixture.weights, em.mixture.means * 1.01, em.mixture.covariances, em.mixture.structure)
    (free,) = free_points(model, [(away, em.nuisance)])
    assert np.abs(at(flat(free.values()))[1]).max() > 0.1


def test_names_dims_and_no_potentials():
    model = bg.build_model(FAITHFUL, 2)
    assert [rv.name for rv in model.free_RVs] == ["weights", "means", "precisions_rate", "precisions"]
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
        (free,) = free_points(model, [(em.mixture, em.nuisance)])
        points.append(flat(free.values()))
        slopes.append(joint(model, free, jacobian=True)(points[-1])[1])
    np.testing.assert_allclose(points[0], points[1], atol=1e-6)
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-2)


def test_pymc_users_can_take_the_model_away(faithful_two):
    """Prior and posterior predictive draws, pointwise log-likelihood, and moment matching on the same model."""
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

    loo = bg.loo(faithful_two)
    worst = float(np.sort(loo.pareto_k)[-2])  # every row is good here, so the threshold is put below the worst
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it may not get below that threshold
        moved = az.loo_moment_match(faithful_two.tree, loo, model=model, var_name="x", k_threshold=worst, reff=1.0)
    assert moved.elpd == pytest.approx(loo.elpd, abs=0.1)
    changed = np.flatnonzero(moved.elpd_i.to_numpy() != loo.elpd_i.to_numpy())
    assert set(changed) <= {int(np.argmax(loo.pareto_k.to_numpy()))}
