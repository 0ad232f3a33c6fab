"""Lanes: many doubles side by side, as one value inside Numba functions.

Left alone, LLVM has to find out what may run side by side, and it may not reorder a sum. Here the program says it: each row of
data is a lane and arithmetic acts on all lanes at once; only :func:`add_rows`, :func:`add_products`, :func:`add_parts` and
:func:`multiplied` put lanes together, in an order that is written down. A multiply-add is one operation with one rounding
(:func:`fma`) and never the compiler's choice. So the same inputs give the same bits, whatever is inlined where and however wide
the machine's registers are.
"""

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, models, overload, register_model

ROWS = 32  # four registers of AVX-512: enough independent multiply-adds at a time to hide their latency
PARTS = 8  # a sum over rows is kept in this many partial sums

_DOUBLE, _INT, _INDEX = ir.DoubleType(), ir.IntType(64), ir.IntType(32)


class Lanes(types.Type):
    """The Numba type of ``width`` doubles in one value."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.doubles, self.integers = ir.VectorType(_DOUBLE, width), ir.VectorType(_INT, width)
        super().__init__(f"Lanes({width})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, lanes.doubles)


_rows, _parts = Lanes(ROWS), Lanes(PARTS)

# ---- Arithmetic, lane by lane


def _splat(builder, number, width):
    """A number in all lanes."""
    vector = ir.VectorType(number.type, width)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INDEX, width), [0] * width))


def _multiply_add(builder, a, b, c):
    kind = ir.FunctionType(a.type, [a.type] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{a.type.count}f64"), [a, b, c])


def _elementwise(emit, *arguments):
    """What ``emit`` writes for lanes, where numbers among the arguments stand for lanes that are all equal."""
    lanes = next((a for a in arguments if isinstance(a, Lanes)), None)
    if lanes is None:
        return None

    def generate(context, builder, signature, values):
        wide = [
            v if isinstance(t, Lanes) else _splat(builder, context.cast(builder, v, t, types.float64), lanes.width)
            for v, t in zip(values, signature.args, strict=True)
        ]
        return emit(builder, *wide)

    return lanes(*arguments), generate


@intrinsic
def fma(typing, a, b, c):
    """a b + c, rounded once."""
    return _elementwise(_multiply_add, a, b, c)


@intrinsic
def larger(typing, a, b):
    """The larger of a and b; b where either is not a number."""
    return _elementwise(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b), a, b)


@intrinsic
def where_less(typing, a, b, c, d):
    """c where a < b, d elsewhere."""
    return _elementwise(lambda builder, a, b, c, d: builder.select(builder.fcmp_ordered("<", a, b), c, d), a, b, c, d)


def _define(symbol, instruction):
    """Let a Python operator write one instruction where an operand is lanes."""

    @intrinsic
    def apply(typing, a, b):
        return _elementwise(lambda builder, a, b: getattr(builder, instruction)(a, b), a, b)

    @overload(symbol)
    def choose(a, b):
        return (lambda a, b: apply(a, b)) if isinstance(a, Lanes) or isinstance(b, Lanes) else None


for _symbol, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _define(_symbol, _instruction)


@intrinsic
def spread(typing, number):
    """Rows that all hold this number."""

    def generate(context, builder, signature, values):
        return _splat(builder, values[0], ROWS)

    return _rows(types.float64), generate


# ---- Bits


@intrinsic
def add_to_exponent(typing, value, integer):
    """Multiply by two to the power of the integer that stands in the lowest bits of the doubles ``integer``."""

    def generate(context, builder, signature, values):
        number, power = (builder.bitcast(v, value.integers) for v in values)
        shift = ir.Constant(value.integers, [52] * value.width)
        return builder.bitcast(builder.add(number, builder.shl(power, shift)), value.doubles)

    return value(value, integer), generate


@intrinsic
def exponent_above(typing, value, bits):
    """The e for which ``value`` / 2^e lies between the positive double with these bits and twice that."""

    def generate(context, builder, signature, values):
        above = builder.sub(builder.bitcast(values[0], value.integers), _splat(builder, values[1], value.width))
        return builder.sitofp(builder.ashr(above, ir.Constant(value.integers, [52] * value.width)), value.doubles)

    return value(value, types.int64), generate


@intrinsic
def uniforms(typing, key, row):
    """Numbers between 0 and 1 that are a function of the key and the row's number: splitmix64 (Steele, Lea & Flood 2014)."""

    def generate(context, builder, signature, values):
        def constant(value):
            return ir.Constant(_rows.integers, [value] * ROWS)

        numbers = builder.add(_splat(builder, values[1], ROWS), ir.Constant(_rows.integers, list(range(1, ROWS + 1))))
        bits = builder.add(_splat(builder, values[0], ROWS), builder.mul(numbers, constant(0x9E3779B97F4A7C15)))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            bits = builder.mul(builder.xor(bits, builder.lshr(bits, constant(shift))), constant(factor))
        uniform = builder.sitofp(builder.lshr(bits, constant(11)), _rows.doubles)
        return builder.fmul(uniform, ir.Constant(_rows.doubles, [2.0**-53] * ROWS))

    return _rows(types.uint64, types.int64), generate


# ---- Memory: arrays are taken as flat


def _pointer(context, builder, kind, array, index, lanes):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), lanes.doubles.as_pointer())


def _is_flat(array):
    return isinstance(array, types.Array) and array.dtype == types.float64 and array.layout == "C"


@intrinsic
def load(typing, array, index):
    """The rows from ``array.flat[index]`` on."""

    def generate(context, builder, signature, values):
        return builder.load(_pointer(context, builder, array, *values, _rows), align=8)

    return (_rows(array, types.intp), generate) if _is_flat(array) else None


@intrinsic
def store(typing, array, index, rows):
    """Write rows to ``array.flat[index]`` and what follows."""

    def generate(context, builder, signature, values):
        builder.store(values[2], _pointer(context, builder, array, *values[:2], _rows), align=8)
        return context.get_dummy_value()

    return (types.void(array, types.intp, _rows), generate) if _is_flat(array) else None


@intrinsic
def load_column(typing, source, row, column, target, index):
    """Copy PARTS entries of a column of any matrix, from this row on, to ``target.flat[index]`` and what follows."""

    def generate(context, builder, signature, values):
        matrix = context.make_array(source)(context, builder, values[0])
        down, right = cgutils.unpack_tuple(builder, matrix.strides, 2)
        first = builder.add(builder.mul(values[1], down), builder.mul(values[2], right))
        lanes = ir.Constant(_parts.doubles, ir.Undefined)
        for i in range(PARTS):
            offset = builder.add(first, builder.mul(down, ir.Constant(_INT, i)))
            entry = builder.load(cgutils.pointer_add(builder, matrix.data, offset), align=8)
            lanes = builder.insert_element(lanes, entry, ir.Constant(_INDEX, i))
        builder.store(lanes, _pointer(context, builder, target, *values[3:], _parts), align=8)
        return context.get_dummy_value()

    fits = isinstance(source, types.Array) and source.dtype == types.float64 and source.ndim == 2 and _is_flat(target)
    return (types.void(source, types.intp, types.intp, target, types.intp), generate) if fits else None


# ---- Sums and products over rows


def _some(builder, value, start, stop):
    """A few of the lanes."""
    mask = ir.Constant(ir.VectorType(_INDEX, stop - start), list(range(start, stop)))
    return builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), mask)


def _add_up(array, emit, *rows):
    """Let ``emit`` add rows to the partial sums at ``array.flat[index]``: row i to part i mod PARTS, lower rows first."""

    def generate(context, builder, signature, values):
        place = _pointer(context, builder, array, *values[:2], _parts)
        sums = builder.load(place, align=8)
        for start in range(0, rows[0].width, PARTS):
            sums = emit(builder, *(_some(builder, value, start, start + PARTS) for value in values[2:]), sums)
        builder.store(sums, place, align=8)
        return context.get_dummy_value()

    return (types.void(array, types.intp, *rows), generate) if _is_flat(array) else None


@intrinsic
def add_rows(typing, array, index, rows):
    """Add rows to the partial sums at ``array.flat[index]``."""
    return _add_up(array, lambda builder, a, sums: builder.fadd(a, sums), rows)


@intrinsic
def add_products(typing, array, index, left, right):
    """Add products of rows to the partial sums at ``array.flat[index]``."""
    return _add_up(array, _multiply_add, left, right)


@intrinsic
def multiplied(typing, rows):
    """Products of rows, in as many parts as sums have: row i is in part i mod PARTS."""

    def generate(context, builder, signature, values):
        product = _some(builder, values[0], 0, PARTS)
        for start in range(PARTS, ROWS, PARTS):
            product = builder.fmul(product, _some(builder, values[0], start, start + PARTS))
        return product

    return _parts(rows), generate


@intrinsic
def all_equal(typing, rows):
    """Whether all rows hold the same number."""

    def generate(context, builder, signature, values):
        first = _splat(builder, builder.extract_element(values[0], ir.Constant(_INDEX, 0)), ROWS)
        differ = builder.bitcast(builder.fcmp_unordered("!=", values[0], first), ir.IntType(ROWS))
        return builder.icmp_unsigned("==", differ, ir.Constant(ir.IntType(ROWS), 0))

    return types.boolean(rows), generate


@intrinsic
def add_parts(typing, array, index):
    """The sum of the partial sums at ``array.flat[index]``: halves are added to each other until one number is left."""

    def generate(context, builder, signature, values):
        sums, width = builder.load(_pointer(context, builder, array, *values, _parts), align=8), PARTS
        while width > 1:
            width //= 2
            sums = builder.fadd(_some(builder, sums, 0, width), _some(builder, sums, width, 2 * width))
        return builder.extract_element(sums, ir.Constant(_INDEX, 0))

    return (types.float64(array, types.intp), generate) if _is_flat(array) else None
