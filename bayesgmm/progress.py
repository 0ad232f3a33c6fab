"""A progress bar for whatever takes long."""

from importlib.util import find_spec

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def progress_bar(shown: bool, *columns: ProgressColumn) -> Progress:
    """A bar that goes away when all is done; nothing where it is not to be shown."""
    usual = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*usual, *columns, disable=not shown, transient=True)


def progress_line() -> Progress:
    """A line for work of unknown length, on the error stream; nothing where nobody looks at that."""
    console = Console(stderr=True)
    is_seen = find_spec("ipywidgets") is not None if console.is_jupyter else console.is_terminal  # without it rich only warns
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not is_seen, transient=True)
