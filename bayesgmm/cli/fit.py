"""``bayesgmm fit``: one number of components, by EM and by MCMC."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

import bayesgmm as bg
from bayesgmm.cli import documents, options, reading
from bayesgmm.cli.output import echo, progress_wanted, require_converged, say, show_em, show_table
from bayesgmm.cli.targets import free_target

EXAMPLES = (
    "bayesgmm fit",
    "bayesgmm fit DATA.csv --components 3 --output fit.nc",
    "cat DATA.csv | bayesgmm fit - --columns a,b --json",
)


def fit(
    data: options.Data = None,
    components: options.Components = 2,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", readable=False, help="Save the posterior there, as netCDF.")
    ] = None,
    covariance: options.Covariance = "full",
    columns: options.Columns = None,
    draws: options.Draws = 1000,
    tune: options.Tune = 1000,
    chains: options.Chains = 4,
    engine: options.Engine = "auto",
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit one number of components by EM and by MCMC.

    Prints both with a verdict. Ends with exit code 3 where the chains have not converged.
    """
    X = reading.observations(data, columns, may_be_stored=True)
    target = None if output is None else free_target(output, force, data)
    em = bg.fit_em(X, components, covariance, seed=seed)
    settings: dict[str, Any] = {"engine": engine, "draws": draws, "tune": tune, "chains": chains}
    posterior = bg.fit_bayes(X, components, covariance, seed=seed, progress=progress_wanted(quiet), **settings)
    if target is not None:
        posterior.save(target)
    diagnosis = bg.diagnose(posterior)
    if as_json:
        content = {
            "data": documents.of_data(reading.source(data), X),
            **documents.of_diagnosis(diagnosis),
            "em": documents.of_em(em),
            **documents.of_posterior(posterior, diagnosis),
            "output": target,
        }
        documents.write_document("fit", content)
    else:
        _tell(em, diagnosis, target, quiet)
    require_converged(diagnosis)


def _tell(em: bg.EMResult, diagnosis: Any, target: Path | None, quiet: bool) -> None:
    tables = importlib.import_module("bayesgmm.reporting").tables
    if not quiet:
        show_em(em)
    say(*diagnosis.verdict)
    if diagnosis.components_trusted:
        show_table(tables.mixing(diagnosis.relabelled, "Posterior of the relabelled parameters."))
    else:
        show_table(tables.mixing(diagnosis.label_free, "Component parameters are withheld; these depend on no label."))
    if target is not None:
        echo(f"Posterior: {target}")
