"""A matrix of scatters has every pair of features once, and the density of each."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import bayesgmm as bg
from bayesgmm import plots
from bayesgmm.observations import Observations
from bayesgmm.plots import scatter
from tests.plots.conftest import posterior


def matrix(observations, draws, features=None, em=None, show=True):
    figure = plots.scatter_matrix(Figure(figsize=(8, 8), layout="constrained"), observations, draws, features, em, show)
    figure.draw_without_rendering()
    return figure, [ax for ax in figure.axes if ax.axison]


def test_a_matrix_has_every_pair_once_and_every_feature_on_its_diagonal(problem):
    observations, draws, truth = problem
    figure, panels = matrix(observations, draws, (0, 1, 2), truth)
    assert len(panels) == 6
    densities = [ax for ax in panels if ax.get_lines() and ax.get_lines()[-1].get_label() == "EM"]
    assert len(densities) == 3
    assert [ax.get_xlabel() for ax in panels if ax.get_xlabel()] == ["x1", "x2", "x3"]
    assert [ax.get_ylabel() for ax in panels if ax.get_ylabel()] == ["x2", "x3"]
    corners = np.array([ax.get_position().bounds[:2] for ax in panels])
    assert len(np.unique(corners.round(3), axis=0)) == 6
    texts = [text.get_text() for ax in figure.axes if ax.get_legend() for text in ax.get_legend().get_texts()]
    assert texts == ["component 0", "component 1", "density, 90% band", "EM"]


def test_a_feature_has_one_axis_in_its_row_and_column(problem):
    observations, draws, truth = problem
    _, panels = matrix(observations, draws, (0, 1), truth)
    first, pair, second = panels
    assert first.get_xlim() == pair.get_xlim()
    assert second.get_xlim() == pair.get_ylim()
    for column, limits in enumerate((pair.get_xlim(), pair.get_ylim())):
        assert limits[0] < observations.values[:, column].min()
        assert limits[1] > observations.values[:, column].max()


@pytest.mark.parametrize("show", [True, False])
def test_of_one_feature_the_density_stands_alone(ten, show):
    figure, panels = matrix(*ten[:2], None, ten[2], show)
    assert len(panels) == 1
    assert panels[0].get_ylabel() == "density"
    (legend,) = figure.legends
    assert len(legend.get_texts()) == (12 if show else 2)


def test_of_many_features_those_that_separate_are_drawn():
    observations, draws, _ = posterior(60, 2, 8)
    _, panels = matrix(observations, draws, show=False)
    assert len(panels) == 21
    shown = [ax.get_xlabel() for ax in panels if ax.get_xlabel()]
    assert shown == [observations.names[j] for j in plots.separating_features(draws, 6)]


def test_one_component_is_no_mixture():
    observations, draws, truth = posterior(60, 1, 2)
    _, panels = matrix(observations, draws, None, truth)
    assert len(panels) == 3


def test_the_separating_feature_is_found():
    m = bg.Mixture.from_parameters([0.5, 0.5], [[0, 0, 0], [0, 9, 1]], [np.eye(3)] * 2)
    assert plots.separating_features(m, 1) == (1,)
    assert plots.separating_features(m, 2) == (1, 2)
    assert plots.separating_features(m, 9) == (0, 1, 2)


def test_labels_that_switch_change_no_feature(problem):
    _, draws, truth = problem
    switched = draws.permuted(np.random.default_rng(0).permuted(np.tile([0, 1], (*draws.shape, 1)), axis=2))
    for n in (1, 2):
        assert (
            plots.separating_features(switched, n) == plots.separating_features(draws, n) == plots.separating_features(truth, n)
        )


def test_a_wild_draw_does_not_press_the_others_together(problem, ax):
    observations, draws, _ = problem
    covariances = draws.covariances.copy()
    covariances[0, 0, 0] *= 1e8
    wild = type(draws)(draws.weights, draws.means, covariances, draws.structure)
    plots.points(ax, observations.values, (0, 1))
    plots.ellipses(ax, wild, (0, 1))
    assert np.ptp(ax.get_xlim()) < 3 * np.ptp(observations.values[:, 0])


def test_missing_cells_are_left_out(problem, ax):
    observations, draws, truth = problem
    holes = observations.values.copy()
    holes[::3, 0] = np.nan
    some = Observations.from_data(holes, allow_missing=True)
    shares = truth.responsibilities(observations)
    _, panels = matrix(some, draws, (0, 1), show=False)
    assert np.isfinite([ax.get_xlim() for ax in panels]).all()
    shares[:2] = np.nan
    plots.points(ax, observations.values, (0, 1), shares)
    assert len(ax.collections[0].get_offsets()) == 2  # grey, whose component is not known


def test_rows_may_be_coloured_by_cluster(problem, ax):
    observations, _, _ = problem
    labels = np.arange(200) % 5 - 1
    plots.points(ax, observations.values, (0, 1), labels)
    grey, *clusters = (c for c in ax.collections if len(c.get_offsets()))
    assert not len(grey.get_facecolors())
    for k, cluster in enumerate(clusters):
        np.testing.assert_array_equal(cluster.get_offsets(), observations.values[labels == k, :2])
        assert len(cluster.get_facecolors())


def test_of_rows_that_are_not_in_memory_some_are_drawn(problem, monkeypatch):
    observations, draws, truth = problem
    X = observations.values
    stored = Observations.from_data(bg.Blocks(lambda: [X[:30], X[30:]]))
    monkeypatch.setattr(scatter, "KEPT_ROWS", 20)
    for show in (True, False):
        _, panels = matrix(stored, draws, (0, 1), truth, show)
        assert len(panels) == 3
