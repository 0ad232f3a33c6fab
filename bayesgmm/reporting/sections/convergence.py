"""Whether the chains have converged, and whether the components are the same ones in every draw."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.numbers import count, fixed, short
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Belief, Block, Claim, Details, Picture, Points
from bayesgmm.reporting.pictures import picture
from bayesgmm.reporting.sections.section import Section
from bayesgmm.reporting.tables import mixing

LABEL_FREE = (
    "Convergence is judged by these first. log_density: at rows spread over the first feature; expected_filled: how many "
    "components some row comes from; together: the probability that two rows come from one component. "
    "Rows and components count from 0."
)
SAME, NEARLY = (
    "Components in the same place in every draw.",
    ("Components in the same place in every draw as far as that can be. Their values are withheld."),
)


def _blocks(analysis: Analysis) -> Iterator[Block]:
    diagnosis, trusted = analysis.diagnosis, analysis.diagnosis.components_trusted
    yield _claim(analysis)
    yield Points((*diagnosis.verdict, analysis.check.verdict))
    yield _chains(analysis)
    if trusted and analysis.chosen > 1:
        yield _relabelling(analysis)
    title = "Quantities that no relabelling changes"
    yield Details(title, (mixing(diagnosis.label_free, LABEL_FREE, title="", name="label_free"),))
    worst = diagnosis.relabelled.sort_values("r_hat", ascending=False, kind="stable")
    many = len(worst) > len(mixing(worst, "").at_most().rows)
    table = mixing(worst if many else diagnosis.relabelled, SAME if trusted else NEARLY, trusted, name="relabelled")
    yield Details("Relabelled parameters", (table.at_most(which="least mixed"),))


def _claim(analysis: Analysis) -> Claim:
    free, diagnosis = analysis.diagnosis.label_free, analysis.candidate.posterior.diagnosis
    least = free[["ess_bulk", "ess_tail"]].min(axis=None)
    number = f"R-hat at most {fixed(free['r_hat'].max(), 3)}, at least {least:,.0f} effective draws"
    belief = Belief.YES if diagnosis.converged else Belief.NO
    diverged = diagnosis.n_divergences
    reason = "" if diagnosis.converged else "the chains have not converged"
    return Claim("The chains have converged", number + (f", {count(diverged, 'divergence')}" if diverged else ""), belief, reason)


def _chains(analysis: Analysis) -> Picture:
    draws = analysis.candidate.posterior.total_log_likelihood

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.trace(left, draws)
        plots.ranks(right, draws)

    caption = (
        "Log-likelihood, which no relabelling changes: its trace in each chain, and how the ranks of each chain among all draws "
        "are spread. Chains that agree overlap on the left and stay near the line on the right."
    )
    return picture("chains", paint, 2.7, f"Trace and rank plot of the log-likelihood in {len(draws)} chains.", caption)


def _relabelling(analysis: Analysis) -> Picture:
    """Means along the feature that separates components most, as drawn and with components in their places."""
    (feature,) = plots.separating_features(analysis.em.mixture, 1)
    before, after = (p.draws.means[..., feature] for p in (analysis.posterior.as_drawn(), analysis.posterior))
    name = f"mean of {short(analysis.observations.names[feature])}"

    def paint(figure: Figure) -> None:
        plots.relabelling(list(figure.subplots(1, 2)), before, after, name)

    caption = (
        "Left, a place of the sampler may hold one component and then another, since components have no names; right, each "
        f"component has been given one place in every draw. Drawn is the {name}."
    )
    return picture("relabelling", paint, 2.9, "Means of the components before and after relabelling.", caption)


CONVERGENCE = Section("convergence", "Have the chains converged?", _blocks)
