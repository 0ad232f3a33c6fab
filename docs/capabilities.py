"""Write the table of what works with what: `uv run python docs/capabilities.py`."""

from pathlib import Path

import bayesgmm as bg
from bayesgmm.capability import WORKS
from bayesgmm.covariance import STRUCTURES

PAGE = Path(__file__).with_name("capabilities.md")


def page() -> str:
    """The table in Markdown: which engines take a cell, and the sentences that the others raise."""
    table = bg.capabilities()
    cells = table.apply(lambda row: ", ".join(engine for engine, cell in row.items() if cell.startswith(WORKS)), axis=1)
    models, data = cells[cells.index.get_level_values("of") != "data"], cells["data"]
    lines = [
        "# What works with what",
        "",
        "Made from the registries by `uv run python docs/capabilities.py`; `bg.capabilities()` gives the same as a table.",
        "",
        "| " + " | ".join(["", *STRUCTURES]) + " |",
        "|" + "---|" * (len(STRUCTURES) + 1),
        *("| " + " | ".join([of, *models[of][list(STRUCTURES)]]) + " |" for of in models.index.unique(0)),
        "",
        "Without a prior EM finds the maximum likelihood, and the samplers take the default prior.",
        "",
        "Data may have, beyond complete rows that count once:",
        "",
        "| | |",
        "|---|---|",
        *(f"| {feature} | {engines} |" for feature, engines in data.items()),
        "",
        "Where an engine is not named it raises:",
        "",
    ]
    for engine in table:
        refusals = {cell: of for (of, _), cell in table[engine].items() if not cell.startswith(WORKS)}
        lines += [f"- {engine}, {of}: {cell}" for cell, of in refusals.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
