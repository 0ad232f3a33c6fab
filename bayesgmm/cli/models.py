"""``bayesgmm models``: all covariance structures and numbers of components, by EM alone."""

from pathlib import Path
from typing import Annotated

import typer

import bayesgmm as bg
from bayesgmm.cli import documents, options, reading
from bayesgmm.cli.output import echo, progress_wanted, say, show, show_em
from bayesgmm.cli.targets import free_target
from bayesgmm.files import write_whole
from bayesgmm.numbers import fixed

EXAMPLES = (
    "bayesgmm models",
    "bayesgmm models DATA.csv --components 1:5 --criterion icl",
    "bayesgmm models DATA.csv -o models.csv",
)


def models(
    data: options.Data = None,
    components: options.Numbers = "1:10",
    columns: options.Columns = None,
    criterion: Annotated[str, typer.Option(metavar="NAME", help="bic or icl.")] = "bic",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", readable=False, help="Write the table there, as CSV.")
    ] = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare all covariance structures by BIC or ICL, by EM.

    All of mclust's structures with each number of components, as mclust does.
    """
    X = reading.observations(data, columns, may_be_stored=True)
    target = None if output is None else free_target(output, force, data)
    found = bg.select_model(X, components, criterion=criterion, seed=seed, progress=progress_wanted(quiet))
    best = found.best
    if target is not None:
        write_whole(target, found.table.to_csv().encode())
    if as_json:
        content = {
            "data": documents.of_data(reading.source(data), X),
            "criterion": criterion,
            "sentences": found.sentences,
            "best": documents.of_em(best),
            "table": found.table,
            "output": target,
        }
        documents.write_document("models", content)
        return
    page = found.bic if criterion == "bic" else found.icl
    rows = [(str(k), *map(fixed, row)) for k, row in zip(page.index, page.to_numpy(), strict=True)]
    show(("K", *page.columns), rows, f"{criterion.upper()}: lower is better; a dash where a component collapsed.")
    say(*found.sentences)
    if not quiet:
        show_em(best)
    if target is not None:
        echo(f"Table: {target}")
