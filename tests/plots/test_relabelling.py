"""Draws before and after relabelling: each stands where it was drawn, in the colour of its place."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.plots import style


def dots(ax):
    return [line for line in ax.get_lines() if line.get_marker() == "."]


@pytest.mark.parametrize("n_components", [1, 2, 10])
def test_draws_stand_where_they_were_drawn(n_components):
    rng = np.random.default_rng(0)
    after = np.arange(n_components) + 0.1 * rng.standard_normal((3, 40, n_components))
    before = rng.permuted(after, axis=2)
    axes = Figure().subplots(1, 2)
    assert plots.relabelling(axes, before, after, "$x$") is axes
    for ax, values in zip(axes, (before, after), strict=True):
        for k, line in enumerate(dots(ax)):
            np.testing.assert_array_equal(line.get_ydata(), values[..., k].ravel())
            assert to_hex(line.get_color()).upper() == style.colour(k)
        borders = [
            line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() in ("None", "") and len(line.get_xdata()) == 2
        ]
        assert borders == [39.5, 79.5]
        assert [text.get_text() for text in ax.get_xticklabels()] == ["chain 0", "chain 1", "chain 2"]
    signs = {line.get_marker(): line.get_ydata()[0] for line in axes[1].get_lines() if line.get_marker() in style.MARKERS}
    np.testing.assert_allclose([signs[style.marker(k)] for k in range(n_components)], np.median(after, axis=(0, 1)))


def test_wild_draws_are_left_out_and_counted():
    values = np.random.default_rng(1).standard_normal((2, 100, 2))
    values[0, :4, 0] = 1e6
    axes = Figure().subplots(2)
    plots.relabelling(axes, values, values)
    assert axes[0].get_ylim()[1] < 10
    assert axes[0].get_xlabel() == "1% of the draws lie outside"


def test_what_never_varies_is_drawn():
    axes = Figure().subplots(2)
    plots.relabelling(axes, np.ones((2, 5, 1)), np.ones((2, 5, 1)))
    axes[0].figure.draw_without_rendering()


def test_different_draws_are_refused():
    with pytest.raises(ValueError, match="same draws"):
        plots.relabelling(Figure().subplots(2), np.ones((2, 5, 2)), np.ones((2, 5, 3)))
