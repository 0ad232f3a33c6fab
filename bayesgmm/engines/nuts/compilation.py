"""From a PyMC model to what nutpie runs, with machine code that outlives the process.

Nutpie's own compile derives the graph of the log density and its gradient and hands it to LLVM in every process anew. Here the
model's numbers (its data, the lengths of its dims, the units in its transforms) are arguments of the compiled function, and a
fingerprint of all the rest finds the machine code before anything is derived. So data of any length and any number of components
have one code, for each number of features, structure and kind of prior. Private to nutpie are ``CompiledPyMCModel`` and the
signatures of its callbacks (checked with 0.16.11); where that class is not what it was, nutpie compiles.
"""

import dataclasses
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numba.core.registry import cpu_target
from numpy.typing import NDArray
from pymc.logprob import conditional_logp
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting import rewrite_graph
from pytensor.graph.traversal import toposort

from bayesgmm.density import SOURCES
from bayesgmm.engines.nuts.convention import EXPAND, LOG_DENSITY, expand, packed, unpacking
from bayesgmm.engines.nuts.machine_code import callback
from bayesgmm.kernels.compilation import sources

type Array = NDArray[np.float64]
type V = Variable[Any, Any]

FIELDS = {  # of nutpie's class
    *("dims", "reparameterized_names", "compiled_logp_func", "compiled_expand_func", "initial_point_func", "shared_data"),
    *("shared_var_keys", "user_data", "n_expanded", "shape_info", "logp_func", "expand_func", "_n_dim", "_shapes", "_coords"),
    "_transform_adapt_args",
}


def compiled_model(model: pm.Model, point: Mapping[str, Array]) -> Any:
    """What ``nutpie.sample`` takes: its draws are of the free variables, or of the random ones where nutpie compiles.

    Parameters
    ----------
    model : pymc.Model
    point : dict
        Any values of the free variables, in their order: they tell the shapes.
    """
    if not nutpie_is_known():
        with pytensor.config.change_flags(numba__fastmath=False):  # else fresh and cached code round differently
            return nutpie.compile_pymc_model(model, backend="numba", var_names=[rv.name for rv in model.free_RVs])
    numbers, transforms = arguments(model)
    key = fingerprint(model, transforms, list(numbers))

    def make() -> Callable[..., Any]:
        inputs, outputs = log_density(model, transforms, list(numbers))
        function = pytensor.function(inputs, outputs, mode="NUMBA", on_unused_input="ignore")
        return unpacking(function.vm.jit_fn, inputs, len(model.free_RVs))

    shapes = [np.shape(value) for value in point.values()]
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes]).tolist()
    return nutpie.compile_pymc.CompiledPyMCModel(
        dims={},
        _coords={},
        _n_dim=ends[-1],
        _shapes=dict(zip(point, shapes, strict=True)),
        compiled_logp_func=callback(key, LOG_DENSITY, make),
        compiled_expand_func=callback(hashed(VERSIONS), EXPAND, lambda: expand),
        initial_point_func=None,
        shared_data={},
        shared_var_keys={},
        user_data=packed(shapes, list(numbers.values())),
        n_expanded=ends[-1],
        shape_info=(list(point), [slice(*pair) for pair in zip([0, *ends], ends, strict=False)], shapes),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )


def nutpie_is_known() -> bool:
    """Whether nutpie has the class that is built here, with the same fields."""
    known = getattr(getattr(nutpie, "compile_pymc", None), "CompiledPyMCModel", None)
    return known is not None and {field.name for field in dataclasses.fields(known)} == FIELDS


def arguments(model: pm.Model) -> tuple[dict[V, Any], list[Any]]:
    """The numbers in a model, by the variable that takes each in the graph; and its transforms with such variables in them."""
    numbers: dict[V, Any] = {}
    for variable in (*model.data_vars, *model.dim_lengths.values()):
        if isinstance(variable, Constant | SharedVariable):
            numbers[variable] = variable.data if isinstance(variable, Constant) else variable.get_value()
    transforms: list[Any] = []
    for variable in model.free_RVs:
        transform = copy(model.rvs_to_transforms[variable])
        for name, value in vars(transform).items() if transform else ():
            if isinstance(value, np.ndarray):
                argument = pt.tensor(name, dtype="float64", shape=value.shape)
                numbers[argument] = value
                setattr(transform, name, argument)
        transforms.append(transform)
    return numbers, transforms


def hashed(told: Any) -> str:
    """A name for what is told."""
    return hashlib.sha256(repr(told).encode()).hexdigest()


VERSIONS = (
    sys.version,
    *(package.__version__ for package in (pm, pytensor, numba, llvmlite, np)),
    cpu_target.target_context.codegen().magic_tuple(),
    SOURCES,
    sources(Path(__file__).parent),
)


def fingerprint(model: pm.Model, transforms: Sequence[Any], inputs: Sequence[V]) -> str:
    """A hash of all that tells the compiled function: the graph of the random variables, and who derives what from it."""
    observed = [model.rvs_to_values[variable] for variable in model.observed_RVs]
    outputs = [*model.free_RVs, *model.observed_RVs, *observed, *model.potentials]
    place: dict[V, Any] = {variable: (i, str(variable.type)) for i, variable in enumerate(inputs)}
    told: list[Any] = [VERSIONS, pytensor.config.get_config_hash(), list(place.values())]
    for i, node in enumerate(toposort(outputs, blockers=inputs)):
        for variable in node.inputs:
            place.setdefault(variable, (_constant(variable), str(variable.type)))
        properties = getattr(node.op, "__props__", ())
        told.append((type(node.op), str(node.op), [(name, getattr(node.op, name)) for name in properties]))
        told.append([place[variable] for variable in node.inputs])
        place.update({variable: (i, j, str(variable.type)) for j, variable in enumerate(node.outputs)})
    told.append([place[variable] for variable in outputs])
    told.append([str(model.rvs_to_values[variable].type) for variable in model.free_RVs])
    attributes = (
        [(name, place.get(x, x)) for name, x in vars(transform).items()] if transform else () for transform in transforms
    )
    return hashed([*told, *zip(map(type, transforms), attributes, strict=True)])


def _constant(variable: V) -> Any:
    return np.asarray(variable.data).tolist() if isinstance(variable, Constant) else None


def log_density(model: pm.Model, transforms: Sequence[Any], arguments: Sequence[V]) -> tuple[list[V], list[V]]:
    """The log density and its gradient as a graph: inputs (the free variables, then the numbers) and outputs.

    Numbers become inputs before anything is derived, or else constants would be merged and folded. The transforms come last,
    for PyMC lets none take its units from outside of the graph of random variables.
    """
    inputs = {x: x.type() if isinstance(x, Constant | SharedVariable) else x for x in arguments}
    free = [model.rvs_to_values[variable] for variable in model.free_RVs]
    observed = [model.rvs_to_values[variable] for variable in model.observed_RVs]
    random = [*model.free_RVs, *model.observed_RVs]
    cloned: list[Any] = clone_replace([*random, *observed, *model.potentials], inputs)
    variables = cloned[: len(random)]
    values = [*(variable.type() for variable in variables[: len(free)]), *cloned[len(random) : len(random) + len(observed)]]
    terms = [*conditional_logp(dict(zip(variables, values, strict=True))).values(), *cloned[len(random) + len(observed) :]]
    constrained: list[Any] = []
    for variable, point, transform in zip(variables, free, transforms, strict=False):
        if transform is not None:
            terms.append(transform.log_jac_det(point, *variable.owner.inputs))
        constrained.append(transform.backward(point, *variable.owner.inputs) if transform else point)
    total: Any = pt.add(*(term.sum() for term in terms))
    (total,) = clone_replace([total], dict(zip(values, constrained, strict=False)), rebuild_strict=False)
    # Without checks: the door has seen to the prior's numbers, and transforms keep within supports.
    total = rewrite_graph(total, include=["canonicalize", "stabilize", "local_remove_check_parameter"])
    slopes: Any = pytensor.grad(total, free)
    return [*free, *inputs.values()], [total, *slopes]
