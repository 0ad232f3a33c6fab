"""The exponential and the logarithm of lanes, right to about one unit in the last place."""

import numpy as np

from bayesgmm.kernels.compilation import inlined
from bayesgmm.kernels.lanes import add_to_exponent, exponent_above, fma, where_less

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")  # 32 bits: n LN2_HIGH is exact
INTEGER = 1.5 * 2.0**52  # added to a number below 2^51 it leaves the nearest integer in the lowest bits
ROOT_HALF = int(np.float64(np.sqrt(0.5)).view(np.int64))  # as bits


@inlined
def exp(x):
    r"""e^x for x up to 709: 2^n e^r with |r| <= log(2) / 2; zero below -745.14 and at minus infinity.

    The coefficients are those of the polynomial q of degree 9 for which 1 + r + r^2 q(r) has the smallest largest relative
    error, 3.6e-18, by Remez's algorithm.
    """
    shifted = fma(x, LOG2_E, INTEGER)
    n = shifted - INTEGER
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    q = fma(r, 2.5000061602835666e-08, 2.763024837921144e-07)
    q = fma(q, r, 2.7557586373840165e-06)
    q = fma(q, r, 2.480149309890655e-05)
    q = fma(q, r, 0.00019841269506578688)
    q = fma(q, r, 0.0013888888943630114)
    q = fma(q, r, 0.008333333333494461)
    q = fma(q, r, 0.041666666666530155)
    q = fma(q, r, 0.16666666666666413)
    q = fma(q, r, 0.5000000000000011)
    mantissa = fma(r * r, q, r) + 1.0
    # Below 2^-1022 the result has fewer bits: it is made 2^64 times larger first, so that it is rounded once.
    power = add_to_exponent(mantissa, where_less(x, -708.0, shifted + 64.0, shifted))
    power = power * where_less(x, -708.0, 2.0**-64, 1.0)
    return where_less(x, -745.14, 0.0, power)


@inlined
def log(x):
    """log x for finite x of at least 2^-1022: e log 2 + log m with m between sqrt(1/2) and sqrt(2), as in FreeBSD's e_log.c."""
    e = exponent_above(x, ROOT_HALF)
    f = add_to_exponent(x, INTEGER - e) - 1.0
    s = f / (f + 2.0)
    z = s * s
    q = fma(z, 1.479819860511658591e-01, 1.531383769920937332e-01)
    q = fma(q, z, 1.818357216161805012e-01)
    q = fma(q, z, 2.222219843214978396e-01)
    q = fma(q, z, 2.857142874366239149e-01)
    q = fma(q, z, 3.999999999940941908e-01)
    q = fma(q, z, 6.666666666666735130e-01)
    half_square = 0.5 * f * f
    finite = fma(e, LN2_HIGH, f - (half_square - fma(s, fma(q, z, half_square), e * LN2_LOW)))
    return finite + (x - x)  # what is not a number stays so
