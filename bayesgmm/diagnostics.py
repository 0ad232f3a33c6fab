"""Whether draws have converged, and whether components may be spoken of.

Three questions in order. Have the chains converged on what does not depend on labels? Are the relabelled components the same
ones in every draw? Have the chains converged on the relabelled parameters? Only three times yes lets component parameters be
claimed. This floor knows draws and tables; a Posterior is put together one floor up.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesgmm.draws import Draws, equal_tailed
from bayesgmm.labels import COMPARED, Method, Trust, inverse, trust

R_HAT = 1.01  # Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), doi:10.1214/20-BA1221
ESS_PER_CHAIN = 100  # the same paper
DIVERGENT_SHARE = 0.001  # draws that may diverge before convergence is denied
N_POINTS = 5  # rows at which the density is followed
ONE_CHAIN = "One chain cannot show that it has converged: run at least 2, better 4."

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What may be believed of a posterior.

    Attributes
    ----------
    converged : bool
        Label-free quantities have mixed and transitions did not diverge: density and predictions may be believed.
    components_trusted : bool
        Converged, and the relabelled components are the same in every draw and have mixed: their parameters may be claimed.
    label_free, relabelled, raw : pandas.DataFrame
        One row a quantity: mean, sd, interval, ess_bulk, ess_tail, r_hat, mcse_mean. ``relabelled`` holds the numbers even
        where they may not be claimed; ``raw`` those of the components as drawn.
    n_divergences : int
    trust : Trust, optional
        What speaks for and against the components; None where there is one alone, or they are not spoken of.
    verdict : tuple of str
        The same in sentences, the answer first.
    """

    converged: bool
    components_trusted: bool
    label_free: pd.DataFrame
    relabelled: pd.DataFrame
    raw: pd.DataFrame
    n_divergences: int
    trust: Trust | None
    verdict: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.verdict)

    @property
    def standing(self) -> str:
        """How much may be believed, in one word: "components", "density" or "nothing"."""
        if self.components_trusted:
            return "components"
        return "density" if self.converged else "nothing"

    def denied(self, answer: str) -> "Diagnosis":
        """The same where something outside of these draws shows that they have not converged, with another answer."""
        return replace(self, converged=False, components_trusted=False, verdict=(answer, *self.verdict[1:]))


def judge(
    relabelled: Draws,
    permutation: NDArray[np.int64],
    values: Array,
    names: Sequence[str],
    log_likelihood: Array,
    n_divergences: int,
    methods: Mapping[str, Method] = COMPARED,
    prob: float = 0.9,
) -> Diagnosis:
    """Judge relabelled draws.

    Parameters
    ----------
    relabelled : Draws
    permutation : ndarray of shape (n_chains, n_draws, n_components)
        By which they were relabelled.
    values : ndarray of shape (n_observations, n_features)
    names : sequence of str
        Of the features.
    log_likelihood : ndarray of shape (n_chains, n_draws)
        Total of each draw.
    n_divergences : int
    methods : mapping of str to callable
        Relabelling methods to be held against the one that was used.
    prob : float
        Of the intervals in the tables.
    """
    several = relabelled.n_components > 1
    free = describe(label_free_quantities(relabelled, values, log_likelihood), prob)
    parameters = describe(relabelled.quantities(names), prob)
    drawn = describe(relabelled.permuted(inverse(permutation)).quantities(names), prob) if several else parameters
    n_chains, n_draws = relabelled.shape
    enough = ESS_PER_CHAIN * n_chains
    divergent = n_divergences > DIVERGENT_SHARE * n_chains * n_draws
    converged = _mixed(free, enough) and not divergent and n_chains > 1
    signs = trust(relabelled, values, log_likelihood, methods) if several else None
    trusted = converged and _mixed(parameters, enough) and not (signs and signs.doubts)
    sentences = [_answer(converged, trusted, relabelled.n_components)]
    if n_chains < 2:
        sentences.append(ONE_CHAIN)
    sentences.append(_mixing("Label-free quantities", free, enough))
    if n_divergences:
        sentences.append(
            f"{n_divergences} of {n_chains * n_draws} transitions diverged, so that parts of the posterior may be missed"
            + (": raise target_accept, or try fewer components." if divergent else "; few enough to go on.")
        )
    sentences.append(_mixing("Relabelled parameters", parameters, enough))
    if signs is not None:
        sentences += signs.doubts or (signs.verdict,)
        if not signs.doubts and parameters["r_hat"].max() <= R_HAT < drawn["r_hat"].max():
            sentences.append(
                f"Parameters as drawn have an R-hat of up to {drawn['r_hat'].max():.2f}: that is switching of labels alone, "
                "which relabelling undoes."
            )
    return Diagnosis(converged, trusted, free, parameters, drawn, n_divergences, signs, tuple(sentences))


def judge_number(
    draws: Draws, values: Array, log_likelihood: Array, counts: dict[str, Array], shortfall: str = "", prob: float = 0.9
) -> Diagnosis:
    """Judge draws in which the number of components differs; ``counts`` are these numbers and what else is drawn beside them.

    Components are not spoken of before their number is given, so none is trusted.
    """
    quantities = (
        counts | {"log_likelihood": log_likelihood} | density_quantities(draws, values) | together_quantities(draws, values)
    )
    table = describe(quantities, prob)
    n_chains = draws.shape[0]
    enough = ESS_PER_CHAIN * n_chains
    converged = _mixed(table, enough) and n_chains > 1
    answer = (
        "Yes: the chains have converged on the number of components. To speak of components, give it: given(n_components)."
        if converged
        else "No: the chains have not converged on the number of components; take more draws, or raise thin."
    )
    alone = "" if n_chains > 1 else ONE_CHAIN
    sentences = (answer, shortfall, alone, _mixing("Quantities that do not depend on labels", table, enough))
    return Diagnosis(converged, False, table, table[:0], table[:0], 0, None, tuple(filter(None, sentences)))


def label_free_quantities(draws: Draws, values: Array, log_likelihood: Array) -> dict[str, Array]:
    """Quantities that no relabelling changes, each of shape (n_chains, n_draws).

    Log-likelihood, sorted weights, number of filled components (its expectation given the parameters, for a marginal sampler
    draws no allocations), log density at rows spread over the first feature, and the probability that neighbouring ones of
    these rows share a component.
    """
    quantities = {"log_likelihood": log_likelihood} | density_quantities(draws, values)
    if draws.n_components > 1:
        weights = np.sort(draws.weights, axis=2)[..., ::-1]
        quantities |= {f"sorted_weights[{k}]": weights[..., k] for k in range(draws.n_components)}
        quantities |= {"expected_filled": draws.filled(values)} | together_quantities(draws, values)
    return quantities


def density_quantities(draws: Draws, values: Array) -> dict[str, Array]:
    """Log density at rows spread over the first feature, each of shape (n_chains, n_draws)."""
    rows = _followed_rows(values)
    density = draws.log_density(values[rows])
    return {f"log_density[row {i}]": density[..., m] for m, i in enumerate(rows)}


def together_quantities(draws: Draws, values: Array) -> dict[str, Array]:
    """Probability that neighbours among these rows share a component, each of shape (n_chains, n_draws)."""
    pairs = [(i, j) for i, j in pairwise(_followed_rows(values)) if i != j]
    return {f"together[rows {i}, {j}]": draws.together(values[[i, j]]) for i, j in pairs}


def _followed_rows(values: Array) -> NDArray[np.int64]:
    order = np.argsort(values[:, 0], kind="stable")
    return np.asarray(order[np.linspace(0, len(order) - 1, N_POINTS + 2).round().astype(int)[1:-1]])


def binary_units(values: Array, axis: int | tuple[int, ...]) -> Array:
    """Powers of 2 in which values are at most 1: to divide by them changes no bit, and squares of the rest cannot overflow."""
    return np.asarray(np.ldexp(1.0, np.frexp(np.abs(values).max(axis=axis))[1]))


def describe(quantities: dict[str, Array], prob: float) -> pd.DataFrame:
    """Mean, sd, equal-tailed interval, effective sample sizes, R-hat and Monte Carlo error of the mean, one row a quantity."""
    stacked = np.stack(list(quantities.values()), axis=-1)
    units = binary_units(stacked, axis=(0, 1))
    stacked = stacked / units
    dataset = xr.Dataset({"quantity": (("chain", "draw", "row"), stacked)})
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a constant quantity has no R-hat: NaN says it
        table = az.summary(dataset, kind="diagnostics", round_to="none")[["ess_bulk", "ess_tail", "r_hat", "mcse_mean"]]
    table.index = pd.Index(list(quantities), name="quantity")
    flat = stacked.reshape(-1, stacked.shape[-1])
    lower, upper = equal_tailed(flat, prob)
    moments: dict[str, Array] = {"mean": flat.mean(axis=0), "sd": flat.std(axis=0, ddof=1), "lower": lower, "upper": upper}
    for place, (name, column) in enumerate(moments.items()):
        table.insert(place, name, column * units)
    table["mcse_mean"] *= units
    table.attrs["prob"] = prob
    return pd.DataFrame(table)


def _mixed(table: pd.DataFrame, enough: float) -> bool:
    if table["sd"].isna().any():  # of a single draw
        return False
    varying = table[table["sd"] > 0]
    return bool((varying["r_hat"] <= R_HAT).all() and (varying[["ess_bulk", "ess_tail"]] >= enough).all(axis=None))


def _mixing(what: str, table: pd.DataFrame, enough: float) -> str:
    worst, least = table["r_hat"].max(), table[["ess_bulk", "ess_tail"]].min(axis=None)
    fate = "have mixed" if _mixed(table, enough) else "have NOT mixed"
    digits = 3 if worst <= R_HAT else 4  # lest it look like the bound
    return f"{what} {fate}: largest R-hat {worst:.{digits}f} (at most {R_HAT}), smallest ESS {least:.0f} (at least {enough:.0f})."


def _answer(converged: bool, trusted: bool, n_components: int) -> str:
    if trusted:
        return "Yes: the chains have converged and the components may be believed."
    if converged and n_components == 1:
        return "The density may be believed, the component's parameters may not yet: they have not mixed. Take more draws."
    if converged:
        return (
            f"The density may be believed, the {n_components} components may not: "
            "they are not the same components in every draw, or their parameters have not mixed. What does not depend on labels "
            "may be used all the same: the density, predictions, which rows belong together, the number of filled components."
        )
    fewer = ", other starts, or fewer components" if n_components > 1 else ""
    return f"No: the chains have not converged; take more draws{fewer} before using any number."
