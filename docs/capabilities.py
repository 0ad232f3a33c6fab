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
    columns = {code: tuple(models.xs(code, level="what")) for code in STRUCTURES}
    groups = [[code for code in STRUCTURES if columns[code] == column] for column in dict.fromkeys(columns.values())]
    lines = [
        "# What works with what",
        "",
        "Made from the registries by `uv run python docs/capabilities.py`; `bg.capabilities()` gives the same as a table.",
        "",
        "| " + " | ".join(["", *(", ".join(alike) for alike in groups)]) + " |",
        "|" + "---|" * (len(groups) + 1),
        *("| " + " | ".join([of, *(models[of][alike[0]] for alike in groups)]) + " |" for of in models.index.unique(0)),
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
    tied = [code for code in STRUCTURES if STRUCTURES[code].why_no_prior]
    refusals: dict[tuple[str, str], list[str]] = {}
    for (of, what), row in table.iterrows():
        for engine, cell in row.items():
            if not cell.startswith(WORKS):
                case = ("any prior", cell.replace(what, ", ".join(tied), 1)) if what in tied else (of, cell)
                engines = refusals.setdefault(case, [])
                engines += [engine] if engine not in engines else []
    lines += [f"- {', '.join(sorted(engines))}; {where}: {cell}" for (where, cell), engines in refusals.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
