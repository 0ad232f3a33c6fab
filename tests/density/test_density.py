import warnings

import numpy as np
import pytest
import scipy.special
import scipy.stats

with warnings.catch_warnings():  # PyMC's own imports warn
    warnings.simplefilter("ignore")
    import pymc as pm

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import NullTypeGradError

from bayesgmm.density import (
    Affine,
    CholeskyFactor,
    GaussianMixture,
    Gram,
    MixtureLogDensity,
    Wishart,
    WishartKernel,
    inverse_of_factored,
)
from bayesgmm.density.mixture import MixtureLogLikelihood
from tests.interpreted import PYTHON

CASES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 4)]


def random_mixture(rng, n_components, n_features):
    roots = rng.normal(size=(n_components, n_features, n_features + 2))
    factors = np.linalg.cholesky(roots @ roots.mT / n_features)
    return rng.dirichlet(np.ones(n_components)), rng.normal(size=(n_components, n_features)), factors


def random_matrix(rng, n_features):
    root = rng.normal(size=(n_features, n_features + 2))
    return root @ root.T


def scipy_log_density(values, weights, means, factors):
    covariances = np.linalg.inv(factors @ factors.mT)
    parts = [scipy.stats.multivariate_normal.logpdf(values, m, s) for m, s in zip(means, covariances, strict=True)]
    return scipy.special.logsumexp(np.log(weights)[:, None] + np.reshape(parts, (len(weights), -1)), axis=0)


def assert_close(actual, expected, tolerance):
    assert np.shape(actual) == np.shape(expected)
    assert np.max(np.abs(actual - expected) / np.maximum(1.0, np.abs(expected))) < tolerance


@pytest.fixture(scope="module")
def mixture_functions():
    """The log density of rows, and derivatives of its sum and of its weighted sum, as functions of numbers."""
    values, v, log_weights, means, factors = pt.dmatrix(), pt.dvector(), pt.dvector(), pt.dmatrix(), pt.dtensor3()
    parameters = [log_weights, means, factors]
    mixture = GaussianMixture.dist(pt.exp(log_weights), means, factors, shape=(values.shape[0], means.shape[1]))
    log_density = pm.logp(mixture, values)
    gradients = [*pt.grad(log_density.sum(), parameters), *pt.grad((v * log_density).sum(), parameters)]
    inputs = [values, v, *parameters]
    outputs = (log_density, gradients)
    return tuple(pytensor.function(inputs, output, on_unused_input="ignore", mode=PYTHON) for output in outputs)


@pytest.mark.parametrize(("n_components", "n_features"), CASES)
def test_mixture_has_the_log_density_of_scipy(mixture_functions, n_components, n_features):
    rng = np.random.default_rng(1)
    weights, means, factors = random_mixture(rng, n_components, n_features)
    values = 3.0 * rng.normal(size=(600, n_features))
    actual = mixture_functions[0](values, np.ones(600), np.log(weights), means, factors)
    assert_close(actual, scipy_log_density(values, weights, means, factors), 1e-12)


@pytest.mark.parametrize(("n_components", "n_features"), CASES)
def test_gradients_are_those_of_finite_differences(mixture_functions, n_components, n_features):
    rng = np.random.default_rng(2)
    weights, means, factors = random_mixture(rng, n_components, n_features)
    values, row_weights = rng.normal(size=(300, n_features)), rng.normal(size=300)  # negative weights among them
    point = [np.log(weights), means, factors]
    log_density, gradient = mixture_functions
    gradients = gradient(values, row_weights, *point)
    for v, parts in ((np.ones(300), gradients[:3]), (row_weights, gradients[3:])):
        assert np.all(parts[2] == np.tril(parts[2]))
        for i in range(3):
            direction = rng.normal(size=point[i].shape)
            direction = np.tril(direction) if i == 2 else direction
            ends = [[x + h * direction if j == i else x for j, x in enumerate(point)] for h in (1e-5, -1e-5)]
            forward, backward = (v @ log_density(values, v, *end) for end in ends)
            assert_close(np.sum(parts[i] * direction), (forward - backward) / 2e-5, 1e-7)


@pytest.mark.parametrize("op", [MixtureLogDensity(), WishartKernel()], ids=str)
def test_python_and_numba_give_the_same_numbers(op):
    rng = np.random.default_rng(3)
    weights, means, factors = random_mixture(rng, 2, 3)
    inputs = [rng.normal(size=(50, 3)), np.ones(50), np.log(weights), means, factors]
    if isinstance(op, WishartKernel):
        inputs = [np.array(3.5), np.ones(2), factors, factors[:1]]
    outputs = op(*[pt.as_tensor(x).type() for x in inputs])
    functions = [pytensor.function(outputs[0].owner.inputs, outputs, mode=mode) for mode in (PYTHON, "NUMBA")]
    for one, other in zip(functions[0](*inputs), functions[1](*inputs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_what_has_no_gradient_says_so():
    rng = np.random.default_rng(4)
    parameters = [pt.as_tensor(x) for x in random_mixture(rng, 2, 2)]
    values = pt.dmatrix()
    total = pm.logp(GaussianMixture.dist(*parameters, shape=(5, 2)), values).sum()
    with pytest.raises(NullTypeGradError, match="only the parameters"):
        pt.grad(total, values)
    with pytest.raises(NotImplementedError, match="cannot be differentiated again"):
        pt.grad(pt.grad(total, parameters[1]).sum(), parameters[1])


def test_mixture_refuses_batches_of_parameters():
    with pytest.raises(ValueError, match="must have shapes"):
        GaussianMixture.dist(np.ones(2) / 2, np.zeros((2, 1)), np.ones((2, 1)))


def test_a_single_row_has_a_log_density():
    weights, means, factors = random_mixture(np.random.default_rng(5), 2, 2)
    row = GaussianMixture.dist(weights, means, factors)
    assert pm.draw(row, mode=PYTHON).shape == (2,)
    assert_close(
        pm.logp(row, np.zeros(2)).eval(mode=PYTHON), scipy_log_density(np.zeros((1, 2)), weights, means, factors)[0], 1e-12
    )


def test_draws_of_the_mixture_have_its_moments():
    """Standardised errors of means and second moments; a right sampler exceeds 5 once in 2e5 such tests."""
    weights, means, factors = random_mixture(np.random.default_rng(6), 3, 2)
    n = 200_000
    draws = pm.draw(GaussianMixture.dist(weights, means, factors, shape=(n, 2)), random_seed=7, mode=PYTHON)
    covariances = np.linalg.inv(factors @ factors.mT)
    products = draws[:, :, None] * draws[:, None, :]
    second = np.einsum("k,kij->ij", weights, covariances + means[:, :, None] * means[:, None, :])
    assert np.all(np.abs(draws.mean(0) - weights @ means) < 5 * draws.std(0) / np.sqrt(n))
    assert np.all(np.abs(products.mean(0) - second) < 5 * products.std(0) / np.sqrt(n))


@pytest.fixture(scope="module")
def wishart_functions():
    """Log densities for one rate matrix and for a rate matrix each, with gradients."""
    c, value, one, many, v = pt.dscalar(), pt.dtensor3(), pt.dmatrix(), pt.dtensor3(), pt.dvector()
    functions = []
    for rate in (one, many):
        factor = pt.linalg.cholesky(rate)
        law = Wishart.dist(c, rate_factor=factor, shape=value.shape)
        log_density = pm.logp(law, value)
        gradients = [g for total in (log_density.sum(), (v * log_density).sum()) for g in pt.grad(total, [value, rate])]
        functions.append(pytensor.function([c, value, rate, v], [log_density, *gradients], mode=PYTHON))
    return functions


@pytest.mark.parametrize(("concentration", "n_features"), [(0.3, 1), (0.7, 2), (3.0, 2), (4.25, 4)])
def test_wishart_has_the_log_density_of_scipy(wishart_functions, concentration, n_features):
    rng = np.random.default_rng(8)
    values = np.array([random_matrix(rng, n_features) for _ in range(3)])
    rates = np.array([random_matrix(rng, n_features) for _ in range(3)])
    for function, rate in zip(wishart_functions, (rates[0], rates), strict=True):
        actual = function(concentration, values, rate, np.ones(3))[0]
        matched = np.broadcast_to(rate, values.shape)
        if n_features == 1:
            expected = scipy.stats.gamma.logpdf(values[:, 0, 0], concentration, scale=1 / matched[:, 0, 0])
        else:
            scales = np.linalg.inv(2 * matched)
            expected = [scipy.stats.wishart.logpdf(p, 2 * concentration, s) for p, s in zip(values, scales, strict=True)]
        assert_close(actual, np.array(expected), 1e-11)


def wishart_formula(value, concentration, rate):
    d = len(value)
    return (
        concentration * np.linalg.slogdet(rate)[1]
        + (concentration - (d + 1) / 2) * np.linalg.slogdet(value)[1]
        - np.trace(rate @ value)
        - scipy.special.multigammaln(concentration, d)
    )


def test_wishart_gradients_are_those_of_the_formula(wishart_functions):
    """d/dP = (c - (d+1)/2) P^-1 - C and d/dC = c C^-1 - P, for symmetric directions."""
    rng = np.random.default_rng(9)
    values, rates = (np.array([random_matrix(rng, 3) for _ in range(4)]) for _ in range(2))
    v, c = rng.normal(size=4), 3.7
    direction = random_matrix(rng, 3)
    for function, rate in zip(wishart_functions, (rates[0], rates), strict=True):
        gradients = function(c, values, rate, v)[1:]
        for weights, (by_value, by_rate) in zip((np.ones(4), v), (gradients[:2], gradients[2:]), strict=True):
            expected = weights[:, None, None] * ((c - 2) * np.linalg.inv(values) - rate)
            assert_close(np.sum(by_value * direction, axis=(-2, -1)), np.sum(expected * direction, axis=(-2, -1)), 1e-10)
            expected = weights[:, None, None] * (c * np.linalg.inv(rate) - values)
            expected = expected.sum(0) if rate.ndim == 2 else expected
            assert_close(np.sum(by_rate * direction, axis=(-2, -1)), np.sum(expected * direction, axis=(-2, -1)), 1e-10)


@pytest.mark.parametrize(("concentration", "n_features"), [(0.8, 1), (1.3, 2), (3.2, 3)])
def test_wishart_draws_have_its_moments(concentration, n_features):
    """E P = c C^-1 and E log|P| = sum_j digamma(c - (j-1)/2) - log|C|, within 5 standard errors."""
    n, rate = 30_000, random_matrix(np.random.default_rng(10), n_features)
    draws = pm.draw(Wishart.dist(concentration, rate, shape=(n, n_features, n_features)), random_seed=11, mode=PYTHON)
    assert np.all(np.abs(draws.mean(0) - concentration * np.linalg.inv(rate)) < 5 * draws.std(0) / np.sqrt(n))
    log_determinants = np.linalg.slogdet(draws)[1]
    expected = scipy.special.digamma(concentration - 0.5 * np.arange(n_features)).sum() - np.linalg.slogdet(rate)[1]
    assert abs(log_determinants.mean() - expected) < 5 * log_determinants.std() / np.sqrt(n)


def test_wishart_refuses_what_it_cannot_be():
    with pytest.raises(ValueError, match="either the rate or its factor"):
        Wishart.dist(3.0)
    with pytest.raises(ValueError, match="must be a scalar"):
        Wishart.dist(np.ones(2), np.eye(2))


def test_gram_is_the_product_with_its_gradient():
    rng = np.random.default_rng(17)
    root, weights = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3, 3))
    symbol = pt.dtensor3()
    totals = [(weights * product).sum() for product in (Gram()(symbol), symbol @ symbol.mT)]
    gram, direct = (pytensor.function([symbol], [total, pt.grad(total, symbol)], mode=PYTHON)(root) for total in totals)
    for one, other in zip(gram, direct, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_factored_precisions_give_covariances():
    factors = random_mixture(np.random.default_rng(18), 3, 2)[2]
    np.testing.assert_allclose(inverse_of_factored(pt.as_tensor(factors)).eval(mode=PYTHON), np.linalg.inv(factors @ factors.mT))


@pytest.mark.parametrize("n_features", [1, 2, 4])
@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_cholesky_factor_is_a_map_with_its_jacobian(n_features, unit):
    rng = np.random.default_rng(12)
    scale = unit * rng.uniform(0.5, 2.0, n_features)
    transform, free = CholeskyFactor(n_features, scale), pt.dvector()
    lower = np.tril_indices(n_features)
    matrix = transform.backward(free)
    jacobian = pytensor.gradient.jacobian(matrix[lower], free)
    log_jacobian = pt.linalg.slogdet(jacobian * np.outer(scale, scale)[lower][:, None])[1]  # in units of one, for accuracy
    value, back, by_autodiff, stated = pytensor.function(
        [free], [matrix, transform.forward(matrix), log_jacobian, transform.log_jac_det(free)], mode=PYTHON
    )(point := rng.normal(size=n_features * (n_features + 1) // 2))
    np.testing.assert_allclose(value, value.T)
    assert np.linalg.eigvalsh(value * np.outer(scale, scale)).min() > 0
    np.testing.assert_allclose(back, point, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_autodiff - np.log(np.outer(scale, scale)[lower]).sum(), stated, rtol=1e-10)


def test_affine_is_a_map_with_its_jacobian():
    location, scale = np.array([70.0, 3e8]), np.array([0.5, 1e8])
    transform, free = Affine(location, scale), pt.dmatrix()
    value = transform.backward(free)
    back, stated = pytensor.function([free], [transform.forward(value), transform.log_jac_det(free)], mode=PYTHON)(
        np.arange(6.0).reshape(3, 2)
    )
    np.testing.assert_allclose(back, np.arange(6.0).reshape(3, 2), atol=1e-12)
    np.testing.assert_allclose(stated, np.broadcast_to(np.log(scale), (3, 2)))


def hierarchical_model(values, n_components):
    d, ranges = values.shape[1], np.ptp(values, axis=0)
    middle = (values.min(0) + values.max(0)) / 2
    with pm.Model() as model:
        weights = pm.Dirichlet("weights", np.ones(n_components))
        means = pm.Normal("means", middle, ranges, shape=(n_components, d), default_transform=Affine(middle, ranges))
        rate = Wishart(
            "rate", 1.2, rate_factor=np.diag(3.0 / ranges), shape=(d, d), default_transform=CholeskyFactor(d, 1 / ranges)
        )
        precisions = Wishart("precisions", 3.1, rate, shape=(n_components, d, d), default_transform=CholeskyFactor(d, ranges))
        GaussianMixture("x", weights, means, pt.linalg.cholesky(precisions), observed=values)
    return model


def test_a_model_holds_the_joint_density_in_the_units_of_the_data():
    rng, units = np.random.default_rng(13), np.array([1e2, 1e-2])
    values = rng.normal(size=(40, 2)) * units + [1e5, 0.0]
    model = hierarchical_model(values, 2)
    weights, means = np.array([0.3, 0.7]), values[:2]
    rate = random_matrix(rng, 2) * np.outer(units, units)
    precisions = np.array([random_matrix(rng, 2) for _ in range(2)]) / np.outer(units, units)
    ranges, middle = np.ptp(values, axis=0), (values.min(0) + values.max(0)) / 2
    expected = (
        scipy.stats.dirichlet.logpdf(weights, np.ones(2))
        + scipy.stats.norm.logpdf(means, middle, ranges).sum()
        + wishart_formula(rate, 1.2, np.diag(9.0 / ranges**2))
        + sum(wishart_formula(p, 3.1, rate) for p in precisions)
        + scipy_log_density(values, weights, means, np.linalg.cholesky(precisions)).sum()
    )
    numbers = {"weights": weights, "means": means, "rate": rate, "precisions": precisions}
    variables = [model[name] for name in numbers]
    free = [pt.as_tensor(x) for x in numbers.values()]
    free = [model.rvs_to_transforms[rv].forward(x, *rv.owner.inputs) for rv, x in zip(variables, free, strict=True)]
    point = {model.rvs_to_values[rv].name: x.eval(mode=PYTHON) for rv, x in zip(variables, free, strict=True)}
    assert_close(model.compile_logp(jacobian=False, mode=PYTHON)(point), expected, 1e-11)


def test_value_and_gradient_of_a_model_take_one_pass_and_no_factorisation():
    model = hierarchical_model(np.random.default_rng(14).normal(size=(30, 2)), 2)
    function = model.compile_fn([model.logp(), model.dlogp()], inputs=model.value_vars, point_fn=False, mode=PYTHON)
    names = [str(node.op) for node in function.maker.fgraph.apply_nodes]
    assert sum(str(MixtureLogLikelihood()) in name for name in names) == 1
    assert not any(str(MixtureLogDensity()) in name for name in names)
    assert sum(str(WishartKernel()) in name for name in names) == 2
    assert not any("Cholesky" in name for name in names)


def test_the_prior_and_its_predictions_can_be_drawn():
    model = hierarchical_model(np.random.default_rng(15).normal(size=(30, 2)), 2)
    weights, precisions, x = pm.draw([model["weights"], model["precisions"], model["x"]], draws=20, random_seed=16, mode=PYTHON)
    np.testing.assert_allclose(weights.sum(-1), 1.0)
    assert np.linalg.eigvalsh(precisions).min() > 0
    assert x.shape == (20, 30, 2)
    assert np.all(np.isfinite(x))
