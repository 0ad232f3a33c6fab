"""How nutpie calls: C callbacks that find a model's numbers in one vector, and hand them to a Numba function."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numpy.typing import NDArray
from pytensor.graph.basic import Variable

NUMBERS = types.CPointer(types.double)
LOG_DENSITY = types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, types.voidptr)
"""Size, point, gradient (written), value (written), the packed numbers; returns 0 where all is finite."""
EXPAND = types.int64(types.uint64, types.uint64, NUMBERS, NUMBERS, types.voidptr)
"""Size of the point, size of the draw, point, draw (written), the packed numbers."""


def packed(shapes: Sequence[tuple[int, ...]], numbers: Sequence[Any]) -> NDArray[np.float64]:
    """All that the callback is told in one vector: its length, the shapes of points and numbers, the numbers."""
    header = [*(size for shape in shapes for size in shape), *(size for value in numbers for size in np.shape(value))]
    parts = [np.ravel(value).astype(np.float64) for value in numbers]
    return np.concatenate([[1 + len(header) + sum(part.size for part in parts)], header, *parts])


def unpacking(function: Any, variables: Sequence[Variable[Any, Any]], n_free: int) -> Callable[..., Any]:
    """The callback of a function whose first ``n_free`` arguments are parts of the point, and the others of the numbers."""
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
    source = (
        f"def callback(size, x_, slope_, value_, numbers_):\n    try:\n        {body}\n    except Exception:\n        return 1\n"
    )
    scope: dict[str, Any] = {name: getattr(np, name) for name in ("array", "asarray", "isfinite", "float64", "int64")}
    scope |= {"carray": carray, "function": function, "__name__": __name__}
    exec(source + "    return 0\n", scope)  # noqa: S102
    found: Callable[..., Any] = scope["callback"]
    return found


def expand(size: Any, _expanded: Any, x_: Any, out_: Any, _numbers: Any) -> int:
    """The callback that gives a draw: the free variables themselves."""
    x, out = carray(x_, (size,)), carray(out_, (size,))
    for i in range(size):
        out[i] = x[i]
    return 0
