"""The application: which commands there are, what all of them share, and how each way of ending is told."""

import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import rich
import typer
from typer.core import TyperGroup

import bayesgmm as bg
from bayesgmm.cli import compare, doctor, fit, models, report, select
from bayesgmm.cli.output import echo, silence
from bayesgmm.interruption import PartialWarning

ERROR, INTERRUPTED, PIPE_CLOSED = 1, 130, 141  # 2 is a usage error; 128 + the signal's number, by convention
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # which typer does not export
HELP = """Bayesian Gaussian mixtures: how many groups, where they are, and whether the answer may be believed.

Start with `bayesgmm report`: it fits Old Faithful and writes report.html. Every command takes a CSV, TSV or Parquet file, and
`-` for CSV on standard input; with --json it writes one JSON document for programs.

\b
Exit codes:
  0    all went well
  1    the data, a file or a setting cannot be used; one sentence says why
  2    the command is misspelt
  3    everything ran, but the chains have not converged, or two samplers
       disagree
  130  Ctrl-C; no file is half written
  141  whoever read the output stopped reading
"""
COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    report.report: report.EXAMPLES,
    fit.fit: fit.EXAMPLES,
    select.select: select.EXAMPLES,
    models.models: models.EXAMPLES,
    compare.compare: compare.EXAMPLES,
    doctor.doctor: doctor.EXAMPLES,
}


class Commands(TyperGroup):
    """Errors are one sentence on stderr, warnings a line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; ``--traceback`` lets errors through."""
        with warnings.catch_warnings():
            warnings.showwarning = _told_once()
            warnings.simplefilter("error", PartialWarning)  # Ctrl-C ends a command; Python's callers go on with what there is
            try:
                return super().invoke(ctx)
            except (KeyboardInterrupt, PartialWarning):
                echo("Interrupted: the command was not finished, and no file is half written.", err=True)
                raise typer.Exit(INTERRUPTED) from None
            except BrokenPipeError:
                silence(sys.stdout)
                raise typer.Exit(PIPE_CLOSED) from None
            except (typer.Exit, typer.Abort, USAGE_ERROR):
                raise
            except Exception as error:
                if ctx.params.get("traceback"):
                    raise
                echo(f"Error: {_sentence(error)}", err=True)
                raise typer.Exit(ERROR) from None


def _sentence(error: Exception) -> str:
    """What an error says, on one line; more where it was not meant for a reader."""
    told = " ".join(str(error).split())
    match error:
        case ValueError() | TypeError() | OSError():
            return told
        case MemoryError():
            return "There is not memory enough: give fewer rows, or fewer --draws and --chains."
    cure = "bayesgmm --traceback COMMAND shows where it arose, bayesgmm doctor whether something is wrong with what is installed"
    return f"{type(error).__name__}: {told.rstrip('.')}. This was not foreseen: {cure}."


def _told_once() -> Callable[..., None]:
    """What shows warnings, each once however many fits of a command give it."""
    told = set[str]()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in told:
            told.add(str(message))
            echo(f"Warning: {' '.join(str(message).split())}", err=True)

    return show


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes leave no place for words in a narrow terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    rich.reconfigure(stderr=True)  # progress bars: stdout is for answers
    app(prog_name="bayesgmm")


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"bayesgmm {bg.__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", envvar="BAYESGMM_TRACEBACK", show_envvar=False, help="Show where an error arose.")
    ] = False,
) -> None:
    """Options of all commands."""


for _command, _examples in COMMANDS.items():
    app.command(epilog="\b\nExamples:\n" + "\n".join(f"  {example}" for example in _examples))(_command)
