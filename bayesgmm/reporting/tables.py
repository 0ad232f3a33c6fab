"""Tables that more than one reader shows: sections of a report, and the command line."""

from typing import Any

import pandas as pd

from bayesgmm.numbers import fixed, interval, known_to, spread
from bayesgmm.reporting.blocks import Table
from bayesgmm.selection import Selection

__all__ = ["Table", "fixed", "limits", "mixing", "numbers_of_components"]


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
        "K: components. p: free parameters. BIC, ICL: lower is better, of the maximum-likelihood fit; a dash where a component "
        "collapsed. elpd: expected log predictive density by leave-one-out, higher is better, with its standard error, and the "
        "difference to the best with its own. high k: rows for which it is not reliable. evidence: log marginal likelihood. "
        "converged: the chains. trusted: the components."
    )
    marked = list(selection.candidates).index(selection.chosen)
    columns, cells = tuple(rows[0]), tuple(tuple(row.values()) for row in rows)
    return Table(note, columns, cells, marked, "Every number that was tried", "numbers_of_components", selection.table)


def mixing(table: pd.DataFrame, note: str, with_values: bool = True, title: str = "", name: str = "") -> Table:
    """R-hat and effective sample sizes of quantities, with their values unless those may not be claimed."""
    values = ("mean", "sd", "90% interval") if with_values else ()
    rows = [
        (
            str(quantity),
            *((known_to(row["mean"], row["sd"]), spread(row["sd"]), limits(row)) if with_values else ()),
            fixed(row["r_hat"], 3),
            fixed(row["ess_bulk"], 0),
            fixed(row["ess_tail"], 0),
        )
        for quantity, row in table.iterrows()
    ]
    data = table if with_values else table[["r_hat", "ess_bulk", "ess_tail"]]
    return Table(note, ("quantity", *values, "R-hat", "ESS bulk", "ESS tail"), tuple(rows), None, title, name, data)


def limits(row: "pd.Series[Any]") -> str:
    """Limits of an interval, as precise as they are known."""
    return interval(row["lower"], row["upper"], row["sd"])
