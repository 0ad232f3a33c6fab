"""Whether relabelled components are the same components in every draw."""

import numpy as np

from bayesgmm.draws import Draws

TRUSTED_RATE = 0.01  # draws with a component that looks like another before component rows are withheld


def misplaced_rate(draws: Draws) -> float:
    """Share of relabelled draws in which some component looks more like another component than like itself.

    Each component of each draw is a point, its mean and log scales; over the draws the points of a relabelled component are
    summarised by their centre and spread. A draw is misplaced when a point is likelier under another component's normal law
    than under its own. Where the components are the same ones throughout, that is rare; where the posterior moves
    between different ways to divide the data, it is not. (The point process representation of Fruehwirth-Schnatter 2006,
    section 3.7.7, with the relabelling in the place of k-means.)
    """
    n_components = draws.n_components
    variances = np.diagonal(draws.covariances, axis1=-2, axis2=-1)
    points = np.concatenate([draws.means, 0.5 * np.log(variances)], axis=-1).reshape(-1, n_components, 2 * draws.means.shape[-1])
    centres, spreads = points.mean(axis=0), points.std(axis=0)
    distances = ((points[:, :, None] - centres) / spreads) ** 2
    discrepancy = (distances + 2 * np.log(spreads)).sum(axis=-1)  # (draws, component, component it is held against)
    return float((discrepancy.argmin(axis=2) != np.arange(n_components)).any(axis=1).mean())
