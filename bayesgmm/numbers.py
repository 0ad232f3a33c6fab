"""How numbers are printed: as many digits as they are known to."""

import math
import re

MISSING = "–"
MINUS = "\N{MINUS SIGN}"


def significant(value: float, digits: int = 4) -> str:
    """A number to so many significant digits, without needless zeros; a dash where it is missing.

    Examples
    --------
    >>> significant(1234.5678), significant(0.00123456), significant(1e-12), significant(math.nan)
    ('1235', '0.001235', '1e-12', '–')
    """
    if not math.isfinite(value):
        return MISSING if math.isnan(value) else _signed(f"{value:g}")
    if value and not 1e-4 <= abs(value) < 1e15:
        return _signed(f"{value:.{digits}g}")
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:.{max(places, 0)}f}"
    return _signed(text.rstrip("0").rstrip(".") if "." in text else text)


def fixed(value: float, places: int = 1) -> str:
    """A number to so many places after the point; a dash where it is missing.

    Examples
    --------
    >>> fixed(2322.1917), fixed(math.nan)
    ('2322.2', '–')
    """
    return _signed(f"{value:.{places}f}") if math.isfinite(value) else significant(value)


def places_for(sd: float, digits: int = 2) -> int | None:
    """Places after the point at which a standard deviation shows so many digits; None where it is no scale to round to.

    Examples
    --------
    >>> places_for(0.0734), places_for(12.3), places_for(0.0)
    (3, 0, None)
    """
    if not math.isfinite(sd) or sd <= 0:
        return None
    places = digits - 1 - math.floor(math.log10(sd))
    return max(places, 0) if places <= 6 else None


def known_to(value: float, sd: float, digits: int = 2) -> str:
    """A number printed to the second digit of its standard deviation, or to so many.

    Examples
    --------
    >>> known_to(54.4913, 0.0734), known_to(54.4913, 0.0734, 1), known_to(1.5, 0.0)
    ('54.491', '54.49', '1.5')
    """
    places = places_for(sd, digits)
    return significant(value) if places is None else fixed(value, places)


def interval(lower: float, upper: float, sd: float) -> str:
    """The limits of an interval, printed to the second digit of the standard deviation.

    Examples
    --------
    >>> interval(53.21, 55.79, 0.73)
    '53.21, 55.79'
    """
    return f"{known_to(lower, sd)}, {known_to(upper, sd)}"


def spread(sd: float) -> str:
    """A standard deviation to two digits.

    Examples
    --------
    >>> spread(0.0201), spread(0.0)
    ('0.020', '0')
    """
    places = places_for(sd)
    return significant(sd, 2) if places is None else fixed(sd, places)


def percent(share: float) -> str:
    """A share in per cent, with a decimal next to 0 and 1.

    Examples
    --------
    >>> percent(0.356), percent(0.004), percent(1.0)
    ('36%', '0.4%', '100%')
    """
    return f"{share:.0%}" if 0.015 <= share <= 0.985 or share in (0, 1) else f"{share:.1%}"


def count(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    Examples
    --------
    >>> count(1, "row"), count(1234, "row")
    ('1 row', '1,234 rows')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def minus(sentence: str) -> str:
    """A sentence with a true minus sign before numbers, as the tables have it.

    Examples
    --------
    >>> minus("at most -1.5, in [-2, 2-3]")
    'at most −1.5, in [−2, 2-3]'
    """
    return re.sub(r"(?<![\w)\]])-(?=\d)", MINUS, sentence)


def short(name: str, most: int = 40) -> str:
    """A column's name where there is little room: its middle left out where it is long.

    Examples
    --------
    >>> short("waiting"), short("a" * 100, 9)
    ('waiting', 'aaaa…aaaa')
    """
    line = " ".join(name.split())
    head = most // 2
    return line if len(line) <= most else f"{line[:head]}…{line[head + 1 - most :]}"


def _signed(text: str) -> str:
    """With a minus sign for a hyphen in front, and none before a zero."""
    if not text.startswith("-"):
        return text
    return MINUS + text[1:] if text.strip("-0.") else text[1:]
