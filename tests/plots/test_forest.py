"""Parameters under each other: EM and the prior beside the posterior stand where their numbers say, in units of the posterior."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from bayesgmm import plots
from bayesgmm.plots import style
from bayesgmm.plots.forest import parts


def compared(n_components=2, names=("a", "b")):
    """As compare_em_bayes makes it: means 0, 1, ..., sds 2, EM half a sd above, its errors one sd."""
    k_range = range(n_components)
    weights = [f"weights[{k}]" for k in k_range if n_components > 1]
    means = [f"means[{k}, {name}]" for k in k_range for name in names]
    covariances = [f"covariances[{k}, {name}, {name}]" for k in k_range for name in names]
    parameters = [*weights, *means, *covariances]
    mean = np.arange(float(len(parameters)))
    table = pd.DataFrame({"parameter": parameters, "em": mean + 1, "em_se": 2.0, "map": mean - 1, "mean": mean, "sd": 2.0})
    table["interval"] = list(zip(mean - 3, mean + 3.5, strict=True))
    table["difference_in_sd"] = 0.5
    for side, at in (("median", 0.0), ("lower", -3.0), ("upper", 3.0)):
        table[f"posterior_{side}"], table[f"prior_{side}"] = mean + at, mean + 100 * at
    return table.assign(overlap=0.25)


def doubtful(n):
    """As memberships makes it: rows of n components."""
    k = np.arange(n)
    table = {"component": k, "mean": 0.6, "lower": 0.4, "upper": 0.7, "second": (k + 1) % max(n, 2), "second_mean": 0.3}
    return pd.DataFrame(table, index=pd.Index(10 * k, name="observation"))


def intervals(ax):
    return np.array([line.get_xdata() for line in ax.get_lines() if line.get_linewidth() > 2 and len(line.get_xdata()) == 2])


def test_names_tell_kind_and_component():
    assert [tuple(part) for part in parts(["weights[11]", "means[2, x]]", "means[0, a\nb, c]", "covariances[1, a, b]"])] == [
        ("weights", 11, "11"),
        ("means", 2, "2, x]"),
        ("means", 0, "0, a\nb, c"),
        ("covariances", 1, "1, a, b"),
    ]
    common = parts(["means[0, a]", "means[1, a]", "covariances[0, a, a]"])
    assert [part.component for part in common] == [0, 1, None]
    assert [part.component for part in parts(["means[0, a]", "covariances[0, a, a]"])] == [0, 0]


def test_em_stands_beside_the_posterior_in_its_sds(ax):
    assert plots.em_beside_posterior(ax, compared()) is ax
    np.testing.assert_allclose(intervals(ax), [[-1.5, 1.75]] * 10)
    em, mode = (next(line for line in ax.get_lines() if line.get_marker() == m and len(line.get_xdata()) == 10) for m in "ox")
    np.testing.assert_allclose(em.get_xdata(), 0.5)
    np.testing.assert_allclose(mode.get_xdata(), -0.5)
    (errors,) = ax.collections
    assert errors.get_linestyle()[0][1] is not None  # dashed
    ends = np.array([path.vertices[:, 0] for path in errors.get_paths()])
    np.testing.assert_allclose(ends, [[0.5 - 1.6449, 0.5 + 1.6449]] * 10, atol=1e-4)
    assert [text.get_text() for text in ax.get_yticklabels()][:6] == ["weights", "0", "1", "means", "0, a", "0, b"]
    assert ax.yaxis_inverted()
    at = mode.get_ydata()
    assert len(set(at)) == 10
    assert not set(at) & {0, 3, 8}  # the headings


def test_of_many_parameters_those_are_drawn_that_differ_most(ax):
    table = compared(n_components=10, names=("a", "b", "c"))
    table.loc[[3, 50], ["difference_in_sd"]] = [[-2.0], [3.0]]
    plots.em_beside_posterior(ax, table, most=2)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["weights", "3", "covariances", "3, b, b"]
    assert "2 of 70" in ax.get_xlabel()


def test_what_lies_far_off_is_an_arrow_with_its_distance(ax):
    table = compared()
    table.loc[2, ["em", "difference_in_sd"]] = [202.0, 100.0]
    plots.em_beside_posterior(ax, table)
    assert ax.get_xlim() == (-6, 6)
    assert [text.get_text() for text in ax.texts] == ["+100"]
    assert [line.get_marker() for line in ax.get_lines()].count(">") == 1


def test_em_without_errors_or_mode_is_drawn(ax):
    plots.em_beside_posterior(ax, compared(1, ("a",)).assign(em_se=np.nan, map=np.nan, sd=[0.0, 2.0]))
    assert "posterior mode" not in [text.get_text() for text in ax.get_legend().get_texts()]
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize("wider", [1.0, 100.0, 1e5, np.inf])
def test_a_wide_prior_leaves_the_posterior_its_place(ax, wider):
    table = compared().set_index("parameter")
    table["prior_lower"], table["prior_upper"] = -wider, wider
    plots.prior_beside_posterior(ax, table)
    np.testing.assert_allclose(intervals(ax), [[-1.0, 1.0]] * 10)
    left, right = ax.transData.transform([(-1, 0), (1, 0)])[:, 0]
    assert (right - left) / ax.get_window_extent().width > 0.1
    arrows = [line.get_marker() for line in ax.get_lines() if line.get_marker() in "<>"]
    assert len(arrows) == (20 if wider > 1e4 else 0)
    assert [text.get_text() for text in ax.texts] == ["0.25"] * 10 + ["overlap"]
    ax.figure.draw_without_rendering()


def test_sensitivities_stand_beside_each_other(ax):
    table = compared().set_index("parameter").assign(prior=np.linspace(0.2, 0, 10), likelihood=0.3)
    plots.power_scaling(ax, table)
    lines = {line.get_label(): line.get_xdata() for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["prior"], table["prior"])
    np.testing.assert_array_equal(lines["likelihood"], 0.3)


def test_doubtful_rows_stand_in_the_order_of_the_table(ax):
    plots.ambiguous(ax, doubtful(10))
    np.testing.assert_allclose(intervals(ax)[:10], [[0.4, 0.7]] * 10)
    assert [text.get_text() for text in ax.get_yticklabels()] == [str(10 * k) for k in range(10)]
    hollow = [line for line in ax.get_lines() if line.get_markerfacecolor() == "white"]
    assert [line.get_marker() for line in hollow] == [style.marker((k + 1) % 10) for k in range(10)]
    assert {float(line.get_xdata()[0]) for line in hollow} == {0.3}
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [*(f"component {k}" for k in range(10)), "the second one"]


def test_memberships_need_no_second_component(ax):
    plots.ambiguous(ax, doubtful(3)[["component", "mean", "lower", "upper"]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"component {k}" for k in range(3)]
    (first, *_) = (line for line in ax.get_lines() if line.get_linewidth() > 2)
    assert to_hex(first.get_color()).upper() == style.COLOURS[0]
