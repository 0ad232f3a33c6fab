"""What the analysis says, in plain words."""

from typing import Any

from bayesgmm.numbers import count, known_to, percent, short
from bayesgmm.reporting.analysis import Analysis

MOST_MEANS = 2  # features up to which the answer tells where components are
MOST_SIZES = 5  # components up to which it tells how large each is
SURE = 0.9  # probability of a component from which a row is said to belong to it
FIRST_LOOK = "The chains have not converged: what follows is a first look, not a result."
BELIEVED = {
    "components": "The components may be believed",
    "density": "The density may be believed, the components may not",
    "nothing": "Nothing may be believed yet",
}


def answer(analysis: Analysis) -> tuple[str, ...]:
    """The answer to how many groups there are, how large, and whether that may be believed; first sentence first."""
    k, rows = analysis.chosen, count(analysis.observations.n_observations, "row")
    components = count(k, "component")
    match analysis.diagnosis.standing:
        case "nothing":
            disputed = f"two samplers of the mixture of {components} disagree"
            unmixed = f"the chains of the mixture of {components} have not converged"
            return (
                f"No number in this report may be used yet: {disputed if analysis.check.is_disputed else unmixed}.",
                f"Take more draws{'' if k == 1 else ', or fewer components'}.",
            )
        case "density":
            first = (
                f"A mixture of {components} describes the density of these {rows} best, and the density may be believed.",
                "Its parameters may not yet: they have not mixed. Take more draws."
                if k == 1
                else "Its components may not: they are not the same ones in every draw. So this report says nothing about "
                "groups.",
            )
        case _ if k == 1:
            first = (
                f"One component describes these {rows} best: they show no separate groups.",
                "The chains have converged, and its parameters may be believed.",
            )
        case _:
            first = (f"These {rows} are best described by {components}, and the components may be believed.", _sizes(analysis))
    return (*first, *criteria(analysis))


def partial(analysis: Analysis) -> tuple[str, ...]:
    """What is missing because the analysis was interrupted."""
    found = (analysis.selection.shortfall, analysis.posterior.shortfall, analysis.em.shortfall)
    return tuple(sentence for sentence in found if sentence)


def _sizes(analysis: Analysis) -> str:
    weights = analysis.described("weight")
    if len(weights) > MOST_SIZES:
        ordered = weights.sort_values("mean", ascending=False)
        first, last = ordered.iloc[0], ordered.iloc[-1]
        return (
            f"The largest component holds {percent(first['mean'])} of the population (90% interval {_percents(first)}), the "
            f"smallest {percent(last['mean'])} ({_percents(last)})."
        )
    told = [
        f"component {k}{_where(analysis, k)} holds {percent(row['mean'])} of the population (90% interval {_percents(row)})"
        for k, (_, row) in enumerate(weights.iterrows())
    ]
    sentence = ", ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _percents(row: Any) -> str:
    return f"{percent(row['lower'])} to {percent(row['upper'])}"


def _where(analysis: Analysis, component: int) -> str:
    """The component's means, where they are few."""
    names = analysis.observations.names
    if len(names) > MOST_MEANS:
        return ""
    rows = [(short(name), analysis.described("mean", j).iloc[component]) for j, name in enumerate(names)]
    return f" ({', '.join(f'{name} about {known_to(row["mean"], row["sd"], 1)}' for name, row in rows)})"


def criteria(analysis: Analysis) -> tuple[str, ...]:
    """Whether the criteria agree on the number of components."""
    selection = analysis.selection
    if len(selection.candidates) == 1:
        return ("No other number of components was tried.",)
    if selection.by_bic is None:
        return ("The number rests on leave-one-out cross-validation alone, since every EM fit collapsed.",)
    if len(selection.rankable) == 1:
        return ("BIC chose that number; it alone has chains that have converged, so that cross-validation compares nothing.",)
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


def denied(analysis: Analysis) -> str:
    """Why nothing may be believed, in a clause."""
    return "two samplers disagree" if analysis.check.is_disputed else "the chains have not converged"


def withheld(analysis: Analysis) -> str:
    """Why component parameters are not shown."""
    if not analysis.diagnosis.converged:
        return "Component parameters are withheld: the chains have not converged, so that their averages mean nothing yet."
    return (
        "Component parameters are withheld: the components are not the same ones in every draw, or their parameters have not "
        "mixed, so that an average over draws would mix different components under one name. What does not depend on names may "
        "be read: the density, and predictions."
    )


def assignment(analysis: Analysis) -> str:
    """How sure it is which row belongs to which component; for components that may be believed."""
    best = analysis.responsibilities[0].max(axis=1)
    sure, n = int((best >= SURE).sum()), len(best)
    wrong = float((1 - best).sum())
    expected = (
        "fewer than one row is" if wrong < 1 else f"about {count(round(wrong), 'row')} {'is' if round(wrong) == 1 else 'are'}"
    )
    return (
        f"{sure:,} of {n:,} rows ({percent(sure / n)}) belong to one component with a probability of at least {SURE:g}; if every "
        f"row is put into its most probable component, {expected} expected to be in a wrong one."
    )


def checks(analysis: Analysis) -> str:
    """What the checks say, in one sentence."""
    diagnosis, check = analysis.diagnosis, analysis.check
    own = analysis.candidate.posterior.diagnosis.converged
    chains = "The chains have converged" if own else "The chains have not converged"
    if check.agreement is None:
        return f"{chains}. {check.unasked}" if own else check.unasked
    other = check.agreement.engines[1]
    if check.agreement.unconverged:
        return f"{chains}; {other} was asked to check them, but tells nothing, for its own have not."
    if check.is_disputed:
        return f"{chains}, but another sampler, {other}, found another posterior."
    components = "" if diagnosis.components_trusted else ", though not about components one by one"
    return f"{chains}, and another sampler, {other}, found the same posterior{components}."
