"""What the words of a report mean, for who has not met them."""

from collections.abc import Iterator

from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Block, Table
from bayesgmm.reporting.sections.section import Section

MEANINGS = {
    "mixture, component": (
        "A mixture says that each row comes from one of K bell-shaped clouds, its components, and nobody recorded which. A "
        "component has a weight (its share of the population), a mean, scales and correlations. Components are numbered from 0, "
        "as in the Python objects, from the largest weight down."
    ),
    "EM": "Finds the single set of parameters under which the data are likeliest (maximum likelihood).",
    "posterior": (
        "All sets of parameters, each as credible as the data and the prior make it. Gibbs and NUTS are two samplers that draw "
        "from it; MCMC is their common name. MAP is its highest point."
    ),
    "90% interval": "Holds the true value with a probability of 90%, under the model; 5% lie below and 5% above.",
    "chain, converged": "A sampler is run several times from different starts. Chains that end in the same place have converged.",
    "R-hat": "Compares the chains: 1 is agreement, above 1.01 is not enough (Vehtari et al. 2021, doi:10.1214/20-BA1221).",
    "ESS": "Effective sample size: as many independent draws would say as much. bulk: of averages; tail: of intervals.",
    "relabelling": "Components have no names, so that draws may swap them. Relabelling gives each one place in every draw.",
    "scale": "A standard deviation within a component.",
    "BIC, ICL": "Misfit of EM with a penalty for each parameter; ICL adds one for overlap. The lowest number is the best.",
    "elpd, leave-one-out": (
        "How well rows are predicted that were not used: the expected log predictive density, by Pareto-smoothed importance "
        "sampling (Vehtari, Gelman & Gabry 2017, doi:10.1007/s11222-016-9696-4). Higher is better."
    ),
    "Pareto k": "Whether leave-one-out may be believed for a row: above the dashed line it may not.",
    "evidence": "Log marginal likelihood: how probable the data were before they were seen. It depends on the prior.",
}


def _blocks(_: Analysis) -> Iterator[Block]:
    yield Table("", ("word", "meaning"), tuple(MEANINGS.items()), name="words", is_prose=True)


WORDS = Section("words", "What the words mean", _blocks)
