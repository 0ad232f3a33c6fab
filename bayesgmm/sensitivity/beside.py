"""The prior beside the posterior: what was believed of each quantity before the data, and after."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.draws import Draws
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.sensitivity.overlap import overlap
from bayesgmm.sensitivity.quantities import WITHHELD, of_components, unordered
from bayesgmm.sensitivity.simulated import prior_draws, stacked
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import listed, positive_integer, probability

type Array = NDArray[np.float64]

UNMOVED = 0.8  # overlap from which data are said to have told little
LEAST_DRAWS = 100  # of the prior, to be compared


def prior_beside_posterior(posterior: Posterior, prob: float = 0.9, n_draws: int = 4000, seed: Seed = 0) -> pd.DataFrame:
    r"""What the prior says of each quantity, what the posterior says, and how far the data have moved it.

    Label-free quantities always: mean and standard deviation of the mixture along each feature, the share of that variance which
    lies within components, sorted weights, sorted log volumes :math:`\tfrac12\log|\Sigma_k|`, and the least separation: the
    smallest Mahalanobis distance between two means under the average of their covariances. Where components may be believed also
    the relabelled weights, means, scales (standard deviations) and correlations; the prior is that of the places that
    relabelling gave to the drawn components, the same for all where the prior does not tell them apart.

    Parameters
    ----------
    posterior : Posterior
        Draws given a number of filled components are held against the prior of that many components.
    prob : float
        Of the equal-tailed intervals.
    n_draws : int
        Of the prior, at least 100.
    seed : int, SeedSequence or Generator
        Of the draws of the prior.

    Returns
    -------
    pandas.DataFrame
        One row a quantity, in the data's units: prior_median, prior_lower, prior_upper, posterior_median, posterior_lower,
        posterior_upper; ``overlap``, 1 where the data have told nothing and 0 where prior and posterior have nothing in common,
        and ``overlap_mcse``, its Monte Carlo standard error; ``contraction``, :math:`1 - (q_{post} / q_{prior})^2` with q the
        interquartile ranges, the share of the prior's variance that the data have taken away if both laws have one shape:
        negative where the posterior is the wider one. ``attrs["verdict"]`` has the same in sentences.

    Raises
    ------
    TypeError
        If it is no posterior of a known number of components.
    ValueError
        If ``prob`` is not between 0 and 1, or the draws of the prior are fewer than 100.

    References
    ----------
    Betancourt (2018), Calibrating model-based inferences and decisions, doi:10.48550/arXiv.1803.08393, on the contraction.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> post = bg.fit_bayes(bg.load_dataset("faithful"), 2, draws=200, tune=100, progress=False)
    >>> table = prior_beside_posterior(post, n_draws=500)
    >>> bool(table.loc["mixture_mean[waiting]", "contraction"] > 0.99)
    True
    """
    require_posterior(posterior)
    prob = probability(prob)
    if positive_integer(n_draws, "n_draws") < LEAST_DRAWS:
        raise ValueError(f"{n_draws} draws of the prior are too few to be compared: take {LEAST_DRAWS} or more.")
    names = posterior.observations.names
    prior = stacked(prior_draws(posterior.specification, n_draws, len(names), seed_sequence(seed)))
    before, after = unordered(prior, names), unordered(posterior.draws, names)
    trusted = posterior.diagnosis.components_trusted
    if trusted:
        relabelled = posterior.relabelled
        before |= of_components(placed(prior, relabelled.tree["relabelling"]["permutation"].to_numpy()), names)
        after |= of_components(relabelled.draws, names)
    rows = {name: _row(before[name], after[name], prob) for name in after}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")
    sentences = (posterior.doubt, *_verdict(table, prob, trusted))
    table.attrs = {"prob": prob, "verdict": tuple(filter(None, sentences))}
    return table


def placed(prior: Draws, places: NDArray[np.int64]) -> Draws:
    """Drawn components of the prior in the places that relabelling gave to those of the posterior, draw by draw."""
    flat, n = places.reshape(-1, prior.n_components), prior.shape[1]
    return prior.permuted(flat[np.linspace(0, len(flat) - 1, n).astype(int)][None])


def _row(before: Array, after: Array, prob: float) -> dict[str, float]:
    shared = overlap(before.ravel(), after)
    at = [0.5, (1 - prob) / 2, (1 + prob) / 2, 0.25, 0.75]
    quantiles = {"prior": np.quantile(before, at), "posterior": np.quantile(after, at)}
    told = {
        f"{law}_{name}": float(value)
        for law, values in quantiles.items()
        for name, value in zip(("median", "lower", "upper"), values[:3], strict=True)
    }
    of_prior, of_posterior = (values[4] - values[3] for values in quantiles.values())
    contraction = 1 - (of_posterior / of_prior) ** 2 if of_prior > 0 else np.nan
    return told | {"overlap": shared.value, "overlap_mcse": shared.mcse, "contraction": float(contraction)}


def _verdict(table: pd.DataFrame, prob: float, trusted: bool) -> tuple[str, ...]:
    """What the table says, in sentences."""
    unmoved = table.index[table["overlap"] >= UNMOVED].tolist()
    is_beyond = ~table["posterior_median"].between(table["prior_lower"], table["prior_upper"])
    beyond = table.index[is_beyond].tolist()
    n = len(table)
    sentences = [
        f"For {len(unmoved)} of {n} quantities the posterior is nearly the prior, so that the data told little (overlap "
        f"{UNMOVED} or more): {listed(unmoved)}."
        if unmoved
        else "The data have told something of every quantity.",
        f"For {len(beyond)} of {n} quantities the data say what the prior did not expect (the posterior median is outside of the "
        f"prior's {prob:.0%} interval): {listed(beyond)}."
        if beyond
        else f"Every posterior median lies within the prior's {prob:.0%} interval.",
    ]
    return (*sentences, *(() if trusted else (WITHHELD,)))
