"""``bayesgmm compare``: EM beside MCMC for one number of components, or saved posteriors by their predictive accuracy."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

import bayesgmm as bg
from bayesgmm.cli import documents, options, reading
from bayesgmm.cli.output import progress_wanted, require_converged, say, show, show_em, show_table
from bayesgmm.numbers import fixed, interval, known_to, spread
from bayesgmm.validation import listed

EXAMPLES = (
    "bayesgmm compare DATA.csv --components 2",
    "bayesgmm compare FIT.nc",
    "bayesgmm compare FIT.nc FIT2.nc --ic loo",
)
SAVED = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"  # what saved fits begin with
SAMPLING = ("components", "covariance", "columns", "draws", "tune", "chains", "engine")
WITHHELD = "EM and MCMC are not compared component by component, for the components of the posterior may not be believed."
TIE = 2.0  # standard errors below which a difference in elpd tells nothing apart
SMALL = 4.0  # difference in elpd whose standard error is not to be relied on: Sivula et al. (2020), doi:10.48550/arXiv.2008.10296


def compare(
    ctx: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DATA | FIT...", readable=False, help="A table to fit, or saved fits; else Old Faithful."),
    ] = None,
    components: options.Components = 2,
    ic: Annotated[str, typer.Option(metavar="NAME", help="Rank saved fits by loo or waic.")] = "loo",
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
    """Compare EM with MCMC, or saved fits with each other.

    One table, or one fit saved by `bayesgmm fit --output`: EM beside MCMC, parameter by parameter. Several saved fits: ranked by
    how well they predict. Ends with exit code 3 where the chains of some posterior have not converged.
    """
    paths = list(inputs or ())
    fits = [path for path in paths if _is_saved(path)]
    if not fits and len(paths) < 2:
        _refuse(ctx, ("ic",), "ranks saved fits, and this is a table to fit")
        data = paths[0] if paths else None
        X = reading.observations(data, columns)
        em = bg.fit_em(X, components, covariance, seed=seed)
        settings: dict[str, Any] = {"engine": engine, "draws": draws, "tune": tune, "chains": chains}
        posterior = bg.fit_bayes(X, components, covariance, seed=seed, progress=progress_wanted(quiet), **settings)
        _beside(reading.source(data), em, posterior, as_json, quiet)
        return
    for path in (path for path in paths if path not in fits):
        if not path.exists():
            raise FileNotFoundError(f"There is no file {path}.")
        raise ValueError(f"{path} is no saved fit: compare takes one table, or fits saved by bayesgmm fit --output.")
    _refuse(ctx, SAMPLING, "is of the fit, which is saved already")
    posteriors = {str(path): _loaded(path) for path in paths}
    if len(posteriors) < len(paths):
        raise ValueError("The same fit is named twice: name different ones.")
    if len(paths) == 1:
        _refuse(ctx, ("ic",), "ranks several saved fits, and this is one")
        (posterior,) = posteriors.values()
        specification = posterior.specification
        em = bg.fit_em(posterior.observations, specification.n_components, specification.covariance, seed=seed)
        _beside(str(paths[0]), em, posterior, as_json, quiet)
        return
    _refuse(ctx, ("seed",), "is of the fit, which is saved already")
    _ranked(posteriors, ic, as_json)


def _is_saved(path: Path) -> bool:
    """Whether a file begins like a saved fit; a pipe is not looked into."""
    if path == options.STDIN or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(SAVED)
    except OSError:  # told by who reads it
        return False


def _refuse(ctx: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse options that would change nothing."""
    for name in names:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"--{name} {why}.")


def _loaded(path: Path) -> Any:
    """A saved posterior of a known number of components."""
    fit = bg.load(path)
    if not isinstance(fit, bg.Posterior):
        kind = "an EM fit" if isinstance(fit, bg.EMResult) else "a posterior of an unknown number of components"
        raise ValueError(f"{path} is {kind}: compare takes posteriors such as bayesgmm fit --output saves.")
    return fit


def _beside(source: str, em: bg.EMResult, posterior: Any, as_json: bool, quiet: bool) -> None:
    """Tell EM beside a posterior, parameter by parameter where the components may be believed."""
    comparison, diagnosis = bg.compare_em_bayes(em, posterior), bg.diagnose(posterior)
    sentences = comparison.verdict if diagnosis.components_trusted else (WITHHELD,)
    if as_json:
        content = {
            "data": documents.of_data(source, posterior.observations),
            **documents.of_diagnosis(diagnosis),
            "comparison": sentences,
            "table": _with_limits(comparison.table) if diagnosis.components_trusted else None,
            "em": documents.of_em(em),
            **documents.of_posterior(posterior, diagnosis),
        }
        documents.write_document("compare", content)
    else:
        if not quiet:
            show_em(em)
        say(*diagnosis.verdict)
        if diagnosis.components_trusted:
            _show_beside(comparison.table)
        else:
            show_table(importlib.import_module("bayesgmm.reporting").tables.mixing(diagnosis.label_free, ""))
        say(*sentences)
    require_converged(diagnosis)


def _with_limits(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the ends of the interval in columns of their own."""
    limits = pd.DataFrame(table["interval"].tolist(), columns=["lower", "upper"], index=table.index)
    return pd.concat([table.drop(columns="interval"), limits], axis=1)


def _show_beside(table: pd.DataFrame) -> None:
    rows = [
        (
            row["parameter"],
            *(known_to(row[name], row["sd"]) for name in ("em", "map", "mean")),
            spread(row["sd"]),
            interval(row["interval"][0], row["interval"][1], row["sd"]),
            fixed(row["difference_in_sd"], 2),
        )
        for _, row in table.iterrows()
    ]
    columns = ("parameter", "EM", "MAP", "mean", "sd", "90% interval", "difference in sd")
    show(columns, rows, "mean, sd and interval are of the posterior; the difference is (EM - mean) / sd.")


def _ranked(posteriors: dict[str, Any], ic: str, as_json: bool) -> None:
    """Tell which of several saved posteriors predicts best."""
    ranked = bg.compare(posteriors, ic).rename_axis("fit")
    table = ranked[["elpd", "se", "p", "elpd_diff", "dse", "weight"]].rename(
        columns={"elpd_diff": "difference", "dse": "difference_se"}
    )
    table["unreliable"] = ranked["warning"]
    sentences = ranking_sentences(table, ic, [name for name, post in posteriors.items() if not post.diagnosis.converged])
    if as_json:
        content = {
            "ic": ic,
            "sentences": sentences,
            "table": table,
            "fits": [_fit(name, posterior) for name, posterior in posteriors.items()],
        }
        documents.write_document("compare", content)
    else:
        rows = [_row(str(name), row, posteriors[str(name)]) for name, row in table.iterrows()]
        note = f"elpd: expected log predictive density by {ic.upper()}, higher is better, with its standard error; "
        note += "weight: of stacking."
        show(("fit", "K", "covariance", "elpd (se)", "difference (se)", "weight", "converged"), rows, note)
        say(*sentences)
    require_converged(*(posterior.diagnosis for posterior in posteriors.values()))


def _row(name: str, row: Any, posterior: Any) -> tuple[str, ...]:
    specification = posterior.specification
    return (
        name,
        str(specification.n_components),
        specification.covariance,
        f"{fixed(row['elpd'])} ({fixed(row['se'])})",
        f"{fixed(row['difference'])} ({fixed(row['difference_se'])})",
        fixed(row["weight"], 2),
        "yes" if posterior.diagnosis.converged else "no",
    )


def _fit(name: str, posterior: Any) -> dict[str, Any]:
    diagnosis = posterior.diagnosis
    return {"fit": name, **documents.of_diagnosis(diagnosis), **documents.of_posterior(posterior, diagnosis)}


def ranking_sentences(table: pd.DataFrame, ic: str, unconverged: Sequence[str]) -> tuple[str, ...]:
    """What a ranking says: the best, how far behind the others are, and what makes it doubtful."""
    best, *others = table.index
    found = [f"{best} predicts best by {ic.upper()}."]
    for name in others:
        gap, error = -table.loc[name, "difference"], table.loc[name, "difference_se"]
        near = ", too near to be told apart" if gap < max(SMALL, TIE * error) else ""
        found.append(f"{name} is {gap:.1f} lower (standard error {error:.1f}){near}.")
    unreliable = [str(name) for name in table.index[table["unreliable"].astype(bool)]]
    if unreliable:
        found.append(f"{ic.upper()} is not reliable for some rows of {listed(unreliable)}: look at their pointwise values.")
    if unconverged:
        found.append(f"The chains of {listed(list(unconverged))} have not converged, so that the ranking may be wrong.")
    return tuple(found)
