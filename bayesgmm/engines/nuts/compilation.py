"""From a PyMC model to what nutpie runs, with machine code that outlives the process.

Nutpie's own compile derives the graph of the log density and its gradient and hands it to LLVM in every process anew. Here the
model's numbers (its data, the lengths of its dims, the units in its transforms) are arguments of the compiled function, and a
fingerprint of all the rest finds the machine code before anything is derived. So data of any length and any number of components
have one code, for each number of features, structure and kind of prior. Private to nutpie are ``CompiledPyMCModel`` and the
signatures of its callbacks (checked with 0.16.11); where that class is not what it was, nutpie compiles.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import llvmlite
import numba
import nutpie
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numba import types
from numba.core.registry import cpu_target
from numpy.typing import NDArray
from pymc.logprob import conditional_logp
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting import rewrite_graph
from pytensor.graph.traversal import toposort

from bayesgmm.density import SOURCES
from bayesgmm.engines.nuts.machine_code import callback
from bayesgmm.kernels.compilation import sources

type Array = NDArray[np.float64]

NUMBERS = types.CPointer(types.double)
LOG_DENSITY = types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, types.voidptr)  # size, point, gradient, value, numbers
EXPAND = types.int64(types.uint64, types.uint64, NUMBERS, NUMBERS, types.voidptr)  # size, size, point, the same again, numbers
FIELDS = {  # of nutpie's class
    *("dims", "reparameterized_names", "compiled_logp_func", "compiled_expand_func", "initial_point_func", "shared_data"),
    *("shared_var_keys", "user_data", "n_expanded", "shape_info", "logp_func", "expand_func", "_n_dim", "_shapes", "_coords"),
    "_transform_adapt_args",
}
MODE = "NUMBA"


def compiled_model(model: pm.Model, point: Mapping[str, Array]) -> Any:
    """What ``nutpie.sample`` takes, its variables being the free ones.

    Parameters
    ----------
    model : pymc.Model
    point : dict
        Any values of the free variables, in their order: they tell the shapes.
    """
    if not nutpie_is_known():
        with pytensor.config.change_flags(numba__fastmath=False):  # else fresh and cached code round differently
            return nutpie.compile_pymc_model(model, backend="numba", var_names=[])
    numbers, transforms = arguments(model)
    variables = [model.rvs_to_values[variable] for variable in model.free_RVs]
    key = fingerprint(model, transforms, list(numbers))

    def make() -> Callable[..., Any]:
        return unpacking(log_density(model, transforms, list(numbers)), [*variables, *numbers], len(variables))

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


def arguments(model: pm.Model) -> tuple[dict[Variable, Any], list[Any]]:
    """The numbers in a model, by the variable that takes each in the graph; and its transforms with such variables in them."""
    shared = [*model.data_vars, *model.dim_lengths.values()]
    numbers = {variable: variable.get_value() for variable in shared if isinstance(variable, SharedVariable)}
    transforms = []
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
    *(package.__version__ for package in (pm, pytensor, numba, llvmlite, np)),
    cpu_target.target_context.codegen().magic_tuple(),
    SOURCES,
    sources(Path(__file__).parent),
)


def fingerprint(model: pm.Model, transforms: Sequence[Any], inputs: Sequence[Variable]) -> str:
    """A hash of all that determines the compiled function: the graph of the model's random variables, and who derives what from it."""
    observed = [model.rvs_to_values[variable] for variable in model.observed_RVs]
    outputs = [*model.free_RVs, *model.observed_RVs, *observed, *model.potentials]
    place: dict[Variable, Any] = {variable: (i, str(variable.type)) for i, variable in enumerate(inputs)}
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
    for transform in transforms:
        told.append((type(transform), [(name, place.get(x, x)) for name, x in vars(transform).items()] if transform else ()))
    return hashed(told)


def _constant(variable: Variable) -> Any:
    return np.asarray(variable.data).tolist() if isinstance(variable, Constant) else None


def log_density(model: pm.Model, transforms: Sequence[Any], inputs: Sequence[Variable]) -> Any:
    """The Numba function from values of the free variables and numbers to the log density and its gradient."""
    constrained = {variable: variable.type() for variable in model.free_RVs}
    observed = {variable: model.rvs_to_values[variable] for variable in model.observed_RVs}
    terms = [*conditional_logp(constrained | observed).values(), *model.potentials]
    free = [model.rvs_to_values[variable] for variable in model.free_RVs]
    replaced: dict[Variable, Variable] = {}
    for variable, point, transform in zip(model.free_RVs, free, transforms, strict=True):
        if transform is not None:
            terms.append(transform.log_jac_det(point, *variable.owner.inputs))
        replaced[constrained[variable]] = transform.backward(point, *variable.owner.inputs) if transform else point
    (total,) = clone_replace([pt.sum([term.sum() for term in terms])], replaced, rebuild_strict=False)
    # The door has checked the prior's numbers, and transforms keep within supports.
    total = rewrite_graph(total, include=["canonicalize", "stabilize", "local_remove_check_parameter"])
    outputs = [total, *pytensor.grad(total, free)]
    arguments = [variable.type() for variable in inputs]
    outputs = clone_replace(outputs, dict(zip(inputs, arguments, strict=True)))
    function = pytensor.function([*free, *arguments], outputs, mode=MODE, on_unused_input="ignore")
    return function.vm.jit_fn


def packed(shapes: Sequence[tuple[int, ...]], numbers: Sequence[Any]) -> Array:
    """All that the callback is told in one vector: its length, the shapes of points and numbers, the numbers."""
    header = [*(size for shape in shapes for size in shape), *(size for value in numbers for size in np.shape(value))]
    parts = [np.ravel(value).astype(np.float64) for value in numbers]
    return np.concatenate([[1 + len(header) + sum(part.size for part in parts)], header, *parts])


def unpacking(function: Any, variables: Sequence[Variable], n_free: int) -> Callable[..., Any]:
    """The Python code of the callback: it finds its arguments in the point and in the numbers."""
    head = 1 + sum(variable.type.ndim for variable in variables)
    lines = [f"head = carray(numbers_, ({head},), float64)", "numbers = carray(numbers_, (int(head[0]),), float64)"]
    lines += ["x, slope, end = carray(x_, (size,)), carray(slope_, (size,)), 0"]
    entry = 1
    for i, variable in enumerate(variables):
        if i == n_free:
            lines += ["if end != size: return -1", f"end = {head}"]
        source, ndim = "x" if i < n_free else "numbers", variable.type.ndim
        shape = "".join(f"int(head[{entry + axis}])," for axis in range(ndim))
        whole = variable.type.dtype.startswith("int")
        lines += [f"shape = ({shape})", "start, end = end, end + " + ("*".join(f"shape[{axis}]" for axis in range(ndim)) or "1")]
        if ndim:
            lines += [f"a{i} = {source}[start:end].reshape(shape)" + (".astype(int64)" if whole else "")]
        else:
            lines += [f"a{i} = array(int64({source}[start]))" if whole else f"a{i} = array({source}[start])"]
        entry += ndim
    slopes = [f"d{i}" for i in range(n_free)]
    lines += [f"value, {', '.join(slopes)} = function({', '.join(f'a{i}' for i in range(len(variables)))})", "end = 0"]
    for i, variable in enumerate(variables[:n_free]):
        lines += [f"start, end = end, end + a{i}.size"]
        lines += [f"slope[start:end] = d{i}.ravel()" if variable.type.ndim else f"slope[start] = asarray(d{i})[()]"]
    lines += ["carray(value_, ())[()] = asarray(value)[()]"]
    lines += ["if not isfinite(slope).all(): return 3", "if not isfinite(asarray(value)[()]): return 4"]
    body = "\n        ".join(lines)
    source = f"def callback(size, x_, slope_, value_, numbers_):\n    try:\n        {body}\n    except Exception:\n        return 1\n"
    scope = {name: getattr(np, name) for name in ("array", "asarray", "isfinite", "float64", "int64")}
    scope |= {"carray": numba.carray, "function": function, "__name__": __name__}
    exec(source + "    return 0\n", scope)  # noqa: S102
    return scope["callback"]


def expand(size, expanded, x_, out_, numbers_):  # type: ignore[no-untyped-def]
    """The callback that gives a draw: the free variables themselves."""
    x, out = numba.carray(x_, (size,)), numba.carray(out_, (size,))
    for i in range(size):
        out[i] = x[i]
    return 0
