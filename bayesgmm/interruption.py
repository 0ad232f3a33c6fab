"""Ctrl-C: what was finished by then comes along with the exception, and is returned as partial by who can use it."""

from typing import Any


class PartialWarning(UserWarning):
    """What is returned is a part of what was asked for, since Ctrl-C came first."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a computation that had something to show; an ordinary KeyboardInterrupt for whoever has no use for it.

    Attributes
    ----------
    finished : object
        What there was, in the form in which the computation would have returned it.
    """

    def __init__(self, finished: Any) -> None:
        super().__init__()
        self.finished = finished
