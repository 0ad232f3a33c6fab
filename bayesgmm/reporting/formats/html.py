"""A document as one HTML file: styles and pictures inside, nothing fetched from anywhere, no script, every text escaped."""

import base64
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bayesgmm.files import write_whole
from bayesgmm.numbers import minus
from bayesgmm.reporting.document import Document
from bayesgmm.reporting.formats.format import Format

TEMPLATE = "document.html.j2"


def page(document: Document) -> str:
    """The document as an HTML page."""
    environment = Environment(
        loader=PackageLoader("bayesgmm.reporting.formats"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": _data_uri, "minus": minus, "kind": lambda block: type(block).__name__}
    return environment.get_template(TEMPLATE).render(document=document, names={part.name for part in document.parts})


def _write(document: Document, target: Path) -> None:
    write_whole(target, page(document).encode("utf-8", "replace"))  # a file's name may hold bytes that are no Unicode


def _data_uri(svg: bytes) -> str:
    """A picture as the source of an image: a document apart, in which nothing can run."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


HTML = Format(".html", "one page that holds everything", _write)
