"""The prior's share of the information: what is believed, to second order in the coordinates of a chart."""

import numpy as np

from bayesgmm.information.chart import Array, Chart
from bayesgmm.specification import Specification

STEP = 1e-3  # in coordinates in which a component's data have variance 1: truncation and rounding are both about 1e-6
BATCH_NUMBERS = 1_000_000  # of the covariances that are held at a time


def prior_curvature(chart: Chart, specification: Specification) -> tuple[Array, Array]:
    """Gradient (p,) and minus the Hessian (p, p) of the log prior at the chart's origin, by central differences.

    The nuisance variables are at their modes given the covariances, which makes it the profile of the joint density: its inverse
    is the parameters' part of the joint inverse.
    """
    p, n_ratios = chart.n_coordinates, chart.reference.n_components - 1
    steps = STEP * np.eye(p)
    centre = _log_prior(chart, specification, np.zeros((1, p)))[0]
    ahead, behind = (_log_prior(chart, specification, sign * steps) for sign in (1, -1))
    a, b = np.tril_indices(p, -1)
    dependent = (a < n_ratios) | (b >= n_ratios)  # weights are independent of the rest
    a, b = a[dependent], b[dependent]
    mixed = np.full(len(a), 2 * centre) - ahead[a] - behind[a] - ahead[b] - behind[b]
    size = max(1, BATCH_NUMBERS // max(p, chart.frames.size))
    for first in range(0, len(a), size):
        some = slice(first, first + size)
        both = steps[a[some]] + steps[b[some]]
        mixed[some] += _log_prior(chart, specification, both) + _log_prior(chart, specification, -both)
    hessian = np.diag((ahead + behind - 2 * centre) / STEP**2)
    hessian[a, b] = hessian[b, a] = mixed / (2 * STEP**2)
    return (ahead - behind) / (2 * STEP), -hessian


def _log_prior(chart: Chart, specification: Specification, coordinates: Array) -> Array:
    """At coordinates (m, p): shape (m,)."""
    weights, means, covariances = chart.parameters(coordinates)
    prior, structure = specification.required_prior.covariances, specification.structure
    modes = [prior.nuisance_mode(structure, each) for each in covariances]
    nuisance = {name: np.stack([mode[name] for mode in modes]) for name in modes[0]}
    return specification.log_prior_of(weights, means, covariances, nuisance)
