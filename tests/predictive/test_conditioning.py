"""Features given others, beside the functions of single mixtures."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesgmm as bg
from bayesgmm import prediction
from bayesgmm.predictive import conditional
from tests.handmade import drawn_around

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.posterior.UnconvergedWarning")  # of draws by hand, or few of them


def of_one_mixture(em):
    """A posterior of identical draws."""
    post, m = drawn_around(em), em.mixture
    shape = post.draws.shape
    same = {
        name: np.broadcast_to(getattr(m, name), (*shape, *getattr(m, name).shape)) for name in ("weights", "means", "covariances")
    }
    group = post.tree["posterior"].to_dataset()
    post.tree["posterior"] = xr.DataTree(group.assign({name: (group[name].dims, part) for name, part in same.items()}))
    return bg.Posterior(post.tree, post.specification, post.observations)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI"])
def test_identical_draws_are_one_mixture(code):
    X, _, _ = bg.simulate(120, 3, 4, 2.5, seed=1, covariance=code)
    em = bg.fit_em(X, 3, code, n_init=1)
    post, m, given, rows = of_one_mixture(em), em.mixture, [2, 0], X[:6, [2, 0]]
    found, exact = conditional(post, given, rows, prob=0.8), prediction.regression(m, given, rows)
    for name in ("mean", "mean_lower", "mean_upper"):
        np.testing.assert_allclose(found[name].to_numpy().reshape(6, 2), exact.means, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        found["sd"].to_numpy().reshape(6, 2), np.sqrt(np.diagonal(exact.covariances, axis1=1, axis2=2)), rtol=1e-9
    )
    for i, row in enumerate(rows):
        law = prediction.conditional(m, given, row)
        for r, name in enumerate(("x2", "x4")):
            limits = found.loc[(i, name), ["lower", "median", "upper"]]
            np.testing.assert_allclose(limits, prediction.quantile(law.marginal([r]), [0.1, 0.5, 0.9]), atol=1e-7)


def test_draws_are_averaged(handmade):
    row, given = handmade.observations.values[4, [1, 3]], ["x2", "x4"]
    found = conditional(handmade, given, row, prob=0.8)
    laws = [prediction.conditional(m, [1, 3], row) for m in handmade.draws.thinned(60)]
    means = np.stack([law.weights @ law.means for law in laws])
    np.testing.assert_allclose(found["mean"], means.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(found["mean_lower"], np.quantile(means, 0.1, axis=0), rtol=1e-10)
    np.testing.assert_allclose(found["mean_upper"], np.quantile(means, 0.9, axis=0), rtol=1e-10)
    for r, name in enumerate(("x1", "x3")):
        for limit, p in (("lower", 0.1), ("median", 0.5), ("upper", 0.9)):
            at = np.mean([prediction.cdf(law.marginal([r]), found.loc[(0, name), limit]) for law in laws])
            assert at == pytest.approx(p, abs=1e-8)


def test_rows_in_every_form(faithful):
    table = conditional(faithful, "eruptions", [2.0, 4.5])
    for values in (
        [[2.0], [4.5]],
        pd.Series([2.0, 4.5], name="eruptions"),
        bg.load_dataset("faithful").assign(eruptions=2.0)[:1],
    ):
        other = conditional(faithful, 0, values)
        pd.testing.assert_frame_equal(other, table.loc[: len(other) - 1])
    pd.testing.assert_frame_equal(conditional(faithful, ["eruptions"], 2.0), table.loc[[0]])
    of_iris = drawn_around(bg.fit_em(bg.load_dataset("iris").drop(columns="species"), 2, n_init=1))
    names = list(of_iris.observations.names[:2])
    row = pd.Series([3.0, 5.0], index=names[::-1])  # a row of a table keeps its names
    pd.testing.assert_frame_equal(conditional(of_iris, names, row), conditional(of_iris, names, [5.0, 3.0]))
    assert table.index.names == ["row", "feature"]


def test_values_without_names_stand_in_the_order_of_what_is_given(handmade):
    """Of features that were never named, whose names are those that an array without names would have."""
    one = conditional(handmade, ["x1", "x2"], [[0.5, -2.0]])
    pd.testing.assert_frame_equal(conditional(handmade, ["x2", "x1"], [[-2.0, 0.5]]), one)
    pd.testing.assert_frame_equal(conditional(handmade, [1, 0], pd.DataFrame({"x1": [0.5], "x2": [-2.0]})), one)


def test_blocks_and_thinning(faithful, monkeypatch):
    rows = faithful.observations.values[:40, 0]
    whole = conditional(faithful, "eruptions", rows)
    every = conditional(faithful, "eruptions", rows, n_draws=2000)
    assert (np.abs(whole["mean"] - every["mean"]) < 0.3).all()
    monkeypatch.setattr("bayesgmm.draws.BLOCK_VALUES", 50_000)
    pd.testing.assert_frame_equal(conditional(faithful, "eruptions", rows), whole, atol=1e-7)


def test_an_unknown_number_of_components(unknown):
    found = conditional(unknown, "x1", [0.0])
    each = [prediction.regression(m, 0, [[0.0]]).means[0, 0] for m in unknown.draws.thinned(1000)]
    assert found["mean"].item() == pytest.approx(np.mean(each), rel=1e-9)
    assert found["lower"].item() < found["median"].item() < found["upper"].item()


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_units_do_not_matter(factor):
    X, _, _ = bg.simulate(90, 2, 2, 2.5, seed=1)
    posts = [drawn_around(bg.fit_em(data, 2, n_init=1)) for data in (X, X * factor)]
    one, other = (conditional(post, 0, unit * X[:5, :1]) for post, unit in zip(posts, (1, factor), strict=True))
    np.testing.assert_allclose(other / factor, one, rtol=1e-5, atol=1e-6)


def test_what_cannot_be_asked(faithful):
    for given, said in (
        (["eruptions", "waiting"], "nothing remains"),
        ([], "some of 0..1"),
        (["wait"], "Unknown feature 'wait'"),
    ):
        with pytest.raises(ValueError, match=said):
            conditional(faithful, given, [[1.0, 2.0]])
    with pytest.raises(ValueError, match="asked for are 'eruptions'"):
        conditional(faithful, "eruptions", [[1.0, 2.0]])
    with pytest.raises(ValueError, match="missing"):
        conditional(faithful, "eruptions", [np.nan])
    with pytest.raises(TypeError, match="Posterior or an MfmPosterior"):
        conditional(faithful.draws, 0, [1.0])
