"""Counters that threads share: who takes which piece of the rows, and how many are done.

A thread takes the next piece itself, without the interpreter: one that wakes up late takes fewer, and nobody waits for it.
"""

from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic

from bayesgmm.kernels.compilation import jit

TAKEN, DONE = 0, 1  # places in an array of counters
MOST_LOOKS = 500_000  # in about a hundred microseconds; then it is better to sleep


def _is_counters(array):
    return isinstance(array, types.Array) and array.dtype == types.int64 and array.layout == "C"


@intrinsic
def count(typing, counters, place):
    """Add one to a counter, in one step for all threads; what it was before."""

    def generate(context, builder, signature, values):
        pointer = builder.gep(context.make_array(counters)(context, builder, values[0]).data, [values[1]])
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return (types.int64(counters, types.intp), generate) if _is_counters(counters) else None


@intrinsic
def now(typing, counters, place):
    """What a counter is at the moment; all that a thread wrote before it counted can be read after."""

    def generate(context, builder, signature, values):
        pointer = builder.gep(context.make_array(counters)(context, builder, values[0]).data, [values[1]])
        return builder.load_atomic(pointer, "seq_cst", 8)

    return (types.int64(counters, types.intp), generate) if _is_counters(counters) else None


@jit
def reaches(counters, total):
    """Whether as many pieces as ``total`` are done by the end of a short wait, for sleeping takes longer than most."""
    for _ in range(MOST_LOOKS):
        if now(counters, DONE) >= total:
            return True
    return False
