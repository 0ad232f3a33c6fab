"""JAX computes what Numba computes, and nobody else has to import it."""

import subprocess
import sys
import warnings

import arviz as az
import numpy as np
import pytest
import xarray as xr

with warnings.catch_warnings():  # PyMC's own imports warn
    warnings.simplefilter("ignore")
    import pymc as pm

import jax
import pytensor
import pytensor.tensor as pt
from pymc.sampling.jax import get_jaxified_logp

import bayesgmm as bg
from bayesgmm import jax_kernels
from bayesgmm.density import Gram, MixtureLogDensity, WishartKernel, jax_passes
from tests.interpreted import PYTHON
from tests.laws import BAYESIAN, PRIORS, problem

TOLERANCE = 1e-10  # relative to an array's largest entry


def assert_equal(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == np.float64
    assert actual.shape == expected.shape
    assert np.all(np.isfinite(expected))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max(initial=1e-300))


def random_factors(rng, n, d):
    roots = rng.normal(size=(n, d, d + 2))
    return np.linalg.cholesky(roots @ roots.mT / d)


def mixture_inputs(rng, n, n_components, d):
    """Rows of which one in ten lies a thousand standard deviations away, under weights of both signs."""
    values = rng.normal(size=(n, d))
    values[::10] *= 1e3
    log_weights = np.log(rng.dirichlet(np.ones(n_components)))
    return values, rng.normal(size=n), log_weights, rng.normal(size=(n_components, d)), random_factors(rng, n_components, d)


def in_jax(op, inputs):
    symbols = [pt.as_tensor(x).type() for x in inputs]
    return pytensor.function(symbols, op(*symbols), mode="JAX")(*inputs)


@pytest.mark.parametrize(("n_components", "d"), [(1, 1), (2, 2), (50, 3), (3, 20)])
@pytest.mark.parametrize("entries", [2**18, 500], ids=["one block", "many blocks"])
def test_mixture(monkeypatch, entries, n_components, d):
    monkeypatch.setattr(jax_kernels, "block_entries", lambda _: entries)
    inputs = mixture_inputs(np.random.default_rng(1), 303, n_components, d)
    for weights in (inputs[1], np.ones(1)):
        inputs = inputs[0], weights, *inputs[2:]
        actual, expected = in_jax(MixtureLogDensity(), inputs), MixtureLogDensity.compute(*inputs)
        np.testing.assert_allclose(actual[0], expected[0], rtol=TOLERANCE)
        for one, other in zip(actual, expected, strict=True):
            assert_equal(one, other)


def test_mixture_beyond_the_range_of_floats():
    """No component is nearer than another: minus infinity, and equal shares."""
    inputs = mixture_inputs(np.random.default_rng(2), 30, 2, 2)
    inputs[0][7] = 1e200
    actual, expected = in_jax(MixtureLogDensity(), inputs), MixtureLogDensity.compute(*inputs)
    assert np.isinf(actual[0][7])
    np.testing.assert_allclose(actual[0], expected[0], rtol=TOLERANCE)
    assert_equal(actual[1], expected[1])


@pytest.mark.parametrize(("n", "n_rates", "d"), [(1, 1, 1), (5, 1, 3), (5, 5, 3), (50, 1, 2), (3, 3, 20)])
def test_wishart(n, n_rates, d):
    rng = np.random.default_rng(3)
    inputs = np.array(0.5 * d + 0.7), rng.normal(size=n), random_factors(rng, n, d), random_factors(rng, n_rates, d)
    for actual, expected in zip(in_jax(WishartKernel(), inputs), WishartKernel.compute(*inputs), strict=True):
        assert_equal(actual, expected)


@pytest.mark.parametrize("shape", [(1, 1), (4, 3, 3), (2, 3, 20, 20)])
def test_gram(shape):
    roots = np.random.default_rng(4).normal(size=shape)
    assert_equal(in_jax(Gram(), [roots]), Gram.compute(roots))


def test_gradients_that_jax_derives():
    """Of a function of the terms whose cotangent differs from row to row, and that of the rate's factor, one for all."""
    rng = np.random.default_rng(5)
    values, v, *parameters = mixture_inputs(rng, 50, 3, 2)
    terms = MixtureLogDensity.compute(values, v, *parameters)[0]
    expected = MixtureLogDensity.compute(values, v * np.cos(terms), *parameters)[1:]
    actual = jax.jit(jax.grad(lambda x: jax.numpy.sin(jax_passes.mixture_pass(values, v, *x)[0]).sum()))(parameters)
    for one, other in zip(actual, expected, strict=True):
        assert_equal(one, other)
    c, v, factors = np.array(2.5), rng.normal(size=3), [random_factors(rng, 3, 2), random_factors(rng, 1, 2)]
    actual = jax.grad(lambda x: 7.0 * jax_passes.wishart_pass(c, v, *x)[0].sum())(factors)
    for one, other in zip(actual, WishartKernel.compute(c, 7.0 * v, *factors)[1:], strict=True):
        assert_equal(one, other)


def test_what_has_no_gradient_says_so():
    values, v, *parameters = mixture_inputs(np.random.default_rng(6), 5, 2, 2)
    with pytest.raises(NotImplementedError, match="mixture_pass only the parameters"):
        jax.grad(lambda x: jax_passes.mixture_pass(x, v, *parameters)[0].sum())(values)
    with pytest.raises(NotImplementedError, match="cannot be differentiated again"):
        jax.grad(lambda x: jax_passes.mixture_pass(values, v, *x)[2].sum())(parameters)


def compared(name, code):
    """Full matrices for each prior, all structures for one of them, by turns with one feature and one component."""
    i = BAYESIAN.index(code)
    return code == "VVV" or list(PRIORS).index(name) == i


@pytest.mark.parametrize(
    ("name", "code", "size"),
    [
        pytest.param(name, code, size, marks=[] if compared(name, code) and (size > 1 or not i) else pytest.mark.grid)
        for i, name in enumerate(PRIORS)
        for code in BAYESIAN
        for size in (1, 3)
    ],
)
def test_joint_density_and_the_gradient_that_numpyro_follows(name, code, size):
    """For d and K of the given size."""
    X, _, _ = problem(code, n=80, n_features=size, n_components=size)
    model = bg.build_model(X, size, code, PRIORS[name](X, code, weights_concentration=1.5))
    rng = np.random.default_rng(7)
    point = [np.asarray(x) + 0.3 * rng.normal(size=np.shape(x)) for x in model.initial_point().values()]
    logp = model.logp()
    expected = pytensor.function(model.value_vars, [logp, *pt.grad(logp, model.value_vars)], mode=PYTHON)(*point)
    value, slopes = jax.jit(jax.value_and_grad(get_jaxified_logp(model, negative_logp=True)))(point)
    for one, other in zip([value, *slopes], expected, strict=True):
        assert_equal(one, other)


@pytest.mark.parametrize("name", ["hierarchical_wishart", "lkj"])
def test_the_density_that_pytensor_compiles_for_jax(name):
    """Its gradient by PyTensor has a split at K, which is no constant of the model and so nothing that JAX compiles."""
    X, _, _ = problem("VVV", n=80, n_features=2)
    model = bg.build_model(X, 3, prior=PRIORS[name](X, "VVV"))
    point = {name: x + 0.1 for name, x in model.initial_point().items()}
    assert_equal(model.compile_logp(mode="JAX")(point), model.compile_logp(mode=PYTHON)(point))


def seen(posterior):
    """Numbers that do not depend on the labels: components in the order of their first mean."""
    weights, means, covariances = (np.asarray(posterior[name]) for name in ("weights", "means", "covariances"))
    order = means[..., 0].argsort(-1)
    log_determinants = np.linalg.slogdet(covariances)[1]
    columns = [weights, means[..., 0], means[..., 1], log_determinants]
    return xr.Dataset({"seen": (("chain", "draw", "n"), np.concatenate([np.take_along_axis(x, order, -1) for x in columns], -1))})


@pytest.mark.grid
def test_numpyro_draws_from_the_posterior_of_nutpie(faithful_two):
    """Posterior means within 5 standard errors: 8 comparisons, so 5e-6 for a false alarm."""
    drawn = pm.sample(
        draws=1000,
        tune=500,
        chains=2,
        model=bg.build_model(bg.load_dataset("faithful"), 2),
        nuts_sampler="numpyro",
        nuts={"chain_method": "vectorized"},
        random_seed=1,
        progressbar=False,
    )
    assert not drawn["sample_stats"]["diverging"].any()
    one, other = (seen(tree["posterior"]) for tree in (drawn, faithful_two.tree))
    errors = [az.mcse(draws)["seen"].to_numpy() for draws in (one, other)]
    differences = (one.mean(("chain", "draw")) - other.mean(("chain", "draw")))["seen"].to_numpy()
    assert differences.shape == (8,)
    assert np.all(np.abs(differences) < 5 * np.hypot(*errors))


# ArviZ puts a stub named jax among the modules; that jaxlib is there tells whether JAX was imported.
FRESH = """
import sys
import bayesgmm as bg
X, model = bg.load_dataset("faithful")[["eruptions"]], (2, "spherical")
bg.fit_bayes(X, *model, engine="nuts", draws=10, tune=50, chains=1, seed=1, progress=False)
print("jaxlib" in sys.modules)
import pymc as pm
model = bg.build_model(X, *model)
drawn = pm.sample(10, tune=50, chains=2, model=model, nuts_sampler="numpyro", progressbar=False, random_seed=1)
print("jaxlib" in sys.modules, drawn["posterior"]["covariances"].shape)
"""


def test_only_who_asks_for_jax_imports_it():
    """A process that knows nothing but the package: NUTS without JAX, then numpyro."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["False", "True (2, 10, 2, 1, 1)"]
