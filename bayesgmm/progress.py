"""A progress bar for whatever takes long."""

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
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not (console.is_terminal or console.is_jupyter), transient=True)
