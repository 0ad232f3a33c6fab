"""Evidence: the marginal likelihood of a mixture by bridge sampling, right under label switching, and what follows from it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.coordinates import Target
from bayesgmm.evidence.normals import bridged
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.validation import instance_of, non_negative

__all__ = ["LogMarginalLikelihood", "bayes_factors", "log_marginal_likelihood", "why_no_evidence"]

LEAST_DRAWS = 100  # of each chain


class LogMarginalLikelihood(NamedTuple):
    """Log of the marginal likelihood, in natural logarithms and the data's units, and its Monte Carlo standard error."""

    value: float
    standard_error: float


def log_marginal_likelihood(posterior: Posterior, seed: Seed = 0) -> LogMarginalLikelihood:
    r"""The evidence of a model: log of the integral of likelihood times prior over all parameters, all constants in.

    Bridge sampling between the posterior and a few normal densities fitted to half of its draws; the other half and draws from
    the normals make the estimate, then the halves change places. A mixture's posterior is the same under all K! orders of the
    components: draws are brought to the one region in which a component is nearest to its own place, over which the posterior
    integrates to 1 / K! of the whole. So no sampler has to switch labels, and no sum over K! orders is needed. The nuisance
    variables of the prior are integrated out in closed form.

    Parameters
    ----------
    posterior : Posterior
        Of :func:`fit_bayes`, from chains that have converged: of others it says nothing. The standard error is some thousandths
        with thousands of draws where components are pinned down, some hundredths where there are more than the data need.
    seed : int, SeedSequence or Generator

    Returns
    -------
    LogMarginalLikelihood
        ``value`` and ``standard_error``.

    Raises
    ------
    ValueError
        If the draws are those of a mixture with an unknown number of components, or too few, or the prior tells components
        apart; or if no proposal meets the posterior.

    References
    ----------
    Meng & Wong (1996), Statistica Sinica 6:831-860. Fruehwirth-Schnatter (2004), Estimating marginal likelihoods for mixture and
    Markov switching models using bridge sampling techniques, doi:10.1111/j.1368-423X.2004.00125.x.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> post = bg.fit_bayes(bg.load_dataset("faithful"), 2, progress=False)
    >>> bg.log_marginal_likelihood(post).standard_error < 0.05
    True
    """
    require_posterior(posterior)
    reason = why_no_evidence(posterior)
    if reason:
        raise ValueError(reason)
    draws, half, root = posterior.relabelled.draws, posterior.n_draws // 2, seed_sequence(seed)
    target, parts = Target(posterior.specification, posterior.observations), [slice(0, half), slice(half, None)]
    estimates = [
        bridged(
            target,
            draws.between(fitted),
            draws.between(held),
            posterior.total_log_likelihood[:, held],
            stream(root, Use.EVIDENCE, i),
        )
        for i, (fitted, held) in enumerate((parts, parts[::-1]))
    ]
    value = float(np.mean([estimate.value for estimate in estimates]))
    errors = [estimate.standard_error for estimate in estimates]
    return LogMarginalLikelihood(value, float(np.linalg.norm(errors)) / 2)


def why_no_evidence(posterior: Posterior) -> str:
    """Why these draws tell no evidence, in a sentence that says what to do; nothing where they do."""
    if "given" in posterior.settings:
        return (
            "These draws are of a mixture whose number of components is unknown: its probabilities compare the numbers. "
            "For an evidence use fit_bayes."
        )
    if not posterior.specification.required_prior.weights.is_exchangeable:
        return (
            "Components with different weights_concentration are not alike, and no sampler here visits all of their orders as "
            "often as it should: for an evidence give one weights_concentration for all."
        )
    if posterior.n_draws < LEAST_DRAWS:
        return f"{posterior.n_draws} draws of each chain are too few for an evidence: it needs {LEAST_DRAWS}."
    return ""


def bayes_factors(evidences: Mapping[str, LogMarginalLikelihood], prior: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Compare models by their evidence.

    Parameters
    ----------
    evidences : mapping of str to LogMarginalLikelihood
        Of the same data.
    prior : mapping of str to float, optional
        Probabilities of the models; None: all alike.

    Returns
    -------
    pandas.DataFrame
        One row a model, the likeliest first: log_marginal_likelihood, standard_error, log_bayes_factor (beside the highest
        evidence; negative for lower ones) and posterior probability. A model whose evidence is NaN has no probability.

    Raises
    ------
    TypeError
        If an entry is no log marginal likelihood.
    ValueError
        If there are none, or the prior is not one of the same models.

    References
    ----------
    Kass & Raftery (1995), Bayes factors, doi:10.1080/01621459.1995.10476572.
    """
    instance_of(evidences, Mapping, "evidences")
    if not evidences:
        raise ValueError("There is nothing to compare: give a mapping of names to log marginal likelihoods.")
    for name, evidence in evidences.items():
        instance_of(evidence, LogMarginalLikelihood, f"The evidence of {name!r}")
    shares = np.ones(len(evidences)) if prior is None else _prior_shares(prior, list(evidences))
    table = pd.DataFrame(evidences.values(), index=list(evidences), columns=["log_marginal_likelihood", "standard_error"])
    table["log_bayes_factor"] = table["log_marginal_likelihood"] - table["log_marginal_likelihood"].max()
    relative = shares * np.exp(table["log_bayes_factor"])
    table["probability"] = relative / relative.sum()
    return table.sort_values("probability", ascending=False)


def _prior_shares(prior: Mapping[str, float], names: list[str]) -> NDArray[np.float64]:
    """Prior probabilities of the models, in their order."""
    instance_of(prior, Mapping, "prior")
    if set(prior) != set(names):
        told = ", ".join(map(str, names)), ", ".join(map(str, prior))
        raise ValueError(f"prior must have the same names as evidences, {told[0]}; it has {told[1]}.")
    shares = np.array([non_negative(prior[name], f"The prior probability of {name!r}") for name in names])
    if not shares.sum() > 0:
        raise ValueError("The prior probabilities are all zero: give at least one above 0.")
    return shares
