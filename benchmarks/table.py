"""Figures as text: lines while they come in, a Markdown table at the end."""

from collections.abc import Mapping, Sequence

from benchmarks.figure import Figure, Remark, Spread

COLUMNS = ("row", "case", "quantity", "ours", "peer", "theirs", "ratio", "aim", "note")
LEGEND = (
    "Figures are medians with (least .. most) of the rounds; ours and the peer's were measured in turn, and the ratio is taken "
    "within each round. A ratio beside an aim of at least (≥) says how many times better ours is; beside an aim of at most (≤), "
    "what multiple of the peer's ours is. Aims without a ratio are for our own figure. "
    "Everything is warmed up before it is timed unless a case says cold, on the same data, "
    "and where it says so from the same start. Threads: ours and scikit-learn's BLAS have all that are at hand, mclust runs on "
    "one but for its BLAS, and samplers run as many chains at a time as there are threads."
)


def number(value: float) -> str:
    """Three digits that matter, without powers of ten between a ten-thousandth and a million."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 1e-4 or size == 0:
        return f"{value:#.3g}".rstrip(".")
    return f"{value:.2e}"


def spread(s: Spread | None) -> str:
    """Median (least .. most), or the one value there is."""
    if s is None:
        return ""
    return f"{number(s.median)} ({number(s.least)} .. {number(s.most)})" if s.n > 1 else number(s.median)


def aim(figure: Figure) -> str:
    """The aim and whether the median meets it."""
    if figure.aim is None:
        return ""
    sign = "≥" if figure.aim.at_least else "≤"
    return f"{sign} {figure.aim.bound:g}, {'met' if figure.met else 'NOT met'}"


def line(result: Figure | Remark) -> str:
    """One result for the terminal."""
    if isinstance(result, Remark):
        return f"  {result.case}: {result.text}"
    text = f"  {result.case}, {result.quantity.name}: ours {spread(result.ours)}"
    if result.theirs is not None:
        text += f", {result.peer} {spread(result.theirs)}, ratio {spread(result.ratio)}"
    if result.aim is not None:
        text += f"  [aim {aim(result)}]"
    return f"{text}\n      {result.note}" if result.note else text


def cells(row: str, result: Figure | Remark) -> tuple[str, ...]:
    """One result as the cells of a line of the table."""
    if isinstance(result, Remark):
        return (row, result.case, "", "", "", "", "", "", result.text)
    ours, theirs, ratio = (spread(s) for s in (result.ours, result.theirs, result.ratio))
    return (row, result.case, result.quantity.name, ours, result.peer, theirs, ratio, aim(result), result.note)


def markdown(results: Mapping[str, Sequence[Figure | Remark]], machine: Mapping[str, str], partial: bool = False) -> str:
    """The whole run: machine, legend, one table."""
    about = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    lines += [cells(row, result) for row, found in results.items() for result in found]
    table = "\n".join(f"| {' | '.join(cell.replace('|', '\\|') for cell in cells_)} |" for cells_ in lines)
    warning = "\nThe run was stopped before its end: rows are missing.\n" if partial else ""
    return f"# Benchmarks\n\n{about}\n{warning}\n{LEGEND}\n\n{table}\n"
