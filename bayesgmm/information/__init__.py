"""How sure a maximum-likelihood or MAP fit is, from the curvature of what it maximised; no sampling.

This floor knows a mixture, its data and a prior, and not how the mixture was found.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesgmm.abilities import ROW_WEIGHTS, STORED, features_of
from bayesgmm.collapse import Yardstick, too_few
from bayesgmm.information.chart import Array, Chart
from bayesgmm.information.errors import StandardErrors
from bayesgmm.information.intervals import normal_interval
from bayesgmm.information.passes import Curvature
from bayesgmm.information.prior import prior_curvature
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification
from bayesgmm.validation import instance_of, known_name

__all__ = [
    "Chart",
    "Information",
    "NoInformationError",
    "StandardErrors",
    "normal_interval",
    "observed_information",
]

KINDS = ("observed", "sandwich")
LEAST_COUNT = 1e-2  # expected rows of a component: with fewer its weight is at the boundary
FLAT = 1e-11  # of the information of a row in the chart's coordinates, and of eigenvalues with ones on the diagonal: rounding
FAR = 1e-2  # gain still to come, in nats, from which a mixture is not at a maximum: a seventh of a standard error


class NoInformationError(ValueError):
    """There are no standard errors at this mixture, and the message says why."""


@dataclass(frozen=True, eq=False)
class Information:
    r"""The curvature of the log-likelihood, or log posterior density, at its maximum.

    Attributes
    ----------
    chart : Chart
        The coordinates, with the mixture at their origin.
    observed : ndarray of shape (n_parameters, n_parameters)
        A: minus the Hessian.
    outer : ndarray of shape (n_parameters, n_parameters)
        B: :math:`\sum_i v_i (s_i - \bar s)(s_i - \bar s)'`, the scores of the rows, each as often as its weight says.
    """

    chart: Chart
    observed: Array
    outer: Array

    def covariance(self, kind: str = "observed") -> NDArray[np.float64]:
        r"""Covariance of the estimated coordinates, shape (n_parameters, n_parameters).

        Parameters
        ----------
        kind : {"observed", "sandwich"}
            :math:`A^{-1}`, or :math:`A^{-1} B A^{-1}`, which holds where the data are from no such mixture too (White 1982,
            doi:10.2307/1912526) but varies more from sample to sample.
        """
        if known_name(kind, "kind of covariance", KINDS) == "observed":
            return self._inverse
        return np.asarray(self._inverse @ self.outer @ self._inverse)

    def standard_errors(self, kind: str = "observed") -> StandardErrors:
        """Standard errors of weights, means, covariances, scales and correlations; for ``kind`` see :meth:`covariance`."""
        return StandardErrors.of(self.chart, self.covariance(kind))

    @cached_property
    def _inverse(self) -> Array:
        scales = 1 / np.sqrt(self.observed.diagonal())
        inverse = np.linalg.inv(self.observed * scales[:, None] * scales)
        return np.asarray(0.5 * (inverse + inverse.T) * scales[:, None] * scales)


def observed_information(mixture: Mixture, observations: Observations, specification: Specification | None = None) -> Information:
    """The observed information of the parameters of a fitted mixture, and the variability of its scores.

    It is exact but for rounding, from one pass over the data in blocks; the prior's share is differenced, to about 1e-6 of a row.
    Row weights are frequencies: weights that sum to n are the information of n rows, and an integer weight is the same as
    repeating the row. Labels are taken as fixed: these are the errors of components that the data tell apart.

    Parameters
    ----------
    mixture : Mixture
        A maximum, such as :func:`bayesgmm.fit_em` returns.
    observations : Observations
        The data that it was fitted to.
    specification : Specification, optional
        The model that was fitted, with its prior held fixed, whose own variables are at their modes, as in a joint fit. None:
        maximum likelihood in the mixture's structure.

    Returns
    -------
    Information

    Raises
    ------
    ValueError
        If the data have another number of features.
    NoInformationError
        If a component has collapsed or is empty, the mixture is no maximum, its parameters are not identified, or the data have
        what no formula is known for here.

    References
    ----------
    McLachlan & Peel (2000), Finite Mixture Models, section 2.15, doi:10.1002/0471721182. Boldea & Magnus (2009), Maximum
    likelihood estimation of the multivariate normal mixture model, doi:10.1198/jasa.2009.tm08273.

    Examples
    --------
    >>> from bayesgmm import fit_em, load_dataset
    >>> em = fit_em(load_dataset("faithful"), n_components=2)
    >>> observed_information(em.mixture, em.observations).standard_errors().weights.round(4)
    array([0.0291, 0.0291])
    """
    instance_of(mixture, Mixture, "mixture")
    instance_of(observations, Observations, "observations")
    if observations.n_features != mixture.n_features:
        raise ValueError(
            f"The data have {observations.n_features} features, the mixture has {mixture.n_features}: give the data that it was "
            "fitted to."
        )
    if specification is None:
        specification = Specification(mixture.n_components, mixture.structure.code, noise=mixture.noise)
    untold = sorted(features_of(observations, specification) - {ROW_WEIGHTS, STORED})
    if untold:
        raise NoInformationError(f"The information of a fit with {' and '.join(untold)} is not known here: use bootstrap(em).")
    if specification.prior is not None and specification.prior.why_no_mode:
        raise NoInformationError(specification.prior.why_no_mode)
    _require_interior(mixture, observations, specification)
    chart = Chart.around(mixture)
    of_data = Curvature.of(chart, observations)
    score, observed = of_data.score, of_data.information
    if specification.prior is not None:
        slope, curvature = prior_curvature(chart, specification)
        score, observed = score + slope, observed + curvature
    _require_maximum(chart, score, observed, observations.total_weight)
    outer = of_data.outer - np.outer(of_data.score, of_data.score) / observations.total_weight
    return Information(chart, observed, outer)


def _require_interior(mixture: Mixture, observations: Observations, specification: Specification) -> None:
    counts = mixture.weights * observations.total_weight
    reason = Yardstick.of(observations).collapse(mixture.covariances) or too_few(specification, counts, mixture.n_features)
    if not reason and counts.min() < LEAST_COUNT:
        k = int(counts.argmin())
        reason = f"Component {k} has weight {mixture.weights[k]:.1e}, at the boundary of the parameter space."
    if reason:
        raise NoInformationError(f"{reason} There are no standard errors there: use fewer components, or a prior.")


def _require_maximum(chart: Chart, score: Array, observed: Array, n: float) -> None:
    variances = observed.diagonal()
    worst = int(variances.argmin())
    least = float(variances[worst] / n)
    if least > FLAT:
        scales = 1 / np.sqrt(variances)
        sizes, directions = np.linalg.eigh(observed * scales[:, None] * scales)
        worst, least = int(np.abs(directions[:, 0]).argmax()), float(sizes[0])
    if least <= FLAT:
        raise NoInformationError(
            f"The observed information is not positive definite (its smallest eigenvalue is {least:.1e} of the diagonal), "
            f"least of all in {chart.name(worst)}: that is not identified, or the fit is no interior maximum. "
            f"Fit with more starts, use fewer components than {chart.reference.n_components} or a simpler structure than "
            f"{chart.reference.structure.code}, or ask bootstrap."
        )
    gain = 0.5 * float(((directions.T @ (score * scales)) ** 2 / sizes).sum())
    if gain > FAR:
        raise NoInformationError(
            f"The mixture is not at a maximum: the objective still has about {gain:.2g} nats to gain. Fit it to these data and "
            "weights with this prior, to convergence and without regularization."
        )
