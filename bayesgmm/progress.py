"""A progress bar for whatever takes long."""

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def progress_bar(shown: bool, *columns: ProgressColumn) -> Progress:
    """A bar that goes away when all is done; nothing where it is not to be shown."""
    usual = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*usual, *columns, disable=not shown, transient=True)
