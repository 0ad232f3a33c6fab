"""What is drawn is what the model says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path

from bayesgmm import plots
from bayesgmm.plots import style


def test_density_is_the_mean_over_draws_and_the_components_add_up_to_it(ax, problem):
    observations, draws, truth = problem
    plots.density(ax, observations, draws, feature=1, em=truth, show_components=True)
    lines = {line.get_label(): line.get_xydata() for line in ax.get_lines()}
    grid, mean = lines["posterior mean"].T
    each = [m.marginal([1]).log_density(grid[:, None]) for m in draws.thinned(50)]
    np.testing.assert_allclose(mean, np.exp(each).mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(lines["component 0"][:, 1] + lines["component 1"][:, 1], mean, rtol=1e-10)
    np.testing.assert_allclose(np.log(lines["EM"][:, 1]), truth.marginal([1]).log_density(grid[:, None]))
    assert np.trapezoid(mean, grid) == pytest.approx(1, abs=0.02)


def test_marginals_are_those_of_samples(problem):
    _, _, truth = problem
    X, _ = truth.sample(20_000, seed=1)
    two = truth.marginal([2, 0])
    mean = two.weights @ two.means
    np.testing.assert_allclose(mean, X[:, [2, 0]].mean(axis=0), atol=5 * X.std() / np.sqrt(len(X)))


def test_ellipses_hold_their_share_of_a_component(ax, problem):
    observations, draws, truth = problem
    plots.points(ax, observations.values, (0, 2))
    plots.ellipses(ax, draws, (0, 2), truth, prob=0.9)
    *bands, point = ax.collections[1:]
    assert [len(band.get_paths()) for band in bands] == [50, 50]
    assert [to_hex(band.get_color()[0]).upper() for band in bands] == list(style.COLOURS[:2])
    X, labels = truth.sample(20_000, seed=2)
    for k, path in enumerate(point.get_paths()):
        inside = path.contains_points(X[labels == k][:, [0, 2]]).mean()
        assert inside == pytest.approx(0.9, abs=0.015)  # 5 standard errors and the polygon's chords


def test_contours_enclose_their_share_of_the_rows(ax, problem):
    observations, draws, _ = problem
    plots.contours(ax, draws, observations.values, (0, 1))
    (contours,) = ax.collections
    shares = sorted(
        np.logical_xor.reduce([Path(loop).contains_points(observations.values[:, :2]) for loop in path.to_polygons()]).mean()
        for path in contours.get_paths()
    )
    assert shares == pytest.approx([0.5, 0.9], abs=0.04)


def test_every_row_is_drawn_once_and_unsure_ones_hollow(ax, problem):
    observations, _, truth = problem
    shares = truth.responsibilities(observations)
    plots.points(ax, observations.values, (0, 1), shares)
    assert sum(len(c.get_offsets()) for c in ax.collections) == 200
    hollow = sum(len(c.get_offsets()) for c in ax.collections if not len(c.get_facecolors()))
    assert hollow == (shares.max(axis=1) < 0.9).sum()


def test_a_collapsed_fit_is_told(ax):
    table = pd.DataFrame({"bic": [10.0, np.nan, 9.0]}, index=[1, 2, 3])
    plots.criterion(ax, table, "bic", chosen=3)
    assert [text.get_text() for text in ax.texts] == ["collapsed"]


def test_unconverged_fits_are_hollow(ax):
    table = pd.DataFrame({"elpd_loo_diff": [-2.0, 0.0], "elpd_loo_diff_se": [1.0, 0.0], "converged": [True, False]}, index=[1, 2])
    plots.elpd_difference(ax, table)
    faces = [to_hex(c) for c in ax.collections[-1].get_facecolors()]
    assert faces == [style.INK, "#ffffff"]


def test_ranks_of_a_chain_that_lies_higher_pile_up(ax):
    draws = np.random.default_rng(0).normal([[0.0], [5.0]], size=(2, 500))
    plots.ranks(ax, draws)
    low, high = (patch.get_data().values for patch in ax.patches)
    assert low[:10].mean() == pytest.approx(2, abs=0.1)
    assert high[:10].mean() == pytest.approx(0, abs=0.1)


def test_rows_above_the_threshold_are_crosses(ax):
    k = np.array([0.1, 0.9, 0.2, 0.75, -0.3])
    plots.pareto_k(ax, k, 0.7)
    assert [text.get_text() for text in ax.texts] == ["1", "3"]
    plots.pareto_k(Figure().subplots(), np.array([0.1, 0.2]), 0.7)


@pytest.mark.parametrize("filled", [False, True])
def test_bars_are_the_probabilities_of_the_number(ax, filled):
    table = pd.DataFrame(
        {
            "prior": [0.4, 0.3, 0.2, 0.1],
            "posterior": [0.0, 0.7, 0.2995, 0.0005],
            "posterior_mcse": [np.nan, 0.01, 0.01, 0.001],
            "filled_prior": [0.5, 0.3, 0.1, 0.1],
            "filled": [0.0, 0.8, 0.1995, 0.0005],
            "filled_mcse": [np.nan, 0.02, 0.02, 0.001],
        },
        index=pd.Index([1, 2, 3, 4], name="k"),
    )
    plots.number_of_components(ax, table, filled=filled)
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == list(table["filled" if filled else "posterior"][:3])  # the last has next to none
    (prior,) = (line for line in ax.lines if line.get_label() == "prior")
    np.testing.assert_array_equal(prior.get_ydata(), table["filled_prior" if filled else "prior"][:3])


def test_structures_are_lines_and_the_lowest_is_ringed(ax):
    page = pd.DataFrame({"EII": [9.0, 8.0, 7.5], "VEV": [5.0, 2.0, np.nan], "VVV": [5.0, 3.0, 4.0]}, index=[1, 2, 3])
    plots.models(ax, page)
    lines = {line.get_label(): line for line in ax.lines}
    for code in page:
        np.testing.assert_array_equal(lines[code].get_ydata(), page[code])
    ring = ax.lines[-1]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (2, 2.0)
    assert [text.get_text() for text in ax.texts] == ["VEV, K = 2"]


def test_a_band_is_what_the_table_says(ax):
    x = np.array([2.0, 0.0, 1.0])
    plots.band(ax, x, pd.DataFrame({"mean": [3.0, 1.0, 2.0], "lower": [2.5, 0.5, 1.5], "upper": [3.5, 1.5, 2.5]}), 0.8)
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), [[0, 1], [1, 2], [2, 3]])
    (area,) = ax.collections
    assert area.get_label() == "80% band"
    assert area.get_datalim(ax.transData).bounds == pytest.approx((0, 0.5, 2, 3))


def test_a_band_holds_its_share_of_the_draws(ax, problem):
    observations, draws, _ = problem
    plots.density(ax, observations, draws, feature=2, prob=0.5, limits=(-1.0, 1.0))
    area = next(c for c in ax.collections if c.get_label() == "50% band")
    each = np.exp([m.marginal([2]).log_density(np.array([[-1.0]])) for m in draws.thinned(50)])
    ends = area.get_paths()[0].vertices
    at_left = ends[np.isclose(ends[:, 0], -1.0), 1]
    np.testing.assert_allclose([at_left.min(), at_left.max()], np.quantile(each, [0.25, 0.75]))


@pytest.mark.parametrize(("draw", "column", "sign"), [(plots.criterion, "bic", 1), (plots.elpd_difference, "elpd_loo_diff", -1)])
def test_what_is_far_off_leaves_the_picture_and_is_told(ax, draw, column, sign):
    values = sign * np.array([1000.0, 3.0, 0.0, 2.0, 5.0])
    table = pd.DataFrame({column: values, "elpd_loo_diff_se": 1.0, "converged": True}, index=range(1, 6))
    draw(ax, table)
    low, high = ax.get_ylim()
    assert [low <= value <= high for value in values] == [False, True, True, True, True]
    assert [text.get_text() for text in ax.texts] == ["↑ 1,000" if sign > 0 else "↓ -1,000"]


def test_values_at_ordinary_distances_all_stay(ax):
    plots.criterion(ax, pd.DataFrame({"bic": [20.0, 10.0, 14.0, 18.0]}, index=range(1, 5)))
    assert not ax.texts
