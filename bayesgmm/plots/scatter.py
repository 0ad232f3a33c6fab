"""Scatter of two features with components as bands of ellipses, or with contours of the density where no component is claimed."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray
from scipy.stats import chi2

from bayesgmm.draws import Draws
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.plots.style import DASHES, GREY, INK, clean, colour, marker
from bayesgmm.posterior import KEPT_ROWS
from bayesgmm.table import evenly

PROB = 0.9  # of a component's mass, inside its ellipse
BAND_DRAWS = 100
WILD = 0.1  # of a component's ellipses, which may leave the picture: those of a draw with hardly a row in it are huge
CIRCLE = 65
CONTOUR_GRID = 80
SHARES = (0.9, 0.5)  # of the rows, inside the contours
CONTOUR_WIDTHS = (0.8, 1.5)
SURE = 0.9  # responsibility from which a point is filled
MOST_ROWS = 5000

type Array = NDArray[np.float64]


def in_memory(observations: Observations) -> Observations:
    """All rows, or as many of those that are not in memory as a posterior keeps, the same ones each time."""
    return observations.sample(KEPT_ROWS, np.random.default_rng(0)) if observations.is_stored else observations


def points(ax: Axes, values: Array, pair: tuple[int, int], responsibilities: Array | NDArray[np.int64] | None = None) -> Axes:
    """Draw the rows, at most 5,000 evenly spaced ones.

    Parameters
    ----------
    ax : Axes
    values : ndarray of shape (n_observations, n_features)
    pair : tuple of int
        Features of the horizontal and the vertical axis.
    responsibilities : ndarray of shape (n_observations, n_components) or of int (n_observations,), optional
        A row takes the colour and marker of its most probable component, and is hollow where that one has less than 0.9; or
        those of its label, such as its cluster in a partition. A label of -1 is none, and grey.

    Returns
    -------
    Axes
    """
    rows = evenly(len(values), MOST_ROWS)
    xy = values[np.ix_(rows, list(pair))]
    style: dict[str, Any] = {"s": 16 if len(rows) < 1000 else 7, "linewidths": 0.7, "rasterized": len(rows) > 1000, "zorder": 2}
    if responsibilities is None:
        responsibilities = np.full(len(values), -1)
    if responsibilities.ndim == 1:
        component, sure = responsibilities[rows], np.ones(len(rows), bool)
    else:
        shares = responsibilities[rows]
        component = np.where(np.isnan(shares).any(axis=1), -1, shares.argmax(axis=1))
        sure = shares.max(axis=1) >= SURE
    if (component < 0).any():
        ax.scatter(*xy[component < 0].T, facecolors="none", edgecolors=GREY, alpha=0.8, **style)
    for k in range(int(component.max()) + 1):
        for filled in (True, False):
            those = xy[(component == k) & (sure == filled)]
            face = colour(k) if filled else "none"
            ax.scatter(*those.T, marker=marker(k), facecolors=face, edgecolors=colour(k), alpha=0.55 if filled else 0.9, **style)
    return clean(ax)


def ellipses(ax: Axes, draws: Draws, pair: tuple[int, int], em: Mixture | None = None, prob: float = PROB) -> Axes:
    """Draw each component as a band: one thin ellipse for each of about 100 draws, and EM's ellipse dashed.

    The component's marker is at the median of its means.

    Parameters
    ----------
    ax : Axes
    draws : Draws
        Relabelled.
    pair : tuple of int
    em : Mixture, optional
        Drawn dashed; its components are not matched with those of the draws.
    prob : float
        Share of a component's mass inside its ellipse.

    Returns
    -------
    Axes
    """
    outlines = np.stack([_outlines(mixture, pair, prob) for mixture in draws.thinned(BAND_DRAWS)])
    for k in range(draws.n_components):
        band = LineCollection(list(outlines[:, k]), colors=colour(k), linewidths=0.7, alpha=0.16, rasterized=True, zorder=3)
        ax.add_collection(band, autolim=False)
        centre = np.median(draws.means[:, :, k][..., list(pair)], axis=(0, 1))
        ax.plot(*centre, marker=marker(k), color=colour(k), markersize=8, markeredgecolor="white", linestyle="none", zorder=5)
    if em is not None:
        point = list(_outlines(em, pair, prob))
        ax.add_collection(LineCollection(point, colors=INK, linewidths=1.2, linestyles=[DASHES], zorder=4))
    ax.update_datalim(np.transpose([reach(draws, feature, prob) for feature in pair]))
    ax.autoscale_view()
    return clean(ax)


def reach(draws: Draws, feature: int, prob: float = PROB) -> tuple[float, float]:
    """Between which values of a feature the ellipses of every component lie, but for a tenth of its draws on each side."""
    centre = draws.means[..., feature]
    half = np.sqrt(chi2.ppf(prob, 2) * draws.covariances[..., feature, feature])
    low = np.quantile(centre - half, WILD, axis=(0, 1)).min()
    high = np.quantile(centre + half, 1 - WILD, axis=(0, 1)).max()
    return float(low), float(high)


def contours(ax: Axes, draws: Draws, values: Array, pair: tuple[int, int]) -> Axes:
    """Draw contours of the posterior mean density that enclose half and nine tenths of the rows: no claim about components."""
    xy = values[:, list(pair)]
    xy = xy[np.isfinite(xy).all(axis=1)]
    low, high = xy.min(axis=0), xy.max(axis=0)
    margin = 0.08 * (high - low)
    x, y = (np.linspace(low[j] - margin[j], high[j] + margin[j], CONTOUR_GRID) for j in (0, 1))
    few = draws.at_most(BAND_DRAWS).marginal(pair)
    mesh = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    height = np.exp(few.log_density(mesh)).mean(axis=(0, 1)).reshape(CONTOUR_GRID, CONTOUR_GRID)
    at_rows = np.exp(few.log_density(np.ascontiguousarray(xy[:: -(-len(xy) // MOST_ROWS)]))).mean(axis=(0, 1))
    levels = np.unique(np.quantile(at_rows, [1 - share for share in SHARES]))
    ax.contour(x, y, height, levels=levels, colors=INK, linewidths=CONTOUR_WIDTHS, zorder=3)
    return clean(ax)


def _outlines(mixture: Mixture, pair: tuple[int, int], prob: float) -> Array:
    """Ellipses (n_components, CIRCLE, 2) that hold ``prob`` of each component of two features."""
    two = mixture.marginal(pair)
    angles = np.linspace(0, 2 * np.pi, CIRCLE)
    circle = np.sqrt(chi2.ppf(prob, 2)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(two.means[:, None] + np.einsum("kij,cj->kci", np.linalg.cholesky(two.covariances), circle))
