"""Forms of a document on disk, by the ending of the file's name; this is the registry."""

import os
from collections.abc import Iterable
from pathlib import Path

from bayesgmm.files import require_free
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.document import document
from bayesgmm.reporting.formats.format import Format
from bayesgmm.reporting.formats.html import HTML, page
from bayesgmm.reporting.formats.json import JSON
from bayesgmm.reporting.formats.markdown import MARKDOWN

__all__ = ["FORMATS", "Format", "render", "require_output", "write"]

FORMATS: dict[str, Format] = {form.suffix: form for form in (HTML, MARKDOWN, JSON)}


def require_output(output: str | os.PathLike[str], force: bool = False) -> Path:
    """The path, if a report may be written there: :func:`bayesgmm.files.require_free`, and the ending is known.

    Raises
    ------
    ValueError
        If the ending of the name is none that a report can have.
    FileExistsError, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError
        If nothing may be written there.
    """
    target = require_free(output, force)
    folder = _format_of(target).folder(target)
    if folder is not None and (folder.is_symlink() or folder.exists()):
        if folder.is_symlink() or not folder.is_dir():
            raise FileExistsError(f"{folder}, where the pictures of {target.name} go, is no folder: name another file to write.")
        if not force:
            raise FileExistsError(
                f"{folder}, where the pictures of {target.name} go, exists already: name another file, or replace them with "
                "force=True (--force)."
            )
    return target


def write(analysis: Analysis, target: Path, sections: Iterable[str] | None = None, omit: Iterable[str] = ()) -> Path:
    """Write a report in the form that the ending of its name asks for, whole or not at all; what was there is replaced.

    Parameters
    ----------
    analysis : Analysis
    target : Path
        Ending in .html, .md or .json.
    sections, omit : iterable of str
        See :func:`bayesgmm.report`.
    """
    form = _format_of(Path(target))
    form.write(document(analysis, sections, omit), Path(target))
    return target


def render(analysis: Analysis, sections: Iterable[str] | None = None, omit: Iterable[str] = ()) -> str:
    """The report as an HTML page."""
    return page(document(analysis, sections, omit))


def _format_of(target: Path) -> Format:
    form = FORMATS.get(target.suffix.lower())
    if form is None:
        known = ", ".join(f"{other.suffix} ({other.about})" for other in FORMATS.values())
        arrived = f"ends in {target.suffix!r}" if target.suffix else "has no ending"
        raise ValueError(f"A report ends in one of {known}; {str(target)!r} {arrived}.")
    return form
