"""Rows in groups: every row is shown once, in an order that says what it claims to say."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from bayesgmm import plots
from bayesgmm.plots import groups, style


def heat(ax):
    return np.asarray(ax.images[0].get_array())


def names(ax):
    return [text.get_text().split("\n")[0] for text in ax.get_yticklabels()]


@pytest.fixture
def shares():
    return np.random.default_rng(0).dirichlet([0.5] * 4, 300)


def test_rows_lie_by_component_and_certainty(ax, shares):
    assert plots.responsibilities(ax, shares) is ax
    shown = heat(ax)
    np.testing.assert_array_equal(np.sort(shown, axis=0), np.sort(shares, axis=0))
    component, most = shown.argmax(axis=1), shown.max(axis=1)
    steps = np.diff(component)
    assert (steps >= 0).all()
    assert (np.diff(most)[steps == 0] <= 0).all()
    assert names(ax) == [f"component {k}" for k in range(4)]
    sizes = [int(text.get_text().split("\n")[1].split()[0]) for text in ax.get_yticklabels()]
    assert sizes == np.bincount(component).tolist()
    strip = np.asarray(ax.images[1].get_array())[:, 0]
    assert [to_hex(shade).upper() for shade in strip] == [style.colour(k) for k in component]


def test_rows_may_have_an_order_of_their_own(ax, shares):
    plots.responsibilities(ax, shares, order=np.arange(300)[::-1])
    np.testing.assert_array_equal(heat(ax), shares[::-1])


@pytest.mark.parametrize("n_components", [1, 10])
def test_of_many_rows_some_are_drawn_and_all_are_counted(ax, n_components):
    shares = np.random.default_rng(1).dirichlet([0.1] * n_components, 20_000)
    plots.responsibilities(ax, shares)
    assert heat(ax).shape == (groups.MOST_ROWS, n_components)
    sizes = [int(text.get_text().split("\n")[1].split()[0].replace(",", "")) for text in ax.get_yticklabels()]
    assert sum(sizes) == 20_000
    assert ax.get_ylim() == (19_999.5, -0.5)


def test_an_empty_component_keeps_its_column(ax):
    plots.responsibilities(ax, np.tile([0.7, 0.0, 0.3], (20, 1)))
    assert heat(ax).shape == (20, 3)
    assert names(ax) == ["component 0"]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_known_is_refused(ax, shares, wrong):
    shares[[7, 9], 2] = wrong
    with pytest.raises(ValueError, match=r"of 2 rows are not finite, the first of row 7: leave"):
        plots.responsibilities(ax, shares)
    similarity = np.eye(5)
    similarity[3, 4] = similarity[4, 3] = wrong
    with pytest.raises(ValueError, match=r"of 2 rows are not finite, the first of row 3: leave"):
        plots.co_clustering(ax, similarity)
    with pytest.raises(ValueError, match="one label a row"):
        plots.co_clustering(ax, np.eye(5), np.zeros(4, int))


def test_rows_that_belong_together_lie_together(ax):
    labels = np.array([0, 1, 2] * 5)
    plots.co_clustering(ax, 0.1 + 0.9 * (labels[:, None] == labels))
    (image,) = ax.images
    shown = np.asarray(image.get_array())
    steps = np.abs(np.diff(shown, axis=0)).sum(axis=1)
    assert (steps > 0.1).sum() == 2  # three squares


def test_clusters_are_squares_with_their_most_typical_rows_first(ax):
    rng = np.random.default_rng(2)
    labels = rng.permutation(np.repeat([0, 1, 2], [30, 20, 10]))
    sure = rng.uniform(0.3, 1.0, 60)
    similarity = np.where(labels[:, None] == labels, np.outer(sure, sure), 0.0)
    np.fill_diagonal(similarity, 1.0)
    plots.co_clustering(ax, similarity, labels)
    shown = heat(ax)
    borders = [30, 50]
    for square in np.split(np.arange(60), borders):
        block = shown[np.ix_(square, square)]
        assert (block > 0).all()
        assert shown[square].sum() == pytest.approx(block.sum())  # and nothing beside it
        assert (np.diff(block.mean(axis=1)) <= 1e-12).all()
    lines = [path.vertices[0] for path in ax.collections[0].get_paths()]
    assert [y for _, y in lines] == [29.5, 49.5]
    assert names(ax) == ["cluster 0", "cluster 1", "cluster 2"]
    assert ax.get_aspect() == 1.0


def test_of_a_large_matrix_some_rows_are_drawn(ax):
    labels = np.sort(np.random.default_rng(3).choice(3, 2500, p=[0.6, 0.398, 0.002]))
    plots.co_clustering(ax, (labels[:, None] == labels).astype(float), labels)
    assert heat(ax).shape == (2000, 2000)
    assert names(ax) == ["cluster 0", "cluster 1"]  # five rows have no room for a name
