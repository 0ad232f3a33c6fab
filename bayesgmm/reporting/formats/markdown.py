"""A document as Markdown, as GitHub reads it: tables with bars, pictures as SVG files in a folder beside it."""

import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from bayesgmm.files import write_whole
from bayesgmm.numbers import minus
from bayesgmm.reporting.blocks import Block, Caution, Cell, Code, Details, Link, Paragraph, Picture, Points, Table
from bayesgmm.reporting.document import Document
from bayesgmm.reporting.formats.format import Format

SPECIAL = re.compile(r"([\\`*_\[\]<>|$~#&{}])")  # what may begin markup, a tag, mathematics or an entity
AT_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+=])")  # what makes a list or an underline of a line
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def text_of(document: Document, folder: str) -> str:
    """The document as Markdown whose pictures lie in a folder of that name."""
    names = {part.name for part in document.parts}
    lines = [f"# {escaped(document.title)}", f"> **{escaped(document.believed)}.** {escaped(document.headline)}"]
    lines += [f"> ⚠ {escaped(caution)}" for caution in document.cautions]
    lines.append("\n".join(f"- [{escaped(part.title)}](#{part.name})" for part in document.parts))
    for part in document.parts:
        lines += [f'## <a id="{part.name}"></a>{escaped(part.title)}', *_told(part.blocks, folder, names)]
    return "\n\n".join([*lines, f"*{escaped(document.footer)}*"]) + "\n"


def escaped(text: str) -> str:
    r"""Text as text on one line, whatever signs it holds.

    Examples
    --------
    >>> print(escaped("a_b | <script> 1*2"))
    a\_b \| \<script\> 1\*2
    """
    line = CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(minus(text).split()))
    return AT_START.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3]}", SPECIAL.sub(r"\\\1", line))


def _told(blocks: Iterable[Block], folder: str, names: set[str]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(text):
                yield escaped(text)
            case Caution(text):
                yield f"> ⚠ {escaped(text)}"
            case Code(text):
                yield _fenced(text)
            case Points(items):
                yield "\n".join(f"- {escaped(item)}" for item in items)
            case Table():
                yield _table(block, names)
            case Picture():
                yield f"![{escaped(block.alt)}]({quote(f'{folder}/{block.name}.svg')})\n\n*{escaped(block.caption.strip())}*"
            case Details():
                inside = "\n\n".join(_told(block.blocks, folder, names))
                is_open = " open" if block.is_open else ""
                yield f"<details{is_open}><summary>{escaped(block.title)}</summary>\n\n{inside}\n\n</details>"


def _table(table: Table, names: set[str]) -> str:
    side = "---" if table.is_prose else "---:"
    head = [" | ".join(map(escaped, table.columns)), " | ".join(["---", *[side] * (len(table.columns) - 1)])]
    rows = [
        " | ".join(f"**{_cell(cell, names)}**" if i == table.marked else _cell(cell, names) for cell in row)
        for i, row in enumerate(table.rows)
    ]
    title = f"**{escaped(table.title)}**\n\n" if table.title else ""
    note = f"\n\n{escaped(table.note)}" if table.note else ""
    return title + "\n".join(f"| {row} |" for row in [*head, *rows]) + note


def _cell(cell: Cell, names: set[str]) -> str:
    match cell:
        case str():
            return escaped(cell)
        case Link(section, text) if section in names:
            return f"[{escaped(text)}](#{section})"
        case _:
            return escaped(cell.text)


def _fenced(text: str) -> str:
    """A block of code, in a fence longer than any within."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _folder(target: Path) -> Path:
    return target.with_name(f"{target.stem}_files")


def _write(document: Document, target: Path) -> None:
    """The pictures first, in a folder that gets its name when all are in it; then the text that shows them."""
    folder = _folder(target)
    part = folder.with_name(f".{secrets.token_hex(8)}.part")
    is_new = not folder.exists()
    try:
        part.mkdir()
        for block in document.blocks():
            if isinstance(block, Picture):
                write_whole(part / f"{block.name}.svg", block.svg)
        text = text_of(document, folder.name)
        if is_new:
            part.rename(folder)
        else:  # files of others in it stay
            for picture in part.iterdir():
                picture.replace(folder / picture.name)
        write_whole(target, text.encode("utf-8", "replace"))
    except BaseException:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


MARKDOWN = Format(".md", "Markdown, with its pictures in a folder beside it", _write, _folder)
