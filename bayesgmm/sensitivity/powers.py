"""How far each quantity moves when the prior, or the likelihood, is raised to a power a little above or below 1."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.diagnostics import label_free_quantities
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.sensitivity.parts import PARTS, log_prior
from bayesgmm.sensitivity.quantities import WITHHELD
from bayesgmm.sensitivity.scaling import is_flat, largest_good_k, noise, normal_scores, pareto_k, sensitivity, shift
from bayesgmm.validation import finite_array, instance_of, known_name, listed, positive

type Array = NDArray[np.float64]

THRESHOLD = 0.05  # of a sensitivity; the paper's
ABOVE_CHANCE = 2.0  # times what chance gives, to be told from it
CERTAIN = 0.01  # standard deviation below which a probability or a number hardly differs among draws
WITHOUT_UNIT = ("together[", "expected_filled")  # quantities that are probabilities or numbers
LEAST_DRAWS = 100

CONFLICT = "prior-data conflict"
STRONG = "strong prior / weak likelihood"
UNTOLD = "too few draws"
UNRELIABLE = "unreliable weights"
QUIET = "-"

RAISED = {
    "all": "the prior",
    "weights": "the prior of the weights",
    "means": "the prior of the means",
    "covariances": "the prior of the covariances",
    "hyperprior": "the hyperprior of the covariances",
}
FLAT = "The prior of the weights is flat, the same at every power: this diagnostic cannot see what it does."


def power_scaling(
    posterior: Posterior,
    quantities: Sequence[str] | Mapping[str, Any] | None = None,
    part: str = "all",
    threshold: float = THRESHOLD,
) -> pd.DataFrame:
    r"""Power-scaling sensitivity: how far each quantity hangs on the prior, and on the likelihood, without another fit.

    The prior density is raised to a power :math:`\alpha` near 1, :math:`p_\alpha(\theta \mid x) \propto p(\theta)^\alpha
    p(x \mid \theta)`, by importance weights :math:`p(\theta_s)^{\alpha - 1}` of the draws, smoothed by Pareto's law. The
    sensitivity is the cumulative Jensen-Shannon distance that a quantity's law moves for each doubling of :math:`\alpha`; the
    same with the likelihood in the prior's place. Quantities are given normal scores first, so that it does not matter in what
    transform they are told, nor how heavy their tails are; 0.05 is then a move of the mean by about a quarter of the posterior
    standard deviation.

    Parameters
    ----------
    posterior : Posterior
        Draws given a number of filled components are taken with the prior of that many components.
    quantities : sequence of str, or mapping of str to array-like of shape (n_chains, n_draws), optional
        Names among the usual ones, or quantities of your own at each draw. None: the label-free ones (of probabilities that rows
        share a component only those that differ among draws), and where components may be believed the relabelled parameters.
    part : {"all", "weights", "means", "covariances", "hyperprior"}
        Which part of the prior is raised; see Notes.
    threshold : float
        Of a sensitivity, from which it is spoken of.

    Returns
    -------
    pandas.DataFrame
        One row a quantity. ``prior`` and ``likelihood``, the sensitivities; ``noise``, the prior's sensitivity that chance alone
        would give so many draws (the quantity with log priors of another chain); ``shift``, by how many posterior standard
        deviations the mean moves for each doubling of the prior's power, :math:`\log 2\, \mathrm{cov}(q, \log p) /
        \mathrm{sd}(q)`, to first order, with its Monte Carlo error ``shift_mcse``; ``diagnosis``:
        ``"prior-data conflict"`` where both sensitivities reach the threshold, ``"strong prior / weak likelihood"`` where the
        prior's does alone, ``"too few draws"`` where the prior's does but is not twice the noise, ``"unreliable weights"`` where
        the weights are too uneven to tell, ``"-"`` otherwise. ``attrs["verdict"]`` has the same in sentences,
        ``attrs["pareto_k"]`` what the weights' tails are like (by name of what was raised).

    Raises
    ------
    TypeError
        If it is no posterior of a known number of components.
    ValueError
        If a name is unknown, the prior has no hyperprior, or a quantity has another shape or does not vary.

    Notes
    -----
    Where a prior is hierarchical, raising the density of parameters given their hyperparameters would change the model that ties
    them and not what is believed. Here the nuisance variables (the common rate C0 of the hierarchical Wishart, the mixing rates
    of the half-t) are integrated out in closed form, and the density of the mixture's own parameters is raised: it is a prior
    without levels, the same whether or not it was written with nuisance variables. So ``"covariances"`` asks about all that the
    prior says of them, for the default prior also that they are of one another's size. ``"hyperprior"`` raises the law of C0
    alone, the top level, which is what the literature advises for hierarchical models; it is usually quiet, since the data
    tell C0, and it does not ask whether the components should share it.

    The density is that of weights, means, and precisions (under LKJ scales and correlations). A flat density is the same at every
    power: the Dirichlet(1) of the weights has no sensitivity, whatever it does to the posterior. Where the law of the means
    depends on the covariances, ``"means"`` raises it as a density given these, and so bears on the covariances too.

    References
    ----------
    Kallioinen, Paananen, Buerkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with power-scaling,
    doi:10.1007/s11222-023-10366-5.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X = bg.load_dataset("faithful")
    >>> strict = bg.Prior.weakly_informative(X, weights_concentration=200.0)  # the groups are of nearly equal size
    >>> post = bg.fit_bayes(X, 2, prior=strict, progress=False)
    >>> power_scaling(post, ["sorted_weights[0]"])["diagnosis"].item()
    'prior-data conflict'
    """
    require_posterior(posterior)
    part, threshold = known_name(part, "part of the prior", PARTS), positive(threshold, "threshold")
    n_draws = posterior.n_chains * posterior.n_draws
    if n_draws < LEAST_DRAWS:
        raise ValueError(f"{n_draws} draws are too few for weights: power-scaling needs {LEAST_DRAWS}.")
    chosen = _chosen(posterior, quantities)
    values = np.stack(list(chosen.values()), axis=-1)
    scores, raised = normal_scores(values), {"prior": log_prior(posterior, part), "likelihood": posterior.total_log_likelihood}
    columns = {name: sensitivity(scores, log_density) for name, log_density in raised.items()}
    columns["noise"] = noise(scores, raised["prior"])
    columns["shift"], columns["shift_mcse"] = shift(values, raised["prior"])
    table = pd.DataFrame(columns, index=pd.Index(list(chosen), name="quantity"))
    tails = {name: pareto_k(log_density) for name, log_density in raised.items()}
    bad = [name for name, k in tails.items() if k > largest_good_k(n_draws)]
    table["diagnosis"] = UNRELIABLE if bad else _diagnoses(table, threshold)
    sentences = [*_told(table, threshold, part), *(_unreliable(name, tails[name], n_draws) for name in bad)]
    if part in ("all", "weights") and posterior.n_components > 1 and is_flat(log_prior(posterior, "weights")):
        sentences.append(FLAT)
    if quantities is None and not posterior.diagnosis.components_trusted:
        sentences.append(WITHHELD)
    table.attrs = {
        "part": part,
        "threshold": threshold,
        "pareto_k": tails,
        "verdict": tuple(filter(None, (posterior.doubt, *sentences))),
    }
    return table


def _chosen(posterior: Posterior, quantities: Sequence[str] | Mapping[str, Any] | None) -> dict[str, Array]:
    """The quantities at each draw, shape (n_chains, n_draws) each, that vary."""
    if isinstance(quantities, Mapping):
        given = {
            str(name): finite_array(value, f"The quantity {name!r}", posterior.draws.shape) for name, value in quantities.items()
        }
        return _varying(given)
    known = label_free_quantities(posterior.draws, posterior.some_rows, posterior.total_log_likelihood)
    if quantities is None:
        known |= _components(posterior) if posterior.diagnosis.components_trusted else {}
        return {name: value for name, value in known.items() if np.ptp(value) > 0 and not _is_certain(name, value)}
    instance_of(quantities, Sequence, "quantities")
    names = [quantities] if isinstance(quantities, str) else quantities
    if any(name not in known for name in names):
        components = _components(posterior)
        withheld = [name for name in names if name in components]
        if withheld and not posterior.diagnosis.components_trusted:
            raise ValueError(f"{listed(withheld)}: {WITHHELD}")
        known |= components
    return _varying({known_name(name, "quantity", known): known[name] for name in names})


def _components(posterior: Posterior) -> dict[str, Array]:
    """The relabelled parameters at each draw."""
    return posterior.relabelled.draws.quantities(posterior.observations.names)


def _varying(found: dict[str, Array]) -> dict[str, Array]:
    """The same, if there are any and all of them vary."""
    constant = [name for name, value in found.items() if np.ptp(value) == 0]
    if constant or not found:
        raise ValueError(
            f"The same at every draw: {listed(constant)}; leave them out."
            if constant
            else "There are no quantities: give a name."
        )
    return found


def _is_certain(name: str, value: Array) -> bool:
    """Whether a probability or a number hardly differs among draws, so that it has nowhere to move."""
    return name.startswith(WITHOUT_UNIT) and float(value.std()) < CERTAIN


def _diagnoses(table: pd.DataFrame, threshold: float) -> NDArray[np.object_]:
    """What the sensitivities mean, one word a quantity."""
    hangs, speaks = table["prior"] >= threshold, table["likelihood"] >= threshold
    by_chance = table["prior"] < ABOVE_CHANCE * table["noise"]
    return np.select([hangs & by_chance, hangs & speaks, hangs], [UNTOLD, CONFLICT, STRONG], QUIET).astype(object)


def _told(table: pd.DataFrame, threshold: float, part: str) -> list[str]:
    """The table in sentences, without what speaks against believing it."""
    told = {
        CONFLICT: "though the data speak of them too, so that prior and data may disagree",
        STRONG: "and the data say little of them",
        UNTOLD: "as far as it seems, but chance alone may give as much: take more draws",
    }
    sentences = []
    for diagnosis, meaning in told.items():
        rows = table[table["diagnosis"] == diagnosis]
        if len(rows):
            worst = rows["prior"].idxmax()
            sentences.append(
                f"{len(rows)} of {len(table)} quantities hang on {RAISED[part]} {meaning} ({diagnosis}). Most of all {worst}: "
                f"sensitivity {rows['prior'].max():.2f}, its mean moves by {rows.loc[worst, 'shift']:+.2f} posterior standard "
                "deviations for each doubling of the power."
            )
    if not sentences and (table["diagnosis"] == QUIET).all():
        most = table["prior"].idxmax()
        sentences = [
            f"No quantity hangs on {RAISED[part]}: the largest sensitivity is {table['prior'].max():.3f}, of {most} "
            f"(below {threshold:g})."
        ]
    return sentences


def _unreliable(name: str, k: float, n_draws: int) -> str:
    return (
        f"The importance weights of the {name} are too uneven to be believed: Pareto k is {k:.2f}, good up to "
        f"{largest_good_k(n_draws):.2f}. They tell no sensitivity: take more draws, or fit again with another prior."
    )
