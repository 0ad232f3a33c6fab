"""The command line: ``bayesgmm report``, ``fit``, ``select`` and ``models``.

It reads a CSV file, calls the package and prints; whatever is computed is computed elsewhere. PyMC and ArviZ take seconds to
load, so they are loaded when a command runs and not for ``--help``.
"""

import csv
import importlib
import re
import shlex
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from typer.core import TyperGroup

import bayesgmm as bg
from bayesgmm.files import require_free
from bayesgmm.interruption import PartialWarning
from bayesgmm.validation import listed

ERROR, NOT_CONVERGED, INTERRUPTED = 1, 3, 130  # 2 is a usage error and 130 Ctrl-C, by convention
DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*\d,\d+(e[+-]?\d+)?", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")  # characters that no text holds
OLD_FAITHFUL = "Old Faithful, the bundled data"
HELP = """Bayesian Gaussian mixtures: how many groups, where they are, and whether the answer may be believed.

Start with `bayesgmm report`: it fits Old Faithful and writes report.html.

\b
Exit codes:
  0  all went well
  1  the data, a file or a setting cannot be used; one sentence says why
  2  the command is misspelt
  3  everything ran, but the chains have not converged, or two samplers disagree
  130  Ctrl-C; no file is half written
"""


class Commands(TyperGroup):
    """Errors of data, files and settings are one sentence on stderr, warnings a line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; ``--traceback`` lets errors through."""
        with warnings.catch_warnings():
            warnings.showwarning = _told_once()
            warnings.simplefilter("error", PartialWarning)  # Ctrl-C ends a command; Python's callers go on with what there is
            try:
                return super().invoke(ctx)
            except (KeyboardInterrupt, PartialWarning):
                typer.echo("Interrupted: the command was not finished, and no file is half written.", err=True)
                raise typer.Exit(INTERRUPTED) from None
            except (ValueError, TypeError, OSError) as error:
                if ctx.params.get("traceback"):
                    raise
                typer.echo(f"Error: {error}", err=True)
                raise typer.Exit(ERROR) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    app(prog_name="bayesgmm")


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


Data = Annotated[Path | None, typer.Argument(metavar="DATA.csv", help="CSV file with a header; without one, Old Faithful.")]
Numbers = Annotated[
    Any,
    typer.Option(
        parser=parse_components,
        metavar="1:6|3|1,2,4",
        help="Numbers of components to try. 1:6 is a slice as in Python: 1, 2, 3, 4 and 5, without 6.",
    ),
]
Covariance = Annotated[str, typer.Option(help="Covariance structure: full, tied, diag, spherical, or mclust's code such as VVV.")]
Columns = Annotated[list[str] | None, typer.Option(metavar="A,B", help="Columns to use, separated by commas; else all.")]
Draws = Annotated[int, typer.Option(min=1, help="Draws that each chain keeps.")]
Tune = Annotated[int, typer.Option(min=1, help="Draws of each chain for tuning, not kept.")]
Chains = Annotated[int, typer.Option(min=1, help="Chains; fewer than 2 cannot show convergence.")]
Engine = Annotated[
    str,
    typer.Option(help="Sampler: auto (the fastest that takes the model), gibbs, nuts, or laplace (normal, for very many rows)."),
]
Check = Annotated[bool, typer.Option(help="Let another sampler draw from the chosen posterior and say whether they agree.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output file where it exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, and only what was asked for.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bayesgmm {bg.__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", envvar="BAYESGMM_TRACEBACK", help="Show where in the code an error arose.")
    ] = False,
) -> None:
    """Options of all commands."""


@app.command()
def report(
    data: Data = None,
    components: Numbers = "1:6",
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path("report.html"),
    covariance: Covariance = "full",
    columns: Columns = None,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    engine: Engine = "auto",
    check: Check = True,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Fit by EM and by MCMC, and write a report that says what may be believed.

    Ends with exit code 3 where the chains of the number of components that is reported on have not converged, or another sampler
    found another posterior.
    """
    X = read(data, columns)
    target = require_free(output, force)
    reporting = importlib.import_module("bayesgmm.reporting")
    options = {"components": ",".join(map(str, components)), "output": output, "covariance": covariance}
    options |= {"columns": ",".join(columns)} if columns else {}
    options |= {"draws": draws, "tune": tune, "chains": chains, "engine": engine, "seed": seed}
    analysis = reporting.analyse(
        X,
        components,
        covariance,
        seed=seed,
        progress=_progress(quiet),
        source=data.name if data else OLD_FAITHFUL,
        command=_command("report", data, options) + ("" if check else " --no-check"),
        check=check,
        draws=draws,
        tune=tune,
        chains=chains,
        engine=engine,
    )
    reporting.write(analysis, target)
    if not quiet:
        _say(" ".join(reporting.answer(analysis)))
        _say(*analysis.selection.reasons)
        _say(*analysis.diagnosis.verdict, analysis.check.verdict)
    typer.echo(f"Report: {target}")
    _exit(analysis.diagnosis)


@app.command()
def fit(
    data: Data = None,
    components: Annotated[int, typer.Option(min=1, help="Number of components.")] = 2,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="netCDF file to save the posterior in, for bayesgmm.load.")
    ] = None,
    covariance: Covariance = "full",
    columns: Columns = None,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    engine: Engine = "auto",
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Fit one number of components by EM and by MCMC, and print both with a verdict.

    Ends with exit code 3 where the chains have not converged.
    """
    X = read(data, columns)
    target = None if output is None else require_free(output, force)
    reporting = importlib.import_module("bayesgmm.reporting")
    em = bg.fit_em(X, components, covariance, seed=seed)
    settings: dict[str, Any] = {"engine": engine, "draws": draws, "tune": tune, "chains": chains, "progress": _progress(quiet)}
    posterior = bg.fit_bayes(X, components, covariance, seed=seed, **settings)
    if target is not None:
        posterior.save(target)
    diagnosis = bg.diagnose(posterior)
    if not quiet:
        typer.echo(f"{em}\n")
    _say(*diagnosis.verdict)
    if diagnosis.components_trusted:
        _show(reporting.tables.mixing(diagnosis.relabelled, "Posterior of the relabelled parameters."))
    else:
        _show(reporting.tables.mixing(diagnosis.label_free, "Component parameters are withheld; these depend on no label."))
    if target is not None:
        typer.echo(f"Posterior: {target}")
    _exit(diagnosis)


@app.command()
def select(
    data: Data = None,
    components: Numbers = "1:6",
    covariance: Covariance = "full",
    columns: Columns = None,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    engine: Engine = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Compare numbers of components by BIC, ICL and leave-one-out cross-validation."""
    X = read(data, columns)
    reporting, selection = (importlib.import_module(f"bayesgmm.{name}") for name in ("reporting", "selection"))
    settings = {"seed": seed, "draws": draws, "tune": tune, "chains": chains, "engine": engine, "progress": _progress(quiet)}
    found = selection.sweep(X, components, covariance, **settings)
    _show(reporting.tables.numbers_of_components(found))
    _say(*found.reasons)


@app.command()
def models(
    data: Data = None,
    components: Numbers = "1:10",
    columns: Columns = None,
    criterion: Annotated[str, typer.Option(help="bic or icl.")] = "bic",
    output: Annotated[Path | None, typer.Option(help="Where to write the table, as CSV.")] = None,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Compare all covariance structures and numbers of components by BIC or ICL, as mclust does; by EM alone."""
    X = read(data, columns)
    target = None if output is None else require_free(output, force)
    found = bg.select_model(X, components, criterion=criterion, seed=seed, progress=_progress(quiet))
    if target is not None:
        found.table.to_csv(target)
    _show(_page(found.bic if criterion == "bic" else found.icl))
    _say(*found.sentences)
    typer.echo(str(found.best))


def _page(criteria: pd.DataFrame) -> Any:
    """A page of criteria as a table."""
    tables = importlib.import_module("bayesgmm.reporting.tables")
    rows = [(str(k), *(tables.fixed(value) for value in row)) for k, row in zip(criteria.index, criteria.to_numpy(), strict=True)]
    return tables.Table("Lower is better; a dash where a component collapsed.", ("K", *criteria.columns), tuple(rows))


def read(path: Path | None, columns: list[str] | None = None) -> pd.DataFrame:
    """The chosen columns of a CSV file; Old Faithful without a path.

    Columns are separated by commas, semicolons or tabs, whichever the first line has most of. A first column without a name holds
    the names of rows, as R and pandas write them. A file whose first line is all numbers has no header.
    """
    table = bg.load_dataset("faithful") if path is None else _read_csv(path)
    numeric = [str(name) for name in table.select_dtypes("number").columns]
    if columns:
        wanted = columns if set(columns) <= set(table.columns) else [name.strip() for c in columns for name in c.split(",")]
        missing = [name for name in wanted if name not in table.columns]
        if missing:
            raise ValueError(f"There is no column {', '.join(missing)}; the columns are {', '.join(map(str, table.columns))}.")
        table = table[wanted]
    if table.empty:
        raise ValueError(f"{path} has a header ({', '.join(map(str, table.columns))}) and no rows below it.")
    text = [str(name) for name in table.columns if name not in numeric]
    if text:
        raise ValueError(_told_text(table[text], numeric))
    return table


def _told_text(text: pd.DataFrame, numeric: list[str]) -> str:
    """Why columns of text cannot be fitted, and what to do."""
    entries = [str(entry) for entry in text.iloc[:, 0].dropna()]
    entry = next((entry for entry in entries if DECIMAL_COMMA.fullmatch(entry) or not _is_number(entry)), entries[0])
    cure = f"choose others, such as --columns {shlex.quote(','.join(numeric))}" if numeric else "no column holds numbers"
    if DECIMAL_COMMA.fullmatch(entry):
        cure = (
            "write decimal points in place of decimal commas, for example pandas.read_csv(..., sep=';', decimal=',').to_csv(...)"
        )
    verb = "holds" if text.shape[1] == 1 else "hold"
    return f"{listed([repr(name) for name in text.columns])} {verb} text such as {entry[:20]!r}, not numbers: {cure}."


def _read_csv(path: Path) -> pd.DataFrame:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a CSV file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.readline()
            if CONTROL.search(first):
                raise UnicodeError
            separator = _separator(first)
            fields = next(csv.reader([first], delimiter=separator), [])
            lines.seek(0)
            header = None if fields and all(map(_is_number, fields)) else 0
            index = 0 if header == 0 and len(fields) > 1 and not fields[0].strip() else None
            table = pd.read_csv(lines, sep=separator, header=header, index_col=index, low_memory=False)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    except PermissionError:
        raise PermissionError(f"{path} may not be read: its permissions forbid it.") from None
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path} is empty.") from None
    except (UnicodeError, csv.Error):
        raise ValueError(f"{path} is not a CSV file: it holds something else than text in UTF-8; save it as CSV UTF-8.") from None
    except pd.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{path} cannot be read as a table: {reason}.") from None
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}.") from None
    if index is None and not isinstance(table.index, pd.RangeIndex):  # pandas takes fields beyond the header for row names
        fields_of_rows = table.shape[1] + table.index.nlevels
        raise ValueError(
            f"{path} names {table.shape[1]} columns in its header and has {fields_of_rows} in the rows below: mend it."
        )
    twice = sorted({name for name in fields if header == 0 and fields.count(name) > 1})
    if twice:
        raise ValueError(f"{path} has several columns of the name {', '.join(map(repr, twice))}: rename them.")
    if header is None:
        table.columns = pd.Index([f"x{j + 1}" for j in range(table.shape[1])])
    return table.rename(columns=str)


def _separator(line: str) -> str:
    """Whichever of commas, semicolons and tabs separates fields; commas between digits are none beside the other two."""
    return max(",;\t", key=DECIMAL_COMMA.sub("", line).count) if set(";\t") & set(line) else ","


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _command(name: str, data: Path | None, options: dict[str, Any]) -> str:
    """The command line that does the same again."""
    words = [f"--{option}={value}" for option, value in options.items()]
    return shlex.join(["bayesgmm", name, *([str(data)] if data else []), *words])


def _progress(quiet: bool) -> bool:
    return not quiet and sys.stdout.isatty()


def _exit(diagnosis: Any) -> None:
    if not diagnosis.converged:
        raise typer.Exit(NOT_CONVERGED)


def _say(*sentences: str) -> None:
    """Sentences, each on a line of its own, and an empty line; wrapped where a person looks."""
    for sentence in sentences:
        typer.echo(textwrap.fill(sentence, _width()) if sentence else "")
    typer.echo()


def _show(table: Any) -> None:
    """A table in aligned columns; where they are too wide for the terminal, the rest stands below."""
    lines = [table.columns, *table.rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    columns = list(range(1, len(widths)))
    while columns:
        n = max(1, sum(total <= _width() for total in accumulate([widths[0], *(2 + widths[c] for c in columns)])) - 1)
        for line in lines:
            typer.echo("  ".join([line[0].ljust(widths[0]), *(line[c].rjust(widths[c]) for c in columns[:n])]))
        typer.echo()
        columns = columns[n:]
    _say(table.note)


def _width() -> int:
    """Columns of the terminal; no limit for a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _told_once() -> Callable[..., None]:
    """What shows warnings, each once however many fits of a command give it."""
    told = set[str]()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in told:
            told.add(str(message))
            typer.echo(f"Warning: {message}", err=True)

    return show
