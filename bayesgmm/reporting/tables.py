"""The tables of a report as strings, for any renderer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesgmm.agreement import Agreement
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.numbers import count, fixed, interval, known_to, significant, spread
from bayesgmm.selection import Selection

WORST_ROWS = 10


@dataclass(frozen=True)
class Table:
    """Strings in rows and columns.

    Attributes
    ----------
    note : str
        What a reader must know to read it.
    columns : tuple of str
        The first heads the names of the rows.
    rows : tuple of tuple of str
    marked : int, optional
        A row to stand out.
    """

    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: int | None = None


def features(analysis: Analysis) -> Table:
    """What the data look like."""
    observations = analysis.observations
    columns = zip(observations.names, observations.values.T, strict=True)
    rows = [
        (name, *map(significant, (x.min(), *np.quantile(x, [0.25, 0.5, 0.75]), x.max(), x.mean(), x.std(ddof=1))))
        for name, x in columns
    ]
    return Table("", ("feature", "min", "25%", "median", "75%", "max", "mean", "sd"), tuple(rows))


def numbers_of_components(selection: Selection) -> Table:
    """Every number of components that was tried, by all criteria."""
    rows = [
        {
            "K": str(k),
            "p": str(row["n_parameters"]),
            "BIC": fixed(row["bic"]),
            "ICL": fixed(row["icl"]),
            "elpd (se)": f"{fixed(row['elpd_loo'])} ({fixed(row['elpd_loo_se'])})",
            "difference (se)": f"{fixed(row['elpd_loo_diff'])} ({fixed(row['elpd_loo_diff_se'])})",
            "high k": str(row["pareto_k_bad"]),
            "evidence (se)": f"{fixed(row['log_evidence'])} ({fixed(row['log_evidence_se'])})",
            "converged": "yes" if row["converged"] else "no",
            "trusted": "yes" if row["components_trusted"] else "no",
        }
        for k, row in selection.table.iterrows()
    ]
    note = (
        "p: free parameters. BIC, ICL: lower is better, of the maximum-likelihood fit; a dash where a component collapsed. "
        "elpd: expected log predictive density by leave-one-out, higher is better, with its standard error, and the "
        "difference to the best with its own. high k: rows for which it is not reliable. evidence: log marginal likelihood. "
        "converged: the chains. trusted: the components."
    )
    marked = list(selection.candidates).index(selection.chosen)
    return Table(note, tuple(rows[0]), tuple(tuple(row.values()) for row in rows), marked)


def mixing(table: pd.DataFrame, note: str, with_values: bool = True) -> Table:
    """R-hat and effective sample sizes of quantities, with their values unless those may not be claimed."""
    values = ("mean", "sd", "90% interval") if with_values else ()
    rows = [
        (
            str(name),
            *((known_to(row["mean"], row["sd"]), spread(row["sd"]), _limits(row)) if with_values else ()),
            fixed(row["r_hat"], 3),
            fixed(row["ess_bulk"], 0),
            fixed(row["ess_tail"], 0),
        )
        for name, row in table.iterrows()
    ]
    return Table(note, ("quantity", *values, "R-hat", "ESS bulk", "ESS tail"), tuple(rows))


def two_samplers(agreement: Agreement) -> Table:
    """Posterior means by two engines."""
    rows = [
        (str(name), known_to(row["first"], row["sd"]), known_to(row["second"], row["sd"]), fixed(row["difference"], 2))
        for name, row in agreement.table.iterrows()
    ]
    note = f"Posterior means; the difference is in Monte Carlo standard errors, of which {agreement.allowed:.1f} are allowed."
    return Table(note, ("quantity", *agreement.engines, "difference"), tuple(rows))


def components(analysis: Analysis) -> Table:
    """One row a quantity, one column a component."""
    k = analysis.chosen
    quantities = analysis.components.index.get_level_values("quantity")[::k]
    cells = [f"{known_to(row['mean'], row['sd'])} [{_limits(row)}]" for _, row in analysis.components.iterrows()]
    rows = [(quantity, *cells[i * k : (i + 1) * k]) for i, quantity in enumerate(quantities)]
    note = "Posterior mean, and in brackets its 90% equal-tailed interval. A scale is a standard deviation."
    return Table(note, ("quantity", *(f"component {component}" for component in range(k))), tuple(rows))


def em_beside_mcmc(analysis: Analysis) -> Table:
    """The point estimates beside the posterior."""
    rows = [
        (
            row["parameter"],
            *(known_to(row[what], row["sd"]) for what in ("em", "map", "mean")),
            spread(row["sd"]),
            _limits(dict(zip(("lower", "upper"), row["interval"], strict=True)) | {"sd": row["sd"]}),
            fixed(row["difference_in_sd"], 2),
        )
        for _, row in analysis.comparison.table.iterrows()
    ]
    columns = ("parameter", "EM", "MAP", "mean", "sd", "90% interval", "difference in sd")
    note = (
        "EM: maximum likelihood. MAP: the best mode that ECM found of the posterior. mean, sd and interval: of the posterior. "
        "difference in sd: (EM − mean) / sd."
    )
    return Table(note, columns, tuple(rows))


def unreliable_rows(analysis: Analysis) -> Table | None:
    """The rows whose leave-one-out is least reliable; None where all are good."""
    loo, values = analysis.loo, analysis.observations.values
    k = loo.pareto_k.to_numpy()
    bad = np.flatnonzero(k > loo.good_k)
    if not bad.size:
        return None
    worst = bad[np.argsort(-k[bad], kind="stable")][:WORST_ROWS]
    rows = [(str(i), fixed(k[i], 2), fixed(float(loo.elpd_i[i]), 2), *map(significant, values[i])) for i in worst]
    columns = ("row", "Pareto k", "elpd", *analysis.observations.names)
    note = "Rows are counted from 0." + (f" The worst {WORST_ROWS} of {bad.size} are shown." if bad.size > WORST_ROWS else "")
    return Table(note, columns, tuple(rows))


ENGINES_OWN = {"target_accept": "target acceptance", "thin": "sweeps for each draw", "switch_labels": "labels switched at random"}


def making(analysis: Analysis) -> Table:
    """Settings, seed, times and versions."""
    posterior, settings = analysis.posterior, analysis.posterior.settings
    seed = settings["seed"]
    asked = f", of {settings['chains']} of {settings['draws']:,} asked for" if posterior.partial else ""
    seconds = [sum(c.posterior.settings["seconds"].values()) for c in analysis.selection.candidates.values()]
    seconds += [sum(analysis.check.seconds.values())] if analysis.check.seconds else []
    told: dict[str, Any] = {
        "model": f"Gaussian mixture, covariance structure {analysis.posterior.specification.covariance}",
        "engine": settings["engine"],
        "draws": f"{posterior.n_chains} chains of {posterior.n_draws:,}, after {settings['tune']:,} for tuning{asked}",
        **{title: settings[name] for name, title in ENGINES_OWN.items() if name in settings},
        "seed": seed["entropy"] if not seed["spawn_key"] else seed,
        "sampling time": f"{sum(seconds):.0f} s for {count(len(seconds), 'fit')}",
        "versions": ", ".join(f"{package} {number}" for package, number in settings["versions"].items()),
    }
    if "diverging" in posterior.tree["sample_stats"]:
        told["divergent transitions"] = posterior.n_divergences
    return Table("", ("what", "value"), tuple((name, str(value)) for name, value in told.items()))


def prior(analysis: Analysis) -> Table:
    """The prior's numbers."""
    parts = analysis.posterior.specification.required_prior.to_json()
    rows = [
        (
            part,
            fields["kind"].replace("_", " "),
            "; ".join(f"{name} = {_nested(value)}" for name, value in fields.items() if name != "kind"),
        )
        for part, fields in parts.items()
    ]
    default = "The default prior, whose scales come from the ranges of the data." if analysis.uses_default_prior else "As given."
    return Table(default, ("prior on", "kind", "numbers"), tuple(rows))


def _limits(row: "pd.Series[Any]") -> str:
    return interval(row["lower"], row["upper"], row["sd"])


def _nested(value: Any) -> str:
    """Numbers to four digits; vectors and matrices in brackets, a diagonal matrix by its diagonal."""
    array = np.asarray(value)
    if array.ndim == 0:
        return significant(float(array))
    diagonal = array.ndim == 2 and not (array - np.diag(np.diag(array))).any()
    return f"{'diag' if diagonal else ''}({', '.join(map(_nested, np.diag(array) if diagonal else array))})"
