"""Links: those that docstrings imply, and whether every link of the built site leads to a file, and a place in it, that exist."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

DOI = re.compile(r"doi:(10\.\d+/[^\s,;]*[^\s,;.)])")
LOADED = {"script", "link", "img", "iframe", "source"}  # without which a page is not whole; the others are links to follow


class Page(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element has."""
        told = dict(attrs)
        self.places |= {told[name] for name in ("id", "name") if told.get(name)}
        links = {told[name] for name in ("href", "src") if told.get(name)}
        self.links |= links
        self.loaded |= links if tag in LOADED else set()


def linked(*told: Any) -> None:
    """Make links of the DOIs in a docstring, in place: its lines are the last of what autodoc tells."""
    lines: list[str] = told[-1]
    lines[:] = [DOI.sub(r"`doi:\1 <https://doi.org/\1>`__", line) for line in lines]


def check(app: Any, error: Exception | None) -> None:
    """Warn of links that lead nowhere, and of whatever a page would load from elsewhere."""
    if error is not None or app.builder.format != "html":
        return
    folder, logger = Path(app.outdir), logging.getLogger("links")
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        where = path.relative_to(folder.resolve())
        for link in sorted(page.links):
            reason = _wrong(link, path, pages)
            if reason:
                logger.warning("%s links to %s: %s", where, link, reason)
        for link in sorted(page.loaded):
            if urlsplit(link).netloc:
                logger.warning("%s loads %s, which is not there without a network", where, link)


def _wrong(link: str, path: Path, pages: dict[Path, Page]) -> str:
    """Why a link within the site is wrong; nothing where it is not, or leads elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "there is no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
        return "there is no such place in the page"
    return ""
