"""Evidence: the marginal likelihood of a mixture by bridge sampling, right under label switching, and what follows from it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayesgmm.evidence.target import Target
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.validation import instance_of

__all__ = ["LogMarginalLikelihood", "bayes_factors", "log_marginal_likelihood"]

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
        Of :func:`fit_bayes`. With 4 chains of 1,000 draws the standard error is typically some hundredths; it falls with the root
        of their number.
    seed : int, SeedSequence or Generator

    Returns
    -------
    LogMarginalLikelihood
        ``value`` and ``standard_error``.

    Raises
    ------
    ValueError
        If the draws are those of a mixture with an unknown number of components, or too few, or the prior tells components
        apart.

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
    if "given" in posterior.settings:
        raise ValueError(
            "These draws are of a mixture whose number of components is unknown: its probabilities compare the numbers. "
            "For an evidence use fit_bayes."
        )
    if not posterior.specification.required_prior.weights.is_exchangeable:
        raise ValueError(
            "Components with different weights_concentration are not alike, and no sampler here visits all of their orders as "
            "often as it should: for an evidence give one weights_concentration for all."
        )
    if posterior.n_draws < LEAST_DRAWS:
        raise ValueError(f"{posterior.n_draws} draws of each chain are too few for an evidence: it needs {LEAST_DRAWS}.")
    draws, half, root = posterior.relabelled.draws, posterior.n_draws // 2, seed_sequence(seed)
    parts = [slice(0, half), slice(half, None)]
    estimates = []
    for i, (fitted, held) in enumerate((parts, parts[::-1])):
        target = Target(posterior.specification, posterior.observations)
        estimates.append(
            target.bridged(
                draws.between(fitted), draws.between(held), posterior.total_log_likelihood[:, held], stream(root, Use.EVIDENCE, i)
            )
        )
    value = float(np.mean([estimate.value for estimate in estimates]))
    errors = [estimate.standard_error for estimate in estimates]
    return LogMarginalLikelihood(value, float(np.linalg.norm(errors)) / 2)


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
        One row a model, best first: log_marginal_likelihood, standard_error, log_bayes_factor (beside the best; negative for
        worse ones) and posterior probability.
    """
    instance_of(evidences, Mapping, "evidences")
    if not evidences:
        raise ValueError("There is nothing to compare: give a mapping of names to log marginal likelihoods.")
    if prior is not None and set(prior) != set(evidences):
        raise ValueError(f"prior must have the same names as evidences, {', '.join(evidences)}; it has {', '.join(prior)}.")
    table = pd.DataFrame(
        [(evidence.value, evidence.standard_error) for evidence in evidences.values()],
        index=list(evidences),
        columns=["log_marginal_likelihood", "standard_error"],
    )
    table["log_bayes_factor"] = table["log_marginal_likelihood"] - table["log_marginal_likelihood"].max()
    with np.errstate(divide="ignore"):
        joint = table["log_marginal_likelihood"] + (0.0 if prior is None else np.log([prior[name] for name in evidences]))
    table["probability"] = np.exp(joint - logsumexp(joint))
    return table.sort_values("log_marginal_likelihood", ascending=False)
