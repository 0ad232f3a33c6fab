"""What a form of a document is: the ending of its file, and how it is written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bayesgmm.reporting.document import Document


@dataclass(frozen=True)
class Format:
    """A form of a document on disk.

    Attributes
    ----------
    suffix : str
        With its dot.
    about : str
        What it is, in a few words.
    write : callable
        Writes a document to a path, whole or not at all.
    folder : callable
        The folder beside the file that it needs; None where the file is all.
    """

    suffix: str
    about: str
    write: Callable[[Document, Path], None]
    folder: Callable[[Path], Path | None] = lambda _: None
