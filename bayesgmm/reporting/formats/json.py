"""A document as data: every table in full precision, every sentence, the model, its settings and what may be believed.

The keys of version 1. Text has no markup. A number that is missing or not finite is ``null``. Keys may be added without a new
version; none changes its meaning without one.

``schema``, ``schema_version``
    ``"bayesgmm report"`` and 1.
``title``, ``footer``
    What the data are called; by which version of the package it was written, and when.
``standing``, ``believed``, ``headline``, ``cautions``
    ``"components"``, ``"density"`` or ``"nothing"``: how much may be believed; the same in words; the answer in one sentence;
    what is missing after an interruption.
``facts``
    ``source`` and ``command``; ``data`` (n_observations, n_features, features, total_weight); ``n_components``, which the report
    is about, and ``n_components_tried``; ``specification`` and ``settings`` of the posterior; the sentences ``answer``,
    ``reasons``, ``verdict`` and ``check``; the booleans ``converged`` and ``components_trusted``.
``tables``
    By name: ``title``, ``note``, ``columns`` and ``rows`` (lists in the order of the columns, whole and unrounded). Where
    components may not be believed, their parameters are missing here too.
``sections``
    In order: ``name``, ``title`` and ``blocks``, each with its ``kind``: paragraph, caution and code (``text``), points
    (``items``), table (``name``), picture (``name``, ``alt``, ``caption``; the drawing is in the other forms), details
    (``title``, ``blocks``).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bayesgmm.files import write_whole
from bayesgmm.plain import plain
from bayesgmm.reporting.blocks import Block, Caution, Code, Details, Paragraph, Picture, Points, Table
from bayesgmm.reporting.document import Document
from bayesgmm.reporting.formats.format import Format

SCHEMA, VERSION = "bayesgmm report", 1


def as_json(document: Document) -> dict[str, Any]:
    """The document as plain JSON values, with the keys above."""
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "title": document.title,
        "standing": document.standing,
        "believed": document.believed,
        "headline": document.headline,
        "cautions": list(document.cautions),
        "facts": plain(document.facts),
        "tables": {block.name: _table(block) for block in document.blocks() if isinstance(block, Table)},
        "sections": [{"name": part.name, "title": part.title, "blocks": _blocks(part.blocks)} for part in document.parts],
        "footer": document.footer,
    }


def _write(document: Document, target: Path) -> None:
    text = json.dumps(as_json(document), indent=1, ensure_ascii=True, allow_nan=False)
    write_whole(target, text.encode())


def _blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    return [{"kind": type(block).__name__.lower(), **_content(block)} for block in blocks]


def _content(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph(text) | Caution(text) | Code(text):
            return {"text": text}
        case Points(items):
            return {"items": list(items)}
        case Table():
            return {"name": block.name}
        case Picture():
            return {"name": block.name, "alt": block.alt, "caption": block.caption}
        case Details():
            return {"title": block.title, "blocks": _blocks(block.blocks)}
    raise TypeError(f"A {type(block).__name__} has no place in a document.")


def _table(table: Table) -> dict[str, Any]:
    data = table.whole
    if any(name is not None for name in data.index.names):
        data = data.reset_index(allow_duplicates=True)
    rows = [plain(list(row)) for row in data.itertuples(index=False, name=None)]
    return {"title": table.title, "note": table.note, "columns": [str(name) for name in data.columns], "rows": rows}


JSON = Format(".json", "everything as data", _write)
