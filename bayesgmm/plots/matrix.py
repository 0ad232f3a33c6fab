"""Every pair of features, and the density of each: a matrix of scatters with densities on its diagonal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bayesgmm.draws import Draws
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.plots.density import MARGIN, density
from bayesgmm.plots.scatter import CONTOUR_WIDTHS, SHARES, contours, ellipses, in_memory, points, reach
from bayesgmm.plots.style import DASHES, GREY, INK, LONGEST_NAME, key, label

MOST_FEATURES = 6  # whose panels can be read on a page
CHARACTER = 0.1  # inches, of a name beside its axes
LEAST_NAME = 8  # characters
TICKS = 4


def separating_features(mixture: Mixture | Draws, n: int) -> tuple[int, ...]:
    """The n features along which component means differ most beside the spread within components, in their own order.

    Of draws, the mean over them: no relabelling changes it.
    """
    weights, means = mixture.weights[..., None], mixture.means
    centre = (weights * means).sum(axis=-2, keepdims=True)
    between = (weights * (means - centre) ** 2).sum(axis=-2)
    within = (weights * np.diagonal(mixture.covariances, axis1=-2, axis2=-1)).sum(axis=-2)
    ratio = (between / within).reshape(-1, means.shape[-1]).mean(axis=0)
    return tuple(sorted(np.argsort(-ratio, kind="stable")[:n].tolist()))


def scatter_matrix(
    figure: Figure,
    observations: Observations,
    draws: Draws,
    features: Sequence[int] | None = None,
    em: Mixture | None = None,
    show_components: bool = True,
) -> Figure:
    """Draw the density of each feature on the diagonal of a matrix of axes, and every pair of features below it.

    Parameters
    ----------
    figure : Figure
        Best with ``layout="constrained"``.
    observations : Observations
        Of rows that are not in memory some are drawn.
    draws : Draws
        Relabelled.
    features : sequence of int, optional
        The at most six that separate the components most where none are given. Of one feature the density alone is drawn.
    em : Mixture, optional
    show_components : bool
        False: plain points and contours of the density, where components may not be believed.

    Returns
    -------
    Figure
    """
    observations = in_memory(observations)
    features = separating_features(draws, MOST_FEATURES) if features is None else features
    size = len(features)
    longest = int(np.clip(min(figure.get_size_inches()) / size / CHARACTER, LEAST_NAME, LONGEST_NAME))
    names = [label(name, longest) for name in observations.names]
    shares = draws.responsibilities(observations.values)[0] if show_components else None
    limits = {feature: _limits(observations, draws if show_components else None, feature) for feature in features}
    grid, panels = figure.add_gridspec(size, size), np.empty((size, size), Axes)
    for row, column in [(i, j) for i in range(size) for j in range(i + 1)]:
        on_diagonal = row == column
        beside = panels[row, 0] if column > 0 and not on_diagonal else None
        ax = panels[row, column] = figure.add_subplot(grid[row, column], sharex=panels[column, column], sharey=beside)
        pair = features[column], features[row]
        if on_diagonal:
            density(ax, observations, draws, pair[0], em, show_components and draws.n_components > 1, limits=limits[pair[0]])
        else:
            points(ax, observations.values, pair, shares)
            _ = ellipses(ax, draws, pair, em) if show_components else contours(ax, draws, observations.values, pair)
            ax.set(xlim=limits[pair[0]], ylim=limits[pair[1]])
        _outer(ax, names[pair[0]] if row == size - 1 else "", names[pair[1]] if column == 0 and row > 0 else "", on_diagonal)
    if size == 1:
        panels[0, 0].set_ylabel("density")
    figure.align_ylabels(panels[:, 0])
    _legend(figure, grid, _keys(draws.n_components if show_components else 0, em is not None, size > 1))
    return figure


def _limits(observations: Observations, draws: Draws | None, feature: int) -> tuple[float, float]:
    """Of a feature in all panels: its rows and the ellipses, and a little more."""
    values = observations.values[:, feature]
    ends = [np.nanmin(values), np.nanmax(values), *(() if draws is None else reach(draws, feature))]
    margin = MARGIN * (max(ends) - min(ends))
    return float(min(ends) - margin), float(max(ends) + margin)


def _outer(ax: Axes, below: str, beside: str, is_density: bool) -> None:
    """Names and ticks at the outer axes only; a density has no scale, its area being one."""
    ax.set_xlabel(below)
    ax.set_ylabel(beside)
    ax.tick_params(labelbottom=bool(below), labelleft=bool(beside))
    ax.xaxis.set_major_locator(MaxNLocator(TICKS))
    ax.yaxis.set_major_locator(MaxNLocator(TICKS))
    if is_density:
        ax.tick_params(left=False)
        ax.spines["left"].set_visible(False)


def _legend(figure: Figure, grid: Any, keys: dict[Any, str]) -> None:
    """In the empty upper triangle where there is one, else above the axes."""
    size = grid.nrows
    style: dict[str, Any] = {"frameon": False, "fontsize": "small"}
    if size == 1:
        figure.legend(list(keys), list(keys.values()), loc="outside upper left", ncols=4, **style)
        return
    free = figure.add_subplot(grid[: size // 2, size - size // 2 :])
    free.axis("off")
    columns = 1 if len(keys) <= 8 else 2
    free.legend(list(keys), list(keys.values()), loc="upper right", ncols=columns, borderaxespad=0, **style).set_in_layout(False)


def _keys(n_components: int, with_em: bool, with_pairs: bool) -> dict[Any, str]:
    """What the lines and markers mean; without components, what the rows and contours do."""
    keys: dict[Any, str] = {key(k): f"component {k}" for k in range(n_components)}
    if n_components == 0 and with_pairs:
        keys[Line2D([], [], color=GREY, marker="o", markerfacecolor="none", linestyle="none")] = "row"
        for share, width in zip(SHARES, CONTOUR_WIDTHS, strict=True):
            keys[Line2D([], [], color=INK, linewidth=width)] = f"{share:.0%} of the rows"
    keys[Patch(color=GREY, alpha=0.45, linewidth=0), Line2D([], [], color=INK, linewidth=1.3)] = "density, 90% band"
    if with_em:
        keys[Line2D([], [], color=INK, linestyle=DASHES, linewidth=1.2)] = "EM"
    return keys
