"""The document: the sections that were asked for, each told, and the summary of what they claim. It knows no page."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Any

from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Block, Claim, Details, Link, Mark, Table
from bayesgmm.reporting.sections import SECTIONS, Section
from bayesgmm.reporting.sentences import BELIEVED, answer, edge, partial
from bayesgmm.validation import known_name, told


@dataclass(frozen=True, eq=False)
class Part:
    """A section as told.

    Attributes
    ----------
    name, title : str
    blocks : tuple of Block
    """

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """What is told, for any form of page.

    Attributes
    ----------
    title : str
    standing : str
        How much may be believed: "components", "density" or "nothing".
    believed : str
        The same in words.
    headline : str
        The answer in one sentence.
    cautions : tuple of str
        What is missing, where the analysis was interrupted.
    parts : tuple of Part
    facts : mapping
        What a program asks for: the data, the model, settings, verdicts.
    footer : str
    """

    title: str
    standing: str
    believed: str
    headline: str
    cautions: tuple[str, ...]
    parts: tuple[Part, ...]
    facts: Mapping[str, Any]
    footer: str

    def blocks(self) -> Iterator[Block]:
        """All blocks, those inside of details too."""
        for part in self.parts:
            yield from _opened(part.blocks)


def document(analysis: Analysis, sections: Iterable[str] | None = None, omit: Iterable[str] = ()) -> Document:
    """Tell an analysis; see :func:`bayesgmm.report` for ``sections`` and ``omit``."""
    chosen = choose(sections, omit)
    blocks = {section.name: tuple(section.blocks(analysis)) for section in chosen}
    claims = [(section, block) for section in chosen for block in blocks[section.name] if isinstance(block, Claim)]
    parts = []
    for section in chosen:
        shown = tuple(block for block in blocks[section.name] if not isinstance(block, Claim))
        more = (_claimed(claims),) if section.name == "summary" and claims else ()
        parts.append(Part(section.name, section.title, (*shown, *more)))
    name, standing = analysis.source, analysis.diagnosis.standing
    return Document(
        name,
        standing,
        BELIEVED[standing],
        " ".join(filter(None, (answer(analysis)[0], edge(analysis)))),
        partial(analysis),
        tuple(parts),
        _facts(analysis),
        f"Written by bayesgmm {version('bayesgmm')} on {date.today().isoformat()}.",
    )


def choose(sections: Iterable[str] | None = None, omit: Iterable[str] = ()) -> tuple[Section, ...]:
    """The sections of these names, in this order, without those to be omitted.

    Raises
    ------
    TypeError
        If names do not come in a list.
    ValueError
        If a name is unknown or nothing is left.

    Examples
    --------
    >>> [section.name for section in choose(["density", "summary"])]
    ['density', 'summary']
    """
    asked = list(SECTIONS) if sections is None else _known(sections, "sections")
    omitted = _known(omit, "omit")
    chosen = tuple(SECTIONS[name] for name in dict.fromkeys(asked) if name not in omitted)
    if not chosen:
        raise ValueError(f"No section is left to write: the sections are {', '.join(map(repr, SECTIONS))}.")
    return chosen


def _known(names: Iterable[str], what: str) -> list[str]:
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise TypeError(f"{what} must be several names of sections, such as ['summary', 'density'], got {told(names)}.")
    return [known_name(name, "section", SECTIONS) for name in names]


def _claimed(claims: list[tuple[Section, Claim]]) -> Table:
    """What the sections claim, one row a claim."""
    rows = [(c.text, c.number, Mark(c.belief, c.reason), Link(section.name, section.title)) for section, c in claims]
    columns = ("claim", "number", "may it be believed", "shown in")
    return Table("", columns, tuple(rows), title="What is claimed, and whether it may be believed", name="claims", is_prose=True)


def _facts(analysis: Analysis) -> dict[str, Any]:
    observations, posterior = analysis.observations, analysis.posterior
    return {
        "source": analysis.source,
        "command": analysis.command,
        "data": {
            "n_observations": observations.n_observations,
            "n_features": observations.n_features,
            "features": list(observations.names),
            "total_weight": float(observations.total_weight),
        },
        "n_components": analysis.chosen,
        "n_components_tried": list(analysis.selection.candidates),
        "specification": json.loads(posterior.specification.to_json()),
        "settings": posterior.settings,
        "answer": list(answer(analysis)),
        "reasons": list(analysis.selection.reasons),
        "verdict": list(analysis.diagnosis.verdict),
        "check": analysis.check.verdict,
        "converged": analysis.diagnosis.converged,
        "components_trusted": analysis.diagnosis.components_trusted,
    }


def _opened(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from _opened(block.blocks)
