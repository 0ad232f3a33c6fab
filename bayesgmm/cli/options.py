"""The options that several commands have, each with its one line of help."""

from pathlib import Path
from typing import Annotated, Any

import typer


def parse_components(text: str) -> list[int]:
    """The numbers of components that a text names: ``1:6`` is 1, 2, 3, 4, 5, as in Python.

    Examples
    --------
    >>> parse_components("1:6"), parse_components("3"), parse_components("1,2,4")
    ([1, 2, 3, 4, 5], [3], [1, 2, 4])
    """
    try:
        if ":" in text:
            start, stop = map(int, text.split(":"))
            numbers = list(range(start, stop))
        else:
            numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise typer.BadParameter(f"{text!r} names no numbers of components: give 1:6 (1 to 5), 3, or 1,2,4.")
    return numbers


def parse_names(text: str) -> list[str]:
    """Names that commas separate.

    Examples
    --------
    >>> parse_names("data, rows")
    ['data', 'rows']
    """
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise typer.BadParameter(f"{text!r} names nothing between some commas: give names such as one,two.")
    return names


STDIN = Path("-")
Data = Annotated[  # that it cannot be read is told like all else that is wrong with a file
    Path | None, typer.Argument(metavar="DATA", readable=False, help="CSV, TSV, Parquet or .npy; - is stdin; else Old Faithful.")
]
Components = Annotated[int, typer.Option(min=1, metavar="K", help="Number of components.")]
Numbers = Annotated[Any, typer.Option(parser=parse_components, metavar="1:6", help="To try; 1:6 is 1 to 5; or 1,2,4.")]
Covariance = Annotated[str, typer.Option(metavar="NAME", help="tied, diag, spherical, VVV ...")]
Columns = Annotated[list[str] | None, typer.Option(metavar="A,B", help="Columns to use; else all.")]
Draws = Annotated[int, typer.Option(min=1, metavar="N", help="Draws each chain keeps.")]
Tune = Annotated[int, typer.Option(min=1, metavar="N", help="Draws before, not kept.")]
Chains = Annotated[int, typer.Option(min=1, metavar="N", help="Chains, better 4 than 1.")]
Engine = Annotated[str, typer.Option(metavar="NAME", help="auto, gibbs, nuts or laplace.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Same seed, same numbers.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output file where it exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only what was asked for.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, else nothing.")]
