"""Families of priors whose numbers are taken from the data: one registry, by name."""

from collections.abc import Callable

import numpy as np

from bayesgmm.covariance import Structure
from bayesgmm.observations import Observations
from bayesgmm.prior.conjugate_means import ConjugateMeans
from bayesgmm.prior.fixed_wishart import FixedWishart
from bayesgmm.prior.half_t import HalfT
from bayesgmm.prior.hierarchical_wishart import HierarchicalWishart
from bayesgmm.prior.lkj import Lkj
from bayesgmm.prior.normal_means import NormalMeans
from bayesgmm.prior.parts import Array, CovariancesPrior, MeansPrior

type Parts = tuple[MeansPrior, CovariancesPrior]

SCALES_PER_RANGE = 10  # a typical scale is the range of the data divided by this
MEANS_ROWS = 0.01  # how many rows the conjugate prior on the means counts for


def hierarchical_wishart(observations: Observations, structure: Structure) -> Parts:
    """The numbers of Stephens (1997), see :meth:`Prior.weakly_informative`."""
    block, d = structure.block, observations.n_features
    c0, g0 = 2.5 + (block.order(d) - 1) / 2, 0.5 + (block.order(d) - 1) / 2
    rate_rate = SCALES_PER_RANGE**2 * g0 / c0 * block.invert(_squared_ranges(observations, structure))
    return _independent_means(observations), HierarchicalWishart(c0, g0, rate_rate)


def inverse_wishart(observations: Observations, structure: Structure) -> Parts:
    """The hierarchical prior with its random rate held at the mean."""
    return _independent_means(observations), _fixed_wishart(observations, structure)


def normal_inverse_wishart(observations: Observations, structure: Structure) -> Parts:
    """The same covariances with conjugate means about the midranges."""
    return ConjugateMeans(observations.midranges, MEANS_ROWS), _fixed_wishart(observations, structure)


def half_t(observations: Observations, structure: Structure) -> Parts:
    """Half-t scales with two degrees of freedom, whose median is near a tenth of the range."""
    return _independent_means(observations), HalfT(observations.ranges / 8, 2.0)


def lkj(observations: Observations, structure: Structure) -> Parts:
    """Log-normal scales about a tenth of the range, give or take a factor e; correlations drawn a little towards zero."""
    scales_location = np.log(observations.ranges / SCALES_PER_RANGE)
    return _independent_means(observations), Lkj("lognormal", scales_location, np.asarray(1.0), 2.0)


FAMILIES: dict[str, Callable[[Observations, Structure], Parts]] = {
    family.__name__: family for family in (hierarchical_wishart, inverse_wishart, normal_inverse_wishart, half_t, lkj)
}


def _independent_means(observations: Observations) -> NormalMeans:
    return NormalMeans(observations.midranges, observations.ranges)


def _fixed_wishart(observations: Observations, structure: Structure) -> FixedWishart:
    c0 = 2.5 + (structure.block.order(observations.n_features) - 1) / 2
    return FixedWishart(c0, c0 / SCALES_PER_RANGE**2 * _squared_ranges(observations, structure))


def _squared_ranges(observations: Observations, structure: Structure) -> Array:
    """diag(R_j^2) in compact form."""
    block = structure.block
    return block.from_diagonal(block.entries(observations.ranges**2, observations.n_features))
