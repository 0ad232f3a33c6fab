"""Responsibilities of rows beside their draws, and allocations beside responsibilities."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

import bayesgmm as bg
from bayesgmm.memberships import draw_allocations, memberships
from bayesgmm.posterior import UnresolvedLabelsError, _permuted

FAITHFUL = bg.load_dataset("faithful")


@pytest.fixture(scope="module")
def post():
    return bg.fit_bayes(FAITHFUL, 2, engine="gibbs", draws=500, tune=200, thin=5, seed=3, progress=False)


@pytest.fixture(scope="module")
def found(post):
    return memberships(post, prob=0.8)


def shuffled(post):
    """The same draws, each with its components in an order by chance."""
    rng = np.random.default_rng(4)
    orders = rng.permuted(np.broadcast_to(np.arange(2), (*post.draws.shape, 2)), axis=-1)
    return replace(post.as_drawn(), tree=_permuted(post.as_drawn().tree, orders))


def test_moments_and_limits_are_those_of_each_draws_responsibilities(post, found):
    draws = post.relabelled.draws
    mean, sd = draws.responsibilities(FAITHFUL.to_numpy())
    np.testing.assert_allclose(found.mean, mean, atol=1e-12)
    np.testing.assert_allclose(found.sd, sd, atol=1e-7)  # of a difference of squares
    rows = found.most_ambiguous(3).index.to_numpy()
    each = np.stack([m.responsibilities(FAITHFUL.to_numpy()[rows]) for m in draws.thinned(draws.weights.size)])
    assert len(each) == 2000
    for limit, p in ((found.lower, 0.1), (found.upper, 0.9)):
        np.testing.assert_allclose(limit[rows], np.quantile(each, p, axis=0), rtol=1e-9)


def test_blocks_of_rows_change_nothing(post, found, monkeypatch):
    monkeypatch.setattr("bayesgmm.draws.BLOCK_VALUES", 50 * 2000 * 2)
    parts = memberships(post, prob=0.8)
    for name in ("mean", "sd", "lower", "upper"):
        np.testing.assert_allclose(getattr(parts, name), getattr(found, name), rtol=1e-10, atol=1e-300)


def test_the_order_of_drawn_components_does_not_matter(post, found):
    other = memberships(shuffled(post), prob=0.8)
    order = np.argsort([np.abs(other.mean - found.mean[:, [k]]).sum(axis=0).argmin() for k in range(2)])
    for name in ("mean", "sd", "lower", "upper"):
        np.testing.assert_allclose(getattr(other, name)[:, order], getattr(found, name), rtol=1e-7, atol=1e-12)


def test_two_components_mirror_each_other(found):
    np.testing.assert_allclose(found.mean.sum(axis=1), 1)
    np.testing.assert_allclose(found.lower[:, 0] + found.upper[:, 1], 1)
    assert (found.lower <= found.upper).all()


def test_the_table_and_the_rows_that_are_least_sure(found):
    table = found.table
    np.testing.assert_array_equal(table["component"], found.mean.argmax(axis=1))
    np.testing.assert_array_equal(table["mean"], found.mean.max(axis=1))
    np.testing.assert_allclose(table["mean"] + table["second_mean"], 1)
    assert (table["component"] + table["second"] == 1).all()
    least = found.most_ambiguous(5)
    np.testing.assert_array_equal(least["mean"], np.sort(found.mean.max(axis=1))[:5])
    assert len(found.most_ambiguous(10_000)) == 272
    assert "272 rows in 2 components" in str(found)


def test_new_rows_are_taken_by_name(post, found):
    turned = FAITHFUL[["waiting", "eruptions"]]
    for X in (FAITHFUL, FAITHFUL.to_numpy(), turned, turned.assign(more=1.0)):
        np.testing.assert_allclose(memberships(post, X, prob=0.8).lower, found.lower)
    with pytest.raises(ValueError, match="have the columns 'eruptions', and asked for are 'eruptions', 'waiting'"):
        memberships(post, FAITHFUL[["eruptions"]])
    with pytest.raises(ValueError, match="missing"):
        memberships(post, [[1.0, np.nan]])


def test_a_single_component():
    found = memberships(bg.fit_bayes(FAITHFUL, 1, engine="gibbs", draws=500, thin=1, progress=False))
    assert (found.mean == 1).all()
    assert (found.table["second"] == -1).all()


def test_components_that_may_not_be_believed_have_no_members():
    three = bg.fit_bayes(FAITHFUL, 3, engine="gibbs", draws=200, tune=100, thin=1, progress=False)
    with pytest.raises(UnresolvedLabelsError) as said:
        memberships(three)
    assert three.diagnosis.verdict[0] in str(said.value)
    assert "similarity_matrix" in str(said.value)


def test_what_is_no_posterior_is_refused():
    for function in (memberships, draw_allocations):
        with pytest.raises(TypeError, match="must be a Posterior"):
            function(FAITHFUL)


def test_allocations_fall_as_often_as_responsibilities_say(post):
    """Sums over draws beside their expectation: 30 rows between the groups at 1e-4 together, the seed fixed."""
    rows = np.linspace([2.75, 63.0], [3.05, 67.0], 30)
    drawn, shares = draw_allocations(post, rows, seed=5), post.draws.shares(rows)[..., 1]
    assert np.issubdtype(drawn.dtype, np.integer)
    assert drawn.dims == ("chain", "draw", "observation")
    assert drawn.name == "allocations"
    excess = (drawn.to_numpy() - shares).sum(axis=(0, 1))
    variance = (shares * (1 - shares)).sum(axis=(0, 1))
    assert variance.min() > 20  # nearly normal
    assert np.abs(excess / np.sqrt(variance)).max() < norm.isf(0.5e-4 / 30)


def test_allocations_are_told_by_their_seed_and_numbered_as_given(post):
    one, again, other = (draw_allocations(post, seed=seed) for seed in (1, 1, 2))
    xr.testing.assert_identical(one, again)
    assert not one.equals(other)
    mixed = shuffled(post)
    means = mixed.draws.means[..., 0]
    of_row = np.take_along_axis(means, draw_allocations(mixed).to_numpy()[..., :50], axis=2)
    short = FAITHFUL["eruptions"].to_numpy()[:50] < 2.5
    assert (np.abs(of_row - np.where(short, 2.04, 4.29)) < 0.3).mean() > 0.97
    assert draw_allocations(post, pd.DataFrame({"waiting": [50.0], "eruptions": [2.0]})).sizes["observation"] == 1


def test_too_many_allocations_are_refused(post, monkeypatch):
    monkeypatch.setattr("bayesgmm.memberships.MOST_ALLOCATIONS", 100_000)
    with pytest.raises(ValueError, match="give at most 50 rows"):
        draw_allocations(post)
