"""EM, and the samplers that were asked, side by side: parameter by parameter, or what does not depend on labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.agreement import matched
from bayesgmm.climb import Status
from bayesgmm.diagnostics import describe, label_free_quantities
from bayesgmm.draws import Draws
from bayesgmm.engines import ENGINES
from bayesgmm.numbers import count, fixed, known_to, short, significant, spread
from bayesgmm.posterior import Posterior
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Caution, Claim, Details, Paragraph, Picture, Points, Table
from bayesgmm.reporting.components import PROB
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.tables import limits

FAR = 1.0  # posterior sds between EM and the posterior from which the claim is made with care
OPEN_ROWS = 30
MOST_DRAWN = 24  # parameters in the picture
LONGEST = 80  # characters of a parameter's name
ENDED = {
    Status.CONVERGED: "converged",
    Status.MAX_ITERATIONS: "was still rising at the end",
    Status.COLLAPSED: "collapsed",
    Status.INTERRUPTED: "was interrupted",
}
WITHHELD = (
    "The parameters are not set side by side: a row of that table would not be about one component. What does not depend on "
    "labels may be compared, below and in the picture of the density."
)


def _blocks(analysis: Analysis) -> Iterator[Block]:
    yield from _claims(analysis)
    em = analysis.em
    yield Paragraph(
        f"EM, the best of {count(len(em.runs), 'start')}, {ENDED[em.status]}: log-likelihood {fixed(em.log_likelihood, 2)} in "
        f"{count(em.n_iterations, 'iteration')}. {analysis.check.verdict}"
    )
    if analysis.diagnosis.components_trusted:
        yield Points(analysis.comparison.verdict)
        yield _estimates(analysis)
        table = _parameters(analysis)
        yield Details("Parameter by parameter", (table.at_most(),), len(table.rows) <= OPEN_ROWS)
    else:
        yield Caution(WITHHELD)
    yield Details("What does not depend on labels", (_label_free(analysis),))


def _claims(analysis: Analysis) -> Iterator[Claim]:
    check, trusted = analysis.check.agreement, analysis.diagnosis.components_trusted
    if check is None:
        yield Claim("Another sampler finds the same", "not asked", Belief.CARE, "nobody has checked it")
    else:
        largest = significant(check.table["difference"].abs().max(), 2)
        number = f"largest difference {largest} standard errors, {check.allowed:.1f} are allowed"
        if check.unconverged:
            yield Claim(
                "Another sampler finds the same", number, Belief.CARE, f"{' and '.join(check.unconverged)} has not converged"
            )
        else:
            reason = f"by {check.engines[1]}" if check.agrees else f"{check.engines[1]} finds another posterior"
            yield Claim("Another sampler finds the same", number, Belief.YES if check.agrees else Belief.NO, reason)
    if trusted:
        far = analysis.comparison.table["difference_in_sd"].abs().max()
        belief = Belief.YES if far <= FAR else Belief.CARE
        reason = "" if far <= FAR else "a point estimate does not sum this posterior up"
        yield Claim("EM finds the same", f"at most {significant(far, 2)} posterior standard deviations away", belief, reason)


def _estimates(analysis: Analysis) -> Picture:
    table = analysis.comparison.table
    n = min(len(table), MOST_DRAWN)

    def paint(figure: Figure) -> None:
        plots.em_beside_posterior(figure.subplots(), table, MOST_DRAWN)

    cut = f" Shown are the {n} of {len(table)} parameters in which the two differ most." if n < len(table) else ""
    caption = (
        "Each parameter in posterior standard deviations from its posterior mean: the line is the posterior's 90% interval, "
        f"below it hollow EM's estimate with its own 90% limits, dashed; the cross is the posterior's mode.{cut}"
    )
    return picture("em_beside_posterior", paint, 1.0 + 0.24 * n, "EM's estimates beside the posterior.", caption)


def _parameters(analysis: Analysis) -> Table:
    """EM with its standard error, its mode under the prior, and the posterior by each sampler."""
    compared = analysis.comparison.table
    samplers = {analysis.engine: _of_comparison(compared)}
    other = analysis.check.posterior
    if other is not None and other.diagnosis.components_trusted:
        samplers[_name(other)] = describe(matched(analysis.posterior, other).quantities(analysis.observations.names), PROB)
    rows = [
        (
            short(row["parameter"], LONGEST),
            f"{known_to(row['em'], row['sd'])} ({spread(row['em_se'])})",
            known_to(row["map"], row["sd"]),
            *(_cell(table.iloc[i]) for table in samplers.values()),
            fixed(row["difference_in_sd"], 2),
        )
        for i, (_, row) in enumerate(compared.iterrows())
    ]
    columns = ("parameter", "EM (standard error)", "MAP", *(f"{name} [90%]" for name in samplers), "EM − mean, in sd")
    note = (
        "Parameters are called as in Python: covariances[0, a, b] is that of features a and b in component 0. EM: maximum "
        "likelihood, with its standard error from the observed information. MAP: the best mode that ECM found of the posterior. "
        f"{' and '.join(samplers)}: posterior mean and 90% interval. Last: how far EM lies from the posterior mean of "
        f"{analysis.engine}, in posterior standard deviations. Components are matched by the rows that they share."
    )
    data = compared.set_index("parameter")[["em", "em_se", "map"]].join(_data(samplers))
    data["difference_in_sd"] = compared["difference_in_sd"].to_numpy()
    return Table(note, columns, tuple(rows), name="parameters", data=data)


def _label_free(analysis: Analysis) -> Table:
    """The same for quantities that no relabelling changes."""
    own, check = analysis.diagnosis.label_free, analysis.check
    samplers = {analysis.engine: own}
    if check.posterior is not None:
        samplers[_name(check.posterior)] = check.posterior.diagnosis.label_free
    em, scores = _of_em(analysis), None if check.agreement is None else check.agreement.table["difference"]
    rows = [
        (
            str(name),
            known_to(em[name], row["sd"]),
            *(_cell(table.loc[name]) for table in samplers.values()),
            *(() if scores is None else (fixed(scores[name], 2),)),
        )
        for name, row in own.iterrows()
    ]
    difference = () if scores is None else ("difference in standard errors",)
    columns = ("quantity", "EM", *(f"{name} [90%]" for name in samplers), *difference)
    note = "At EM's estimate, and posterior mean with 90% interval."
    if check.agreement is not None:
        allowed = f"{check.agreement.allowed:.1f} are allowed"
        note += f" The difference of the two means is in Monte Carlo standard errors, of which {allowed}."
    data = pd.DataFrame({"em": em}).join(_data(samplers))
    if scores is not None:
        data["difference"] = scores
    data.index.name = "quantity"
    return Table(note, columns, tuple(rows), name="label_free_by_engine", data=data)


def _of_em(analysis: Analysis) -> "pd.Series[float]":
    """What does not depend on labels, at EM's estimate."""
    mixture, values = analysis.em.mixture, analysis.observations.values
    single = Draws(mixture.weights[None, None], mixture.means[None, None], mixture.covariances[None, None], mixture.structure)
    quantities = label_free_quantities(single, values, single.log_likelihood(values))
    return pd.Series({name: float(value[0, 0]) for name, value in quantities.items()})


def _of_comparison(compared: pd.DataFrame) -> pd.DataFrame:
    lower, upper = np.array(compared["interval"].tolist()).T
    return pd.DataFrame({"mean": compared["mean"], "sd": compared["sd"], "lower": lower, "upper": upper}).set_index(
        pd.Index(compared["parameter"], name="parameter")
    )


def _data(samplers: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All of the samplers' numbers, columns such as ``gibbs_mean``."""
    parts = [table[["mean", "sd", "lower", "upper"]].add_prefix(f"{name.lower()}_") for name, table in samplers.items()]
    return pd.concat(parts, axis=1)


def _cell(row: "pd.Series[Any]") -> str:
    return f"{known_to(row['mean'], row['sd'])} [{limits(row)}]"


def _name(posterior: Posterior) -> str:
    return ENGINES[posterior.settings["engine"]].abilities.engine


ENGINES_BESIDE = Section("engines", "EM and the samplers side by side", _blocks)
