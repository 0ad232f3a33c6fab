"""Ops whose value and gradient come from one pass of a Numba function."""

import hashlib
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numba
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.jax.ops import JAXOp
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key
from pytensor.scalar import Second
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.shape import Reshape, SpecifyShape

from bayesgmm import kernels
from bayesgmm.kernels.compilation import sources

# Edits must reach the compiled code. PyTensor's disk cache does not see the functions that an Op calls, so their source is part
# of its key; Numba's own (``cache=True``) would not see an edit of the kernels, so the functions of Ops go without.
SOURCES = hashlib.sha256((kernels.SOURCES + sources(Path(__file__).parent)).encode()).hexdigest()
_VERSION = int(SOURCES[:12], 16)

jit: Any = numba.njit(nogil=True, error_model="numpy")


def numba_call(op, node=None, **kwargs):
    """PyTensor's Numba dispatch for Ops that hold a compiled function ``compute``."""
    compute = op.compute

    @numba_njit
    def call(*inputs):
        return compute(*inputs)

    return call, _VERSION


# PyTensor's dispatch for JAX can be imported with JAX only, which is optional and takes seconds. It knows a class that can be had
# without: of a JAXOp it takes the method ``perform_jax``, and whatever has one may be a virtual subclass.
@JAXOp.register
class OnePass(Op):
    r"""Log densities and the gradient of their sum from one pass: abstract, its subclasses hold the formulas.

    Inputs: what is conditioned on; weights v, (n,) or one for all, (1,); then the parameters. Outputs: the terms
    :math:`v_i \log p_i` of a sum S, (n,), and the derivatives of S with respect to each parameter, which are there for the
    pullback and cannot be differentiated again. Where the cotangent is one scalar for all terms, as under ``.sum()``, the
    pullback is that scalar times derivatives that the forward pass has already found; any other cotangent takes the role of the
    weights in a second pass. An Op that is summed has S itself in the place of the terms.
    """

    __props__ = ()
    ndims: tuple[int, ...]
    counted: int  # the input that has a row for each term
    is_summed = False
    compute: Any  # the Numba function from inputs to outputs

    def make_node(self, *inputs):
        inputs = [pt.as_tensor(x, dtype="float64") for x in inputs]
        if tuple(x.type.ndim for x in inputs) != self.ndims:
            raise TypeError(f"{self} takes inputs of {self.ndims} dimensions; got {[x.type for x in inputs]}.")
        value = pt.tensor(dtype="float64", shape=() if self.is_summed else inputs[self.counted].type.shape[:1])
        return Apply(self, inputs, [value, *(x.type() for x in inputs[2:])])

    def perform(self, node, inputs, output_storage):
        for storage, output in zip(output_storage, self.compute(*inputs), strict=True):
            storage[0] = output

    @abstractmethod
    def perform_jax(self, *inputs):
        """The outputs as JAX arrays; called with JAX's tracers while it compiles, so that JAX is imported here."""

    def infer_shape(self, node, input_shapes):
        return [() if self.is_summed else input_shapes[self.counted][:1], *input_shapes[2:]]

    def pullback(self, inputs, outputs, cotangents):
        if any(not isinstance(cotangent.type, DisconnectedType) for cotangent in cotangents[1:]):
            raise NotImplementedError(f"The derivatives that {self} returns cannot be differentiated again.")
        condition, weights, *parameters = inputs
        scalar = _broadcast_scalar(cotangents[0])
        if scalar is not None:
            gradients = [scalar * derivative for derivative in outputs[1:]]
        else:
            gradients = self(condition, weights * cotangents[0], *parameters)[1:]
        return [grad_not_implemented(self, i, inputs[i], "only the parameters have one") for i in range(2)] + gradients


def _broadcast_scalar(cotangent):
    """The scalar that fills a cotangent such as that of ``.sum()``, or None where its entries may differ."""
    while cotangent.type.ndim > 0 and cotangent.owner is not None:
        match cotangent.owner.op:
            case Elemwise(scalar_op=Second()):
                cotangent = cotangent.owner.inputs[1]
            case DimShuffle() | Alloc() | Reshape() | SpecifyShape():
                cotangent = cotangent.owner.inputs[0]
            case _:
                break
    return cotangent if cotangent.type.ndim == 0 else None


register_funcify_default_op_cache_key(OnePass)(numba_call)
