"""A component looks the same in every picture and unlike the others, in grey too; any name can be drawn; pyplot is left alone."""

import inspect
import io
import itertools
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.plots import style
from tests.plots.test_forest import compared, doubtful

NAMES = ["$x$", "$", "\\$", "$a$ $b", "<script>", "a/b", "x_1^2", "n" * 200, "two\nlines", "\x00", "_hidden", "] [0, a], b"]


def saved(figure):
    """The picture as it comes out, (height, width, 3)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    width, height = figure.canvas.get_width_height()
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3] / 255


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_drawn(ax, name):
    ax.set_xlabel(style.label(name))
    ax.figure.savefig(io.BytesIO(), format="svg")


def test_any_names_can_be_drawn_in_every_picture():
    table = compared(names=NAMES)
    indexed = table.set_index("parameter").assign(prior=0.1, likelihood=0.2)
    figure = Figure(layout="constrained", figsize=(12, 9))
    axes = figure.subplots(2, 4).ravel()
    plots.em_beside_posterior(axes[0], table)
    plots.power_scaling(axes[1], indexed)
    plots.prior_beside_posterior(axes[2], indexed)
    plots.calibration(axes[3], np.full((9, 6), 0.5), NAMES[:6])
    plots.calibration(axes[4], np.full((9, 6), 0.5), NAMES[6:])
    plots.ambiguous(axes[5], doubtful(len(NAMES)).set_axis(NAMES))
    plots.relabelling(axes[6:], np.ones((2, 5, 2)), np.ones((2, 5, 2)), NAMES[0])
    figure.savefig(io.BytesIO(), format="svg")


def test_long_names_keep_both_ends():
    shown = style.label("begin" + "x" * 200 + "end")
    assert len(shown) == style.LONGEST_NAME
    assert shown.startswith("begin")
    assert shown.endswith("end")


def test_components_differ_in_more_than_colour():
    assert len({(style.colour(k), style.marker(k)) for k in range(66)}) == 66
    assert len({style.marker(k) for k in range(11)}) == 11


def test_components_can_be_told_in_grey():
    """Of what the markers of any two of eleven components cover, one alone covers 15% or more (circle and square: 21%)."""
    shapes = []
    for k in range(11):
        figure = Figure(figsize=(0.5, 0.5), dpi=100)
        ax = figure.add_axes((0, 0, 1, 1), frameon=False, xlim=(-1, 1), ylim=(-1, 1))
        ax.plot(0, 0, style.marker(k), color="black", markersize=20)
        shapes.append(saved(figure).mean(axis=2) < 0.5)
    assert all(shape.sum() > 100 for shape in shapes)
    for one, other in itertools.combinations(shapes, 2):
        assert (one ^ other).sum() > 0.15 * (one | other).sum()


def test_a_component_has_one_colour_and_one_marker_in_every_picture(ten):
    observations, draws, truth = ten
    shares = truth.responsibilities(observations)
    two = np.column_stack([observations.values, observations.values])
    figures = [Figure() for _ in range(6)]
    axes = [figure.subplots() for figure in figures]
    plots.density(axes[0], observations, draws, show_components=True)
    plots.points(axes[1], two, (0, 1), shares)
    plots.responsibilities(axes[2], shares)
    plots.em_beside_posterior(axes[3], compared(n_components=10, names=("a",)))
    plots.ambiguous(axes[4], doubtful(10))
    plots.relabelling([Figure().subplots(), axes[5]], draws.means[..., 0], draws.means[..., 0])
    for ax in axes:
        lines = ax.get_lines()
        signs = {(to_hex(line.get_color()), line.get_marker()) for line in lines if line.get_marker() in style.MARKERS}
        rows = [c for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets())]
        coloured = {colour for colour, _ in signs} | {to_hex(c.get_edgecolors()[0]) for c in rows}
        assert coloured >= {style.colour(k).lower() for k in range(6)}
        if not rows:
            assert signs >= {(style.colour(k).lower(), style.marker(k)) for k in range(10)}


def test_legends_fit_above_their_axes():
    figure = Figure(figsize=(5, 4), layout="constrained")
    ax = figure.subplots()
    style.legend_above(ax, [style.key(k) for k in range(10)])
    figure.draw_without_rendering()
    legend, axes = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert legend.width <= axes.width
    assert legend.y0 >= axes.y1


def test_names_beside_many_rows_do_not_overlap(ax):
    assert style.row_font(ax, 5) == style.SMALL
    assert style.row_font(ax, 60) * 60 <= ax.get_window_extent().height * 72 / ax.figure.dpi


def test_pyplot_is_left_alone():
    files = [import_module(f"{plots.__name__}.{module.name}") for module in pkgutil.iter_modules(plots.__path__)]
    assert len(files) > 10
    assert not [file.__name__ for file in files if "import matplotlib.pyplot" in inspect.getsource(file)]
