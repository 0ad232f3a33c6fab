"""The report as one HTML file: styles and pictures inside, nothing fetched from anywhere, no script, every text escaped."""

import base64
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bayesgmm.files import write_whole
from bayesgmm.reporting import pictures, sentences, tables
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.numbers import count, fixed

TEMPLATE = "report.html.j2"


def render(analysis: Analysis) -> str:
    """The analysis as an HTML page."""
    environment = Environment(
        loader=PackageLoader("bayesgmm.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": _data_uri, "fixed": fixed, "count": count, "minus": _minus}
    page = environment.get_template(TEMPLATE)
    return page.render(
        analysis=analysis,
        sentences=sentences,
        tables=tables,
        pictures=pictures,
        version=version("bayesgmm"),
        today=date.today().isoformat(),
    )


def write(analysis: Analysis, target: Path) -> Path:
    """Render into a file."""
    write_whole(target, render(analysis).encode("utf-8", "replace"))  # a file's name may hold bytes that are no Unicode
    return target


def _minus(sentence: str) -> str:
    """A true minus sign before numbers, as in the tables."""
    return re.sub(r"(?<![\w)\]])-(?=\d)", "\N{MINUS SIGN}", sentence)


def _data_uri(svg: bytes) -> str:
    """A picture as the source of an image: a document apart, in which nothing can run."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
