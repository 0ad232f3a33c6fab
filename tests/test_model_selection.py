"""The grid of structures and numbers of components, held against mclust's and against what must hold of any data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.transform import Rotation
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg
from bayesgmm.agglomeration import WARD, Agglomeration
from bayesgmm.covariance import STRUCTURES
from bayesgmm.initialisation import splits
from bayesgmm.interruption import PartialWarning
from bayesgmm.model_selection import Grid, select_model
from bayesgmm.observations import Observations
from tests.laws import problem, structures

DATA = {"faithful": bg.load_dataset("faithful"), "iris": bg.load_dataset("iris").drop(columns="species")}
MCLUST = pd.read_csv(Path(__file__).parent / "mclust" / "grid.csv", comment="#").set_index(["data", "covariance", "n_components"])


@pytest.fixture(scope="module", params=DATA)
def grid(request):
    """All fourteen structures with K = 1..9, and mclust's fits of them."""
    return select_model(DATA[request.param], n_init=0, progress=False), MCLUST.loc[request.param]


def test_every_cell_is_as_good_as_mclusts_or_better(grid):
    """Where neither collapsed: mclust has no rule for that, ours is that of test_collapse.py."""
    selection, theirs = grid
    both = theirs.index[theirs["bic"].notna() & selection.table.loc[theirs.index, "bic"].notna()]
    assert len(both) >= 110
    assert (selection.table.loc[both, "bic"] <= -theirs.loc[both, "bic"] + 2e-3).all()
    same = (selection.table.loc[both, "log_likelihood"] - theirs.loc[both, "converged_log_likelihood"]).abs() < 0.01
    assert same.sum() >= 30  # many of them are the very optimum that mclust comes to when it goes on to its end


def test_what_is_better_than_mclusts_by_far_is_not_spurious(grid):
    """More than 5 nats: each component has ten rows or more, or is about as round as mclust's own in these data are (5e-4)."""
    selection, theirs = grid
    far = theirs.index[(selection.table.loc[theirs.index, "log_likelihood"] > theirs["log_likelihood"] + 5)]
    assert len(far) > 30
    for cell in far:
        fit = selection.fits[cell]
        spread = np.linalg.solve(fit.observations.covariance, fit.mixture.covariances)
        flattest, counts = np.linalg.eigvals(spread).real.min(axis=1), fit.mixture.weights * fit.n_observations
        assert (counts > 2.5).all()
        assert ((flattest > 5e-4) | (counts > 10)).all()


def test_wider_structures_are_no_less_likely(grid):
    """Than narrower ones none of whose components has so few rows that a wider structure would have it round."""
    selection, _ = grid
    sound = selection.table[selection.table["bic"].notna()]
    held = sound[sound["smallest_count"] > 4 * selection.best.observations.n_features]["log_likelihood"]
    wider = {code: [other for other in STRUCTURES.values() if other.includes(STRUCTURES[code])] for code in STRUCTURES}
    pairs = [
        (wide.code, k, code)
        for code, k in sound.index
        for wide in wider[code]
        if wide.code != code and (wide.code, k) in sound.index
    ]
    compared = [(sound.loc[(wide, k), "log_likelihood"], held[other, k]) for wide, k, other in pairs if (other, k) in held.index]
    assert len(compared) > 200
    assert all(value >= least - 1e-4 for value, least in compared)


def test_published_choices(grid):
    selection, theirs = grid
    is_iris = theirs.loc[("VVV", 3), "bic"] > -600
    best = selection.best
    published = ("VEV", 2, -215.7259) if is_iris else ("EEE", 3, -1126.326)
    assert (best.specification.covariance, best.specification.n_components) == published[:2]
    assert best.log_likelihood >= published[2] - 1e-3
    assert f"BIC is lowest for {published[0]} with K = {published[1]}." in str(selection)


def distinct(code):
    """Covariances of three components in three dimensions whose volumes, shapes and axes differ plainly where they may."""
    volumes = {"E": [1.0, 1.0, 1.0], "V": [0.4, 1.0, 2.5]}[code[0]]
    stretched = [[4.0, 1.0, 0.25], [1.0, 0.25, 4.0], [0.5, 4.0, 0.5]]
    shapes = {"I": [[1.0, 1.0, 1.0]] * 3, "E": stretched[:1] * 3, "V": stretched}[code[1]]
    turns = [Rotation.from_euler("xyz", angles).as_matrix() for angles in ([0.6, 0.5, 0.4], [-0.7, 0.9, 1.2], [1.4, -0.3, 0.2])]
    axes = {"I": [np.eye(3)] * 3, "E": turns[:1] * 3, "V": turns}[code[2]]
    return np.stack([volume * (turn * shape) @ turn.T for volume, shape, turn in zip(volumes, shapes, axes, strict=True)])


@structures
def test_bic_finds_the_structure_that_made_the_data(code):
    """Among those that differ from it in one of volume, shape and orientation at most."""
    means = 8.0 * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    truth = bg.Mixture.from_parameters([0.3, 0.3, 0.4], means, distinct(code), code)
    beside = [other for other in STRUCTURES if sum(a != b for a, b in zip(code, other, strict=True)) <= 1]
    found = select_model(truth.sample(1000, seed=1)[0], [3], beside, n_init=1, progress=False)
    assert found.best.specification.covariance == code


def test_volume_alone_in_one_dimension():
    found = select_model(bg.load_dataset("acidity"), range(1, 5), progress=False)
    assert list(found.bic.columns) == ["EII", "VII"]
    assert found.best.bic == pytest.approx(392.0722, abs=2e-3)
    assert found.best.icl == pytest.approx(398.5432, abs=5e-3)


def test_missing_cells_say_why():
    X = np.random.default_rng(0).normal(size=(9, 2)).round(1)[[0, 0, 0, 0, 0, 0, *range(9)]]
    found = select_model(X, [1, 2, 12], ["EII", "VVV"], progress=False)
    table = found.table
    assert table.loc[("VVV", 12), "status"] == "not fitted"
    assert "cannot be told apart into 12 components" in table.loc[("VVV", 12), "reason"]
    assert "collapsed" in table.loc[("VVV", 2), "reason"]
    assert np.isnan(table.loc[("VVV", 2), "bic"])
    assert f"{len(found.reasons)} of 6 models have no criteria" in str(found)
    with_prior = select_model(X, [2], ["VVV", "VEE"], bg.Prior.weakly_informative(X), progress=False)
    assert "no prior is defined" in with_prior.table.loc[("VEE", 2), "reason"]


def test_too_few_rows_are_a_reason():
    found = select_model(np.random.default_rng(0).normal(size=(12, 4)), [1, 2], ["EII", "VVV"], progress=False)
    assert found.table.loc[("VVV", 1), "reason"] == "Too few points: 12 rows for 14 free parameters."
    assert set(found.bic.columns) == {"EII", "VVV"}


def test_a_cell_does_not_hang_on_which_numbers_are_asked_for():
    alone, among = (select_model(DATA["faithful"], numbers, ["VVV"], progress=False) for numbers in ([3], [1, 2, 3]))
    assert alone.bic.loc[3, "VVV"] == pytest.approx(among.bic.loc[3, "VVV"], abs=1e-4)
    assert list(alone.table.index) == [("VVV", 3)]


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"criterion": "aic"}, "Unknown criterion 'aic'"),
        ({"covariances": []}, "covariances is empty"),
        ({"covariances": ["VVX"]}, "Unknown covariance structure"),
        ({"n_components": []}, "n_components is empty"),
        ({"n_init": -1}, "n_init"),
    ],
)
def test_impossible_questions_are_refused(keywords, sentence):
    with pytest.raises(ValueError, match=sentence):
        select_model(DATA["faithful"], **{"progress": False, **keywords})


def test_ctrl_c_keeps_what_was_fitted(monkeypatch):
    whole = Grid.fit

    def fit(grid, cell):
        if cell == ("VVV", 2):
            raise KeyboardInterrupt
        whole(grid, cell)

    monkeypatch.setattr(Grid, "fit", fit)
    with pytest.warns(PartialWarning, match="when 3 models were fitted; 1 are missing"):
        found = select_model(DATA["faithful"], [1, 2], ["EEE", "VVV"], progress=False)
    assert found.missing == (("VVV", 2),)
    assert str(found).startswith("Partial")
    monkeypatch.setattr(Grid, "fit", lambda grid, cell: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        select_model(DATA["faithful"], [1, 2], ["EEE", "VVV"], progress=False)


def test_trees_find_groups_and_do_not_mind_units():
    X, labels, _ = bg.simulate(400, 4, 3, separation=8.0, seed=3)
    rng = np.random.default_rng
    tree, other = (Agglomeration.of(Observations.from_data(data), rng(0)) for data in (X, 1e6 + X * [1e-3, 1.0, 50.0]))
    assert adjusted_rand_score(labels, tree.labels(4)) > 0.95
    np.testing.assert_array_equal(tree.labels(4), other.labels(4))
    assert [len(np.unique(tree.labels(k))) for k in (1, 2, 399, 400)] == [1, 2, 399, 400]
    for k in range(1, 12):  # each cut joins two clusters of the next one
        assert len({*zip(tree.labels(k), tree.labels(k + 1), strict=True)}) == k + 1


def test_trees_of_many_features():
    X = np.random.default_rng(0).normal(size=(30, 160))
    for ridge in (0.03, WARD):
        tree = Agglomeration.of(Observations.from_data(X), np.random.default_rng(0), ridge)
        assert [len(np.unique(tree.labels(k))) for k in (1, 5, 30)] == [1, 5, 30]


def test_a_tree_with_a_large_ridge_is_wards():
    X = np.random.default_rng(1).normal(size=(150, 3))
    standard = (X - X.mean(axis=0)) / np.sqrt(np.cov(X.T, bias=True).diagonal().max())
    tree = Agglomeration.of(Observations.from_data(X), np.random.default_rng(0), WARD, whiten=False)
    for k in (2, 5, 20):
        assert adjusted_rand_score(tree.labels(k), fcluster(linkage(standard, "ward"), k, "maxclust")) == 1


def test_large_data_are_sampled_and_weights_count():
    X, labels, _ = bg.simulate(5000, 3, 2, separation=8.0, seed=2)
    fit = bg.fit_em(X, 3, start="hc")
    assert adjusted_rand_score(labels, fit.mixture.predict(X)) > 0.95
    np.testing.assert_array_equal(fit.mixture.means, bg.fit_em(X, 3, start="hc").mixture.means)
    v = np.r_[np.ones(2500), np.zeros(2500)]
    half = Agglomeration.of(Observations.from_data(X, v), np.random.default_rng(0))
    assert half.rows.max() < 2500


@structures
def test_a_split_keeps_mean_and_covariance(code):
    _, _, truth = problem(code)
    halves = splits(truth)
    assert len(halves) == 3
    for _, split in halves:
        assert split.n_components == 4
        np.testing.assert_allclose(split.weights @ split.means, truth.weights @ truth.means)
        assert np.linalg.eigvalsh(split.covariances).min() > 0
        if code == "VVV":
            moments = [
                np.einsum("k,kij->ij", m.weights, m.covariances + m.means[:, :, None] * m.means[:, None, :])
                for m in (split, truth)
            ]
            np.testing.assert_allclose(*moments)
