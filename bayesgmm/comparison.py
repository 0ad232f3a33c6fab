"""EM beside MCMC: the point estimate against the posterior, parameter by parameter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.abilities import ROW_WEIGHTS, STORED, features_of
from bayesgmm.climb import Settings, Status
from bayesgmm.covariance import Structure
from bayesgmm.diagnostics import binary_units
from bayesgmm.draws import Draws
from bayesgmm.em import EMResult, best_of
from bayesgmm.information import NoInformationError, StandardErrors, observed_information
from bayesgmm.mixture import Mixture
from bayesgmm.posterior import Posterior, require_posterior
from bayesgmm.starts import default_starts, from_mixture
from bayesgmm.streams import seed_sequence
from bayesgmm.validation import instance_of

MODE_STARTS = 10
FAR = 1.0  # posterior sds between EM and posterior mean from which a difference is told


@dataclass(frozen=True, eq=False)
class Comparison:
    """EM beside a posterior.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a ``parameter``: ``em``; ``em_se``, its standard error from the observed information (missing where it has none);
        ``map``, the best mode that ECM finds of the same posterior (missing where the prior has none or it collapsed); posterior
        ``mean``, ``sd`` and ``interval`` (a pair, 90% equal-tailed); ``difference_in_sd`` = (em - mean) / sd.
    responsibilities : pandas.DataFrame
        One row an observation (of rows that are not in memory, each that the posterior keeps): its component by EM, the
        responsibility of that component by EM, and the same one's posterior mean and sd, in columns component, em, mean, sd.
    verdict : tuple of str
        What that says, in sentences.
    """

    table: pd.DataFrame
    responsibilities: pd.DataFrame
    verdict: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((*self.verdict, self.table.to_string(float_format="{:.4g}".format)))


def compare_em_bayes(em: EMResult, posterior: Posterior) -> Comparison:
    """Hold an EM fit against a posterior of the same data and number of components.

    Components are matched by their responsibilities (optimal assignment), not by their means. The components of the table are
    numbered as in the relabelled posterior. Of rows that are not in memory, those that the posterior keeps are looked at.

    Parameters
    ----------
    em : EMResult
    posterior : Posterior
        Relabelled by ECR where it is not relabelled yet.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If data, number of components or covariance structure differ.
    """
    instance_of(em, EMResult, "em")
    require_posterior(posterior)
    _require_same_model(em, posterior)
    values, names = posterior.some_rows, posterior.observations.names
    relabelled = posterior.relabelled
    mean, sd = relabelled.draws.responsibilities(values)
    order = _matching(em.mixture.responsibilities(values), mean)
    point = em.mixture.permuted(order)
    quantities = relabelled.draws.quantities(names)
    stacked = np.stack([draws.ravel() for draws in quantities.values()])
    units = binary_units(stacked, axis=1)
    table = pd.DataFrame(
        {
            "parameter": list(quantities),
            "em": _values(point, names),
            "em_se": _errors(em, order, names),
            "map": _mode(posterior, point, mean),
            "mean": stacked.mean(axis=1),
            "sd": units * (stacked / units[:, None]).std(axis=1, ddof=1),
            "interval": list(zip(*np.quantile(stacked, [0.05, 0.95], axis=1).tolist(), strict=True)),
        }
    )
    table["difference_in_sd"] = (table["em"] - table["mean"]) / table["sd"]
    shares = point.responsibilities(values)
    component = shares.argmax(axis=1)
    rows = np.arange(len(values))
    responsibilities = pd.DataFrame(
        {"component": component, "em": shares[rows, component], "mean": mean[rows, component], "sd": sd[rows, component]},
        index=pd.Index(posterior.some_numbers, name="observation"),
    )
    return Comparison(table, responsibilities, _verdict(em, posterior, table, responsibilities, mean))


def _require_same_model(em: EMResult, posterior: Posterior) -> None:
    if not em.observations.has_rows_of(posterior.observations):
        raise ValueError("The EM fit and the posterior are of different data.")
    if not np.array_equal(em.observations.weights, posterior.observations.weights):
        raise ValueError("Rows count otherwise in the EM fit than in the posterior: fit both with the same row weights.")
    more = sorted(features_of(em.observations, em.specification) - {ROW_WEIGHTS, STORED})
    if more:
        raise ValueError(f"The EM fit has {' and '.join(more)}, which the posterior knows nothing of: fit it without.")
    for what in ("n_components", "covariance"):
        theirs = getattr(em.specification, what), getattr(posterior.specification, what)
        if theirs[0] != theirs[1]:
            raise ValueError(f"The EM fit has {what} = {theirs[0]!r} and the posterior {theirs[1]!r}: fit both with the same.")


def _mode(posterior: Posterior, point: Mixture, responsibilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The parameters at the best mode that ECM finds from EM's estimate and, in memory, from its usual starts; NaN if none."""
    observations, specification = posterior.observations, posterior.specification
    names = observations.names
    if specification.required_prior.why_no_mode:
        return np.full_like(_values(point, names), np.nan)
    starts = [from_mixture(point, observations, specification)]
    if not observations.is_stored:  # of which each further start would be many readings
        starts += default_starts(observations, specification, MODE_STARTS, seed_sequence(0))
    best = best_of(observations, specification, starts, Settings())
    if best.status is Status.COLLAPSED:
        return np.full_like(_values(point, names), np.nan)
    order = _matching(best.mixture.responsibilities(posterior.some_rows), responsibilities)
    return _values(best.mixture.permuted(order), names)


def _matching(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order of our components that shares most rows with theirs."""
    return np.asarray(linear_sum_assignment(-(theirs.T @ ours))[1])


def _values(mixture: Mixture, names: tuple[str, ...]) -> NDArray[np.float64]:
    """The parameters of one mixture in the order of the table."""
    return _listed(mixture.weights, mixture.means, mixture.covariances, mixture.structure, names)


def _errors(em: EMResult, order: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Standard errors of EM's estimates in the order of the table; NaN where there are none."""
    m = em.mixture
    try:
        errors = observed_information(m, em.observations, em.specification).standard_errors()
    except NoInformationError:
        errors = StandardErrors.missing(m.n_components, m.n_features)
    return _listed(errors.weights[order], errors.means[order], errors.covariances[order], m.structure, names)


def _listed(
    weights: NDArray[np.float64],
    means: NDArray[np.float64],
    covariances: NDArray[np.float64],
    structure: Structure,
    names: tuple[str, ...],
) -> NDArray[np.float64]:
    """One number for each parameter in the order of the table."""
    single = Draws(weights[None, None], means[None, None], covariances[None, None], structure)
    return np.array([float(value[0, 0]) for value in single.quantities(names).values()])


def _verdict(
    em: EMResult, posterior: Posterior, table: pd.DataFrame, responsibilities: pd.DataFrame, mean: NDArray[np.float64]
) -> tuple[str, ...]:
    diagnosis = posterior.diagnosis
    sentences = [] if em.converged else [f"EM is not at an optimum: {em.detail}"]
    if not diagnosis.components_trusted:
        return (*sentences, f"The rows of the table may not be read as components. {diagnosis.verdict[0]}")
    far = table[table["difference_in_sd"].abs() > FAR]
    outside = sum(not lower <= em <= upper for em, (lower, upper) in zip(table["em"], table["interval"], strict=True))
    worst = table.loc[table["difference_in_sd"].abs().idxmax()]
    sentences.append(
        f"{outside} of {len(table)} EM estimates lie outside the 90% posterior interval; {len(far)} are more than {FAR:g} "
        f"posterior sd from the posterior mean. The largest difference is {worst['difference_in_sd']:+.2f} sd, "
        f"in {worst['parameter']}."
    )
    if posterior.n_components > 1:
        moved = int((responsibilities["component"] != mean.argmax(axis=1)).sum())
        looked_at = "rows that were looked at" if posterior.observations.is_stored else "rows"
        unsure = int((responsibilities["sd"] > 0.1).sum())
        sentences.append(
            f"{moved} of {len(responsibilities)} {looked_at} would be put into another component; for {unsure} the posterior "
            "sd of the responsibility exceeds 0.1, which a point estimate cannot show."
        )
    return tuple(sentences)
