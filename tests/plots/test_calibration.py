"""The band around calibrated transforms holds as often as it says."""

import itertools

import numpy as np
import pandas as pd
import pytest

from bayesgmm import plots
from bayesgmm.plots import style
from bayesgmm.plots.calibration import CELLS, _inside, _limits, simultaneous_band


def test_the_probability_of_a_path_is_that_of_all_possible_data():
    """Three values in 100 cells: a million cases, counted."""
    rng = np.random.default_rng(0)
    lower = np.sort(rng.integers(0, 3, CELLS - 1))
    upper = np.minimum(lower + rng.integers(1, 3, CELLS - 1), 3)
    cells = np.arange(1, CELLS)
    below = cells[:, None] > np.arange(CELLS)  # (point, cell of a value)
    inside = 0
    for first, second in itertools.product(range(CELLS), repeat=2):
        counts = below[:, first].astype(int) + below[:, second]
        total = counts[:, None] + below
        inside += ((total >= lower[:, None]) & (total <= upper[:, None])).all(axis=0).sum()
    assert 0 < inside < CELLS**3
    assert _inside(3, lower, upper) == pytest.approx(inside / CELLS**3, rel=1e-10)


@pytest.mark.parametrize("n", [1, 20, 272, 20_000])
def test_the_band_holds_whole_paths_as_often_as_it_says(n):
    lower, upper = simultaneous_band(n, 0.9)
    paths = np.random.default_rng(n).multinomial(n, np.full(CELLS, 1 / CELLS), 20_000).cumsum(axis=1)[:, :-1]
    held = ((paths >= lower) & (paths <= upper)).all(axis=1).mean()
    assert held == pytest.approx(_inside(n, lower, upper), abs=5 * np.sqrt(0.09 / 20_000))  # 5 standard errors
    assert held > 0.9 - 0.011
    if n > 100:
        assert held < 0.915  # no wider than it must be: counts are whole numbers


def test_no_wider_band_is_as_narrow():
    lower, upper = simultaneous_band(100, 0.95)
    gammas = np.geomspace(5e-4, 0.05, 40)
    enough = [gamma for gamma in gammas if _inside(100, *_limits(100, gamma)) >= 0.95]
    widest = _limits(100, max(enough))
    assert (lower >= widest[0]).all()
    assert (upper <= widest[1]).all()


def test_lines_are_distribution_functions_less_the_uniform(ax):
    pit = pd.DataFrame(np.random.default_rng(1).uniform(size=(200, 2)), columns=["a", "$b$"])
    assert plots.calibration(ax, pit) is ax
    for j, name in enumerate(["a", "\\$b\\$"]):
        (line,) = (line for line in ax.get_lines() if line.get_label() == name)
        at, height = line.get_data()
        np.testing.assert_allclose(height, [(pit.iloc[:, j] <= z).mean() - z for z in at])


def test_what_leaves_the_band_is_thick_and_named(ax):
    pit = np.random.default_rng(2).uniform(size=(500, 10))
    pit[:, 4] **= 2
    plots.calibration(ax, pit, [f"x{j}" for j in range(10)], prob=0.999)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["99.9% band", "x4", "9 others"]
    (thick,) = (line for line in ax.get_lines() if line.get_label() == "x4")
    assert thick.get_color() == style.INK


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 1.1])
def test_what_is_no_probability_is_refused(ax, wrong):
    pit = np.full((5, 2), 0.5)
    pit[3, 1] = wrong
    with pytest.raises(ValueError, match=r"that of row 3, 'b'"):
        plots.calibration(ax, pit, ["a", "b"])
