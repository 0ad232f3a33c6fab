"""What the analysis says, in plain words."""

from typing import Any

from bayesgmm.climb import Status
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.numbers import count, fixed, known_to, percent

MOST_MEANS = 2  # features up to which the first paragraph tells where components are
FIRST_LOOK = "The chains have not converged: what follows is a first look, not a result."
LABEL_FREE = (
    "Convergence is judged by these first. log_density: at rows spread over the first feature; expected_filled: how many "
    "components some row comes from; together: the probability that two rows come from one component. "
    "Rows and components count from 0."
)


def standing(analysis: Analysis) -> str:
    """How much may be believed, in one word: "components", "density" or "nothing"."""
    if analysis.diagnosis.components_trusted:
        return "components"
    return "density" if analysis.diagnosis.converged else "nothing"


def answer(analysis: Analysis) -> tuple[str, ...]:
    """The answer to how many groups there are, how large, and whether that may be believed; first sentence first."""
    k, rows = analysis.chosen, count(analysis.observations.n_observations, "row")
    components = count(k, "component")
    match standing(analysis):
        case "nothing":
            disputed = f"two samplers of the mixture of {components} disagree"
            unmixed = f"the chains of the mixture of {components} have not converged"
            return (
                f"No number in this report may be used yet: {disputed if analysis.check.is_disputed else unmixed}.",
                "Take more draws or fewer components; the convergence section says what failed.",
            )
        case "density":
            first = (
                f"A mixture of {components} describes the density of these {rows} best, and the density may be believed.",
                "Its components may not: they are not the same ones in every draw. So this report says nothing about groups.",
            )
        case _ if k == 1:
            first = (
                f"One component describes these {rows} best: they show no separate groups.",
                "The chains have converged, and its parameters may be believed.",
            )
        case _:
            first = (f"These {rows} are best described by {components}, and the components may be believed.", _sizes(analysis))
    return (*first, *_agreement(analysis))


def partial(analysis: Analysis) -> tuple[str, ...]:
    """What is missing because the analysis was interrupted."""
    found = (analysis.selection.shortfall, analysis.posterior.shortfall, analysis.em.shortfall)
    return tuple(sentence for sentence in found if sentence)


def _sizes(analysis: Analysis) -> str:
    weights = analysis.components.loc["weight"].sort_values("mean", ascending=False)
    told = [
        f"component {k}{_where(analysis, k)} holds {percent(row['mean'])} of the population "
        f"(90% interval {percent(row['lower'])} to {percent(row['upper'])})"
        for k, row in weights.iterrows()
    ]
    sentence = ", ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _where(analysis: Analysis, component: Any) -> str:
    """The component's means, where they are few."""
    names = analysis.observations.names
    if len(names) > MOST_MEANS:
        return ""
    rows = [(name, analysis.components.loc[(f"mean of {name}", component)]) for name in names]
    return f" ({', '.join(f'{name} about {known_to(row["mean"], row["sd"])}' for name, row in rows)})"


def _agreement(analysis: Analysis) -> tuple[str, ...]:
    selection = analysis.selection
    if len(selection.candidates) == 1:
        return ("No other number of components was tried.",)
    if selection.by_bic is None:
        return ("The number rests on leave-one-out cross-validation alone, since every EM fit collapsed.",)
    if selection.by_loo == selection.chosen:
        among = "" if len(selection.rankable) == len(selection.candidates) else ", among the fits whose chains have converged"
        return (f"BIC and leave-one-out cross-validation agree on the number{among}.",)
    best = count(selection.by_loo, "component")
    but = "" if selection.table.loc[selection.by_loo, "converged"] else ", whose chains have not converged"
    return (f"BIC chose that number; leave-one-out cross-validation prefers {best}{but}.",)


def edge(analysis: Analysis) -> str | None:
    """A warning where the best number is the largest that was tried."""
    tried = list(analysis.selection.candidates)
    if len(tried) > 1 and analysis.chosen == max(tried):
        return f"K = {analysis.chosen} is the largest number that was tried: more components may be better still. Try them."
    return None


def withheld(analysis: Analysis) -> str:
    """Why component parameters are not shown."""
    if not analysis.diagnosis.converged:
        return "Component parameters are withheld: the chains have not converged, so that their averages mean nothing yet."
    return (
        "Component parameters are withheld: the components are not the same ones in every draw, or their parameters have not "
        "mixed, so that an average over draws would mix different components under one name. What does not depend on names may "
        "be read: the density below, and predictions."
    )


def em_ended(analysis: Analysis) -> str:
    """How EM came to its estimate."""
    em = analysis.em
    runs = count(len(em.runs), "start")
    told = {
        Status.CONVERGED: "converged",
        Status.MAX_ITERATIONS: "was still rising at the end",
        Status.COLLAPSED: "collapsed",
        Status.INTERRUPTED: "was interrupted",
    }[em.status]
    return (
        f"EM, the best of {runs}, {told}: log-likelihood {fixed(em.log_likelihood, 2)} in {count(em.n_iterations, 'iteration')}."
    )


def loo_reliability(analysis: Analysis) -> str:
    """Whether leave-one-out may be believed for every row."""
    k, good = analysis.loo.pareto_k.to_numpy(), analysis.loo.good_k
    bad = int((k > good).sum())
    if not bad:
        return f"Every row has Pareto k at or below {good:.2f}, so the estimate may be believed."
    return (
        f"{count(bad, 'row')} of {len(k):,} {'has' if bad == 1 else 'have'} Pareto k above {good:.2f}: the posterior changes "
        "much when such a row is left out, and the estimate is too optimistic about it. "
        "Look at these rows: often they are outliers."
    )
