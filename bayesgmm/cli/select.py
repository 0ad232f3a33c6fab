"""``bayesgmm select``: how many components, by BIC, ICL, leave-one-out and evidence."""

import importlib

from bayesgmm.cli import documents, options, reading
from bayesgmm.cli.output import progress_wanted, say, show_table

EXAMPLES = ("bayesgmm select", "bayesgmm select DATA.csv --components 1:9", "bayesgmm select DATA.parquet --json --quiet")


def select(
    data: options.Data = None,
    components: options.Numbers = "1:6",
    covariance: options.Covariance = "full",
    columns: options.Columns = None,
    draws: options.Draws = 1000,
    tune: options.Tune = 1000,
    chains: options.Chains = 4,
    engine: options.Engine = "auto",
    seed: options.Seed = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare numbers of components by BIC, ICL and LOO.

    BIC and ICL are of the EM fits, LOO (leave-one-out cross-validation) and the evidence of the posteriors.
    """
    X = reading.observations(data, columns)
    selection = importlib.import_module("bayesgmm.selection")
    settings = {"seed": seed, "draws": draws, "tune": tune, "chains": chains, "engine": engine}
    found = selection.sweep(X, components, covariance, progress=progress_wanted(quiet), **settings)
    if as_json:
        content = {
            "data": documents.of_data(reading.source(data), X),
            "chosen": found.chosen,
            "by_bic": found.by_bic,
            "by_loo": found.by_loo,
            "reasons": found.reasons,
            "table": found.table,
        }
        documents.write_document("select", content)
        return
    show_table(importlib.import_module("bayesgmm.reporting").tables.numbers_of_components(found))
    say(*found.reasons)
