"""Maps from free vectors, each an Op of its own with another for its gradient: a graph of few nodes compiles and runs faster."""

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.jax.ops import JAXOp
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from bayesgmm.density.one_pass import jit, numba_call


@JAXOp.register  # see OnePass
class FreeMap(Op):
    """A map of the last axes of its first input, abstract: value and gradient are Ops of their own."""

    compute: Any  # the Numba function from inputs to output

    @abstractmethod
    def output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The output's shape for the first input's, in which None is not known."""

    def make_node(self, *inputs):
        inputs = [pt.as_tensor(x, dtype="float64") for x in inputs]
        return Apply(self, inputs, [pt.tensor(dtype="float64", shape=self.output_shape(inputs[0].type.shape))])

    @abstractmethod
    def formula(self, arrays, *inputs):
        """The same with the functions of a module of arrays, NumPy or JAX: for Numba takes seconds to compile."""

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = self.formula(np, *inputs)

    def perform_jax(self, *inputs):
        import jax.numpy

        return self.formula(jax.numpy, *inputs)

    def infer_shape(self, node, input_shapes):
        return [self.output_shape(input_shapes[0])]

    @abstractmethod
    def pullback(self, inputs, outputs, cotangents):
        """Gradients, of the first input only."""


class Forth(FreeMap):
    """A map whose gradient is found from what comes out, by an Op that takes its output, the cotangent and the other inputs."""

    back: Op

    def pullback(self, inputs, outputs, cotangents):
        others = [grad_not_implemented(self, i, x, "only the vector has a gradient") for i, x in enumerate(inputs) if i > 0]
        return [self.back(outputs[0], cotangents[0], *inputs[1:]), *others]


class Back(FreeMap):
    """The gradient of a map: what comes out has the shape of what the map takes."""

    def pullback(self, inputs, outputs, cotangents):
        return [grad_not_implemented(self, i, x, "a gradient has none") for i, x in enumerate(inputs)]


@jit
def _factors(free, scale):
    d = scale.shape[0]
    rows = np.ascontiguousarray(free).reshape((-1, d * (d + 1) // 2))
    out = np.zeros((rows.shape[0], d, d))
    for b in range(rows.shape[0]):
        at = d
        for i in range(d):
            for j in range(i):
                out[b, i, j] = rows[b, at] / scale[i]
                at += 1
            out[b, i, i] = math.exp(rows[b, i]) / scale[i]
    return out.reshape(free.shape[:-1] + (d, d))


@jit
def _factors_back(factors, cotangents, scale):
    d = scale.shape[0]
    roots = np.ascontiguousarray(factors).reshape((-1, d, d))
    slopes = np.ascontiguousarray(cotangents).reshape((-1, d, d))
    out = np.empty((roots.shape[0], d * (d + 1) // 2))
    for b in range(roots.shape[0]):
        at = d
        for i in range(d):
            for j in range(i):
                out[b, at] = slopes[b, i, j] / scale[i]
                at += 1
            out[b, i] = slopes[b, i, i] * roots[b, i, i]
    return out.reshape(factors.shape[:-2] + (d * (d + 1) // 2,))


class FactorsBack(Back):
    """The gradient of :class:`Factors`."""

    __props__ = ("n_features",)
    compute = staticmethod(_factors_back)

    def __init__(self, n_features):
        self.n_features = n_features

    def output_shape(self, shape):
        return (*shape[:-2], self.n_features * (self.n_features + 1) // 2)

    def formula(self, arrays, factors, cotangents, scale):
        on_diagonal = arrays.diagonal(factors * cotangents, axis1=-2, axis2=-1)
        below = (cotangents / scale[:, None])[..., *np.tril_indices(self.n_features, -1)]
        return arrays.concatenate([on_diagonal, below], axis=-1)


class Factors(Forth):
    """Lower triangular factors (..., d, d) of vectors (..., d (d + 1) / 2) and scales (d,), by which rows are divided.

    A vector holds the logs of the diagonal in units of the scales, then the entries below it row by row.
    """

    __props__ = ("n_features",)
    compute = staticmethod(_factors)

    def __init__(self, n_features):
        self.n_features = n_features
        self.back = FactorsBack(n_features)

    def output_shape(self, shape):
        return (*shape[:-1], self.n_features, self.n_features)

    def formula(self, arrays, free, scale):
        d = self.n_features
        position = np.full((d, d), d * (d + 1) // 2)  # of a zero
        position[np.diag_indices(d)] = np.arange(d)
        position[np.tril_indices(d, -1)] = np.arange(d, d * (d + 1) // 2)
        zero = arrays.zeros((*free.shape[:-1], 1))
        entries = arrays.concatenate([arrays.exp(free[..., :d]), free[..., d:], zero], axis=-1)
        return entries[..., position] / scale[:, None]


@jit
def _log_simplex(free):
    n, k = 1, free.shape[-1] + 1
    for axis in range(free.ndim - 1):  # for vectors without entries cannot be counted
        n *= free.shape[axis]
    rows = np.ascontiguousarray(free).reshape((n, k - 1))
    out = np.empty((n, k))
    for b in range(rows.shape[0]):
        out[b, : k - 1] = rows[b]
        out[b, k - 1] = -rows[b].sum()
        largest = out[b].max()
        out[b] -= largest + math.log(np.exp(out[b] - largest).sum())
    return out.reshape(free.shape[:-1] + (k,))


@jit
def _log_simplex_back(logs, cotangents):
    k = logs.shape[-1]
    points = np.ascontiguousarray(logs).reshape((-1, k))
    slopes = np.ascontiguousarray(cotangents).reshape((-1, k))
    out = np.empty((points.shape[0], k - 1))
    for b in range(points.shape[0]):
        total = slopes[b].sum()
        last = slopes[b, k - 1] - math.exp(points[b, k - 1]) * total
        for j in range(k - 1):
            out[b, j] = slopes[b, j] - math.exp(points[b, j]) * total - last
    return out.reshape(logs.shape[:-1] + (k - 1,))


class LogSimplexBack(Back):
    """The gradient of :class:`LogSimplex`."""

    __props__ = ()
    compute = staticmethod(_log_simplex_back)

    def output_shape(self, shape):
        return (*shape[:-1], None if shape[-1] is None else shape[-1] - 1)

    def formula(self, arrays, logs, cotangents):
        slopes = cotangents - arrays.exp(logs) * cotangents.sum(-1, keepdims=True)
        return slopes[..., :-1] - slopes[..., -1:]


class LogSimplex(Forth):
    """Logarithms (..., K) of weights that sum to one, from vectors (..., K - 1).

    A vector holds the logs of all but the last weight, less the mean of all.
    """

    __props__ = ()
    compute = staticmethod(_log_simplex)
    back = LogSimplexBack()

    def output_shape(self, shape):
        return (*shape[:-1], None if shape[-1] is None else shape[-1] + 1)

    def formula(self, arrays, free):
        logs = arrays.concatenate([free, -free.sum(-1, keepdims=True)], axis=-1)
        logs = logs - logs.max(-1, keepdims=True)
        return logs - arrays.log(arrays.exp(logs).sum(-1, keepdims=True))


register_funcify_default_op_cache_key(FreeMap)(numba_call)
