"""What a person reads: sentences, and tables that fit the terminal. Standard output is for answers, stderr for all else."""

import contextlib
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TextIO

import typer
from rich.cells import cell_len

from bayesgmm.numbers import MINUS, MISSING, fixed

NOT_CONVERGED = 3
PLAIN = str.maketrans({MINUS: "-", MISSING: "-"})  # where an encoding lacks them; a lost minus sign would be a wrong number


def echo(text: str = "", err: bool = False) -> None:
    """Write a line, in the characters that the stream has.

    Raises
    ------
    BrokenPipeError
        If nobody reads any more.
    OSError
        If standard output is full or closed.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    try:
        typer.echo(text, err=err)
    except BrokenPipeError:
        raise
    except OSError as error:
        silence(stream)
        raise OSError(f"Standard output cannot be written to: {error.strerror or error}.") from error


def silence(stream: TextIO) -> None:
    """Send to nowhere what a stream still holds, lest Python complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(*sentences: str) -> None:
    """Sentences, each on a line of its own, and an empty line; wrapped where a person looks."""
    for sentence in sentences:
        echo(textwrap.fill(sentence, width()) if sentence else "")
    echo()


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """A table in aligned columns; where they are too wide for the terminal, the rest stands below."""
    lines = [[_on_one_line(cell) for cell in line] for line in (columns, *rows)]
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    rest = list(range(1, len(widths)))
    while rest:
        n = max(1, sum(total <= width() for total in accumulate([widths[0], *(2 + widths[c] for c in rest)])) - 1)
        for line in lines:
            left = line[0] + " " * (widths[0] - cell_len(line[0]))
            echo("  ".join([left, *(" " * (widths[c] - cell_len(line[c])) + line[c] for c in rest[:n])]).rstrip())
        echo()
        rest = rest[n:]
    if note:
        say(note)


def show_table(table: Any) -> None:
    """A table of :mod:`bayesgmm.reporting.tables`."""
    show(table.columns, table.rows, table.note)


def show_em(em: Any) -> None:
    """An EM fit: how it ended, its criteria and its components."""
    s, kind = em.specification, "maximum likelihood" if em.specification.prior is None else "MAP"
    say(
        f"{s.covariance} mixture, K = {s.n_components}, by EM ({kind}): {em.detail}",
        f"n = {em.n_observations}, log-likelihood {em.log_likelihood:.4f}, {em.n_parameters} parameters, "
        f"BIC {fixed(em.bic, 4)}, ICL {fixed(em.icl, 4)}",
    )
    summary = em.summary()
    rows = [(str(k), *(f"{value:.6g}" for value in row)) for k, row in zip(summary.index, summary.to_numpy(), strict=True)]
    show(("component", *summary.columns), rows)


def progress_wanted(quiet: bool) -> bool:
    """Whether to show progress bars: on a terminal, unless told otherwise."""
    return not quiet and _is_terminal(sys.stderr)


def require_converged(*diagnoses: Any) -> None:
    """End with the exit code of what has not converged, if any has not."""
    if not all(diagnosis.converged for diagnosis in diagnoses):
        raise typer.Exit(NOT_CONVERGED)


def width() -> int:
    """Columns of the terminal; no limit for a file or a pipe."""
    return shutil.get_terminal_size().columns if _is_terminal(sys.stdout) else sys.maxsize


def _is_terminal(stream: TextIO | None) -> bool:
    """A stream that is closed from the start is None."""
    return stream is not None and stream.isatty()


def _on_one_line(cell: str) -> str:
    """Names of columns may hold what moves a cursor."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in cell)
