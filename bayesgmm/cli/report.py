"""``bayesgmm report``: the whole analysis, as a file to read."""

import importlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bayesgmm.cli import documents, options, reading
from bayesgmm.cli.output import echo, progress_wanted, require_converged, say
from bayesgmm.cli.targets import free_target

EXAMPLES = (
    "bayesgmm report",
    "bayesgmm report DATA.csv --components 1:6 --output report.html",
    "bayesgmm report DATA.csv --columns a,b --output report.md --force",
)


def report(
    data: options.Data = None,
    components: options.Numbers = "1:6",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", readable=False, help=".html, .md or .json.")] = Path(
        "report.html"
    ),
    sections: Annotated[Any, typer.Option(parser=options.parse_names, metavar="A,B", help="Sections to write; else all.")] = None,
    omit: Annotated[Any, typer.Option(parser=options.parse_names, metavar="A,B", help="Sections to leave out.")] = None,
    covariance: options.Covariance = "full",
    columns: options.Columns = None,
    draws: options.Draws = 1000,
    tune: options.Tune = 1000,
    chains: options.Chains = 4,
    engine: options.Engine = "auto",
    check: Annotated[bool, typer.Option(help="Whether another sampler checks it.")] = True,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit by EM and MCMC; report what may be believed.

    Ends with exit code 3 where the chains of the number of components that is reported on have not converged, or another sampler
    found another posterior.
    """
    X = reading.observations(data, columns)
    target = free_target(output, force, data)
    reporting = importlib.import_module("bayesgmm.reporting")
    reporting.require_output(target, force)
    reporting.choose(sections, omit or ())  # before anything is fitted
    settings: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "engine": engine, "seed": seed}
    asked = {"components": ",".join(map(str, components)), "output": output, "covariance": covariance}
    asked |= {name: ",".join(words) for name, words in {"columns": columns, "sections": sections, "omit": omit}.items() if words}
    analysis = reporting.analyse(
        X,
        components,
        covariance,
        progress=progress_wanted(quiet),
        source=reading.source(data),
        command=_command("report", data, asked | settings) + ("" if check else " --no-check"),
        check=check,
        **settings,
    )
    reporting.write(analysis, target, sections=sections, omit=omit or ())
    if as_json:
        documents.write_document("report", _document(analysis, reporting.answer(analysis), target))
    else:
        if not quiet:
            say(" ".join(reporting.answer(analysis)))
            say(*analysis.selection.reasons)
            say(*analysis.diagnosis.verdict, analysis.check.verdict)
        echo(f"Report: {target}")
    require_converged(analysis.diagnosis)


def _document(analysis: Any, answer: Sequence[str], target: Path) -> dict[str, Any]:
    return {
        "data": documents.of_data(analysis.source, analysis.observations),
        "answer": answer,
        **documents.of_diagnosis(analysis.diagnosis),
        "check": {"verdict": analysis.check.verdict, "disputed": analysis.check.is_disputed},
        "chosen": analysis.chosen,
        "by_bic": analysis.selection.by_bic,
        "by_loo": analysis.selection.by_loo,
        "reasons": analysis.selection.reasons,
        "table": analysis.selection.table,
        "em": documents.of_em(analysis.em),
        **documents.of_posterior(analysis.posterior, analysis.diagnosis),
        "output": target,
    }


def _command(name: str, data: Path | None, asked: dict[str, Any]) -> str:
    """The command line that does the same again."""
    words = [f"--{option}={value}" for option, value in asked.items()]
    return shlex.join(["bayesgmm", name, *([str(data)] if data else []), *words])
