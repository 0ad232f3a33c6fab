"""Maps from free vectors: Numba, NumPy and JAX compute the same, and what is stated of their gradients holds."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():  # PyMC's own imports warn
    warnings.simplefilter("ignore")
    from pymc.distributions.transforms import SimplexTransform

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import NullTypeGradError

from bayesgmm.density import MixtureLogDensity, Simplex
from bayesgmm.density.maps import Factors, LogSimplex
from bayesgmm.density.mixture import MixtureLogLikelihood
from tests.interpreted import PYTHON

SHAPES = [(), (1,), (4,), (2, 3)]


def cases():
    """Each map with its inputs: single vectors and batches, small and large."""
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        for d in (1, 2, 5):
            yield Factors(d), (rng.normal(size=(*shape, d * (d + 1) // 2)), 10.0 ** rng.uniform(-3, 3, d))
        for k in (1, 2, 7):
            yield LogSimplex(), (3 * rng.normal(size=(*shape, k - 1)),)


def agree(one, other):
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("map_of", "inputs"), list(cases()))
def test_numba_numpy_and_jax_agree(map_of, inputs):
    symbols = [pt.as_tensor(x).type() for x in inputs]
    output = map_of(*symbols)
    expected = map_of.compute(*inputs)
    assert np.isfinite(expected).all()
    agree(pytensor.function(symbols, output, mode=PYTHON)(*inputs), expected)
    agree(np.asarray(pytensor.function(symbols, output, mode="JAX")(*inputs)), expected)
    cotangent = np.random.default_rng(1).normal(size=expected.shape)
    back = map_of.back.compute(expected, cotangent, *inputs[1:])
    gradient = pytensor.grad((output * cotangent).sum(), symbols[0])
    agree(pytensor.function(symbols, gradient, mode=PYTHON, on_unused_input="ignore")(*inputs), back)
    agree(np.asarray(pytensor.function(symbols, gradient, mode="JAX", on_unused_input="ignore")(*inputs)), back)


@pytest.mark.parametrize(("map_of", "inputs"), [case for case in cases() if case[1][0].ndim == 2][-4:])
def test_numba_mode_finds_the_functions(map_of, inputs):
    symbols = [pt.as_tensor(x).type() for x in inputs]
    output = map_of(*symbols)
    found = pytensor.function(symbols, [output, pytensor.grad(output.sum(), symbols[0])], mode="NUMBA")(*inputs)
    expected = map_of.compute(*inputs)
    agree(found[0], expected)
    agree(found[1], map_of.back.compute(expected, np.ones(expected.shape), *inputs[1:]))


def test_what_has_no_gradient_says_so():
    free, scale = pt.dvector(), pt.dvector()
    with pytest.raises(NullTypeGradError, match="only the vector has a gradient"):
        pytensor.grad(Factors(2)(free, scale).sum() + scale.sum(), scale)
    cotangent = pt.dvector()
    with pytest.raises(NullTypeGradError, match="a gradient has none"):
        pytensor.grad(LogSimplex.back(LogSimplex()(free), cotangent).sum() + cotangent.sum(), cotangent)


@pytest.mark.parametrize(("map_of", "inputs"), [case for case in cases() if case[1][0].size])  # where there is a gradient
def test_the_gradient_is_that_of_differences(map_of, inputs):
    free, rest = inputs[0], inputs[1:]
    slope = np.random.default_rng(2).normal(size=free.shape)
    middle = map_of.compute(*inputs)
    cotangent = np.random.default_rng(3).normal(size=middle.shape) / np.maximum(np.abs(middle), 1e-2)
    step = 1e-6
    ahead, behind = (map_of.compute(free + sign * step * slope, *rest) for sign in (1, -1))
    by_differences = (cotangent * (ahead - behind)).sum() / (2 * step)
    stated = (map_of.back.compute(middle, cotangent, *rest) * slope).sum()
    np.testing.assert_allclose(stated, by_differences, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("k", [2, 3, 9])
def test_the_simplex_is_pymcs(k):
    """The same free vector, weights and volume, but from one Op."""
    y = 2 * np.random.default_rng(k).normal(size=k - 1)
    free = pt.dvector()
    ours, theirs = (
        pytensor.function([free], [t.backward(free), t.log_jac_det(free), t.forward(t.backward(free))], mode=PYTHON)(y)
        for t in (Simplex(), SimplexTransform())
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours[2], y, rtol=1e-12, atol=1e-12)


def mixture_inputs():
    rng = np.random.default_rng(4)
    roots = rng.normal(size=(3, 2, 4))
    values, weights = rng.normal(size=(100, 2)), rng.normal(size=100)
    return values, weights, np.log(rng.dirichlet(np.ones(3))), rng.normal(size=(3, 2)), np.linalg.cholesky(roots @ roots.mT)


@pytest.mark.parametrize("weights", ["one for all", "one each"])
def test_a_sum_of_log_densities_is_one_pass_without_terms(weights):
    """Value and gradient of the sum are those of the terms, which the graph has no more."""
    inputs = list(mixture_inputs())
    if weights == "one for all":
        inputs[1] = np.ones(1)
    symbols = [pt.as_tensor(x).type() for x in inputs]
    total = MixtureLogDensity()(*symbols)[0].sum()
    graph = pytensor.function(symbols, [total, *pytensor.grad(total, symbols[2:])], mode="NUMBA")
    ops = [type(node.op) for node in graph.maker.fgraph.toposort()]
    assert ops.count(MixtureLogLikelihood) == 1
    assert MixtureLogDensity not in ops
    terms, *slopes = MixtureLogDensity.compute(*inputs)
    for found, expected in zip(graph(*inputs), [terms.sum(), *slopes], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("mode", [PYTHON, "NUMBA"], ids=["Python", "Numba"])
def test_sums_of_derivatives_are_not_taken_for_that_of_terms(mode):
    """Gradients alone, by parameters that several components share, for which derivatives are summed up."""
    values, _, log_weights, means, factors = mixture_inputs()
    _, _, d_means, _ = MixtureLogDensity.compute(values, np.ones(1), log_weights, means, factors)
    shift, root = pt.dscalar(), pt.dmatrix()
    shared = pt.broadcast_to(root, factors.shape)
    for weights, centres, roots, by, at, expected in (
        (pt.full((3,), shift), means, factors, shift, -0.3, None),
        (log_weights, means + shift, factors, shift, 0.0, d_means.sum()),
        (log_weights, means, shared, root, factors[0], None),
    ):
        total = MixtureLogDensity()(values, np.ones(1), weights, centres, roots)[0].sum()
        (gradient,) = pytensor.grad(total, [by])
        alone = pytensor.function([by], gradient, mode=mode)(at)
        both = pytensor.function([by], [total, gradient], mode=mode)(at)
        value = pytensor.function([by], total, mode=mode)
        direction = np.tril(np.random.default_rng(5).normal(size=np.shape(at))) if np.ndim(at) else 1.0
        step = 1e-6
        by_differences = (value(at + step * direction) - value(at - step * direction)) / (2 * step)
        np.testing.assert_allclose((alone * direction).sum(), by_differences, rtol=1e-6)
        np.testing.assert_allclose(both[1], alone, rtol=1e-12)
        np.testing.assert_allclose(both[0], value(at), rtol=1e-12)
        if expected is not None:
            np.testing.assert_allclose(alone, expected, rtol=1e-10)


def test_only_the_sum_of_all_terms_is_replaced():
    inputs = mixture_inputs()
    symbols = [pt.as_tensor(x).type() for x in inputs]
    _, counts, _, _ = MixtureLogDensity()(*symbols)
    graph = pytensor.function(symbols, counts.sum(), mode=PYTHON)
    np.testing.assert_allclose(graph(*inputs), MixtureLogDensity.compute(*inputs)[1].sum(), rtol=1e-12)


def test_terms_that_are_asked_for_are_kept():
    symbols = [pt.as_tensor(x).type() for x in mixture_inputs()]
    terms = MixtureLogDensity()(*symbols)[0]
    graph = pytensor.function(symbols, [terms, terms.sum()], mode=PYTHON)
    ops = [type(node.op) for node in graph.maker.fgraph.toposort()]
    assert ops.count(MixtureLogDensity) == 1
    assert MixtureLogLikelihood not in ops
    found, total = graph(*mixture_inputs())
    np.testing.assert_allclose(total, found.sum(), rtol=1e-12)
