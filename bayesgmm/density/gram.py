"""R R', and its factorisation undone."""

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.link.jax.ops import JAXOp
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.rewriting.basic import register_canonicalize
from pytensor.tensor.rewriting.blockwise import blockwise_of

from bayesgmm.density.one_pass import jit, numba_call


@jit
def _gram(roots):
    d = roots.shape[-1]
    flat = np.ascontiguousarray(roots).reshape((-1, d, d))
    products = np.zeros(flat.shape)
    for b in range(flat.shape[0]):
        for i in range(d):
            for j in range(d):
                for m in range(d):
                    products[b, i, j] += flat[b, i, m] * flat[b, j, m]
    return products.reshape(roots.shape)


@JAXOp.register  # see OnePass
class Gram(Op):
    """R R' for square matrices R (..., d, d), which may be promised to be lower triangular with a positive diagonal.

    The Cholesky factorisation of the product is then rewritten to R. And PyTensor's own matrix products take Numba most of a
    minute to compile for the first time.
    """

    __props__ = ("lower",)
    compute = staticmethod(_gram)

    def __init__(self, lower=False):
        self.lower = lower

    def make_node(self, roots):
        roots = pt.as_tensor(roots, dtype="float64")
        return Apply(self, [roots], [roots.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] @ inputs[0].mT

    def perform_jax(self, roots):
        return roots @ roots.mT

    def infer_shape(self, node, input_shapes):
        return input_shapes

    def pullback(self, inputs, outputs, cotangents):
        return [(cotangents[0] + cotangents[0].mT) @ inputs[0]]


register_funcify_default_op_cache_key(Gram)(numba_call)


@register_canonicalize
@node_rewriter([blockwise_of(Cholesky)])
def _cholesky_of_gram(fgraph, node):
    product = node.inputs[0].owner
    return [product.inputs[0]] if product is not None and product.op == Gram(lower=True) else None


def inverse_of_factored(factors):
    """The inverses of L L' for lower-triangular factors L (..., d, d): covariances of precision factors."""
    return Gram()(inverse_transpose(factors))


def inverse_transpose(factors):
    """L^-T for lower-triangular factors."""
    return pt.linalg.solve_triangular(factors.mT, pt.eye(factors.shape[-1]), lower=False)
