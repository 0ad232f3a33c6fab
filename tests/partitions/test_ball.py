"""The credible ball: against distances row by row and pair by pair."""

import numpy as np
import pytest

from bayesgmm.partitions import UnconvergedWarning, credible_ball, partition
from bayesgmm.partitions.drawn import DrawnPartitions
from bayesgmm.streams import seed_sequence
from tests.partitions.conftest import believed
from tests.partitions.exhaustive import losses_from

metrics = pytest.mark.parametrize("loss", ["vi", "binder"])


@metrics
@pytest.mark.parametrize("prob", [0.5, 0.95])
def test_the_ball_is_the_smallest_that_holds_so_much(blurred, loss, prob):
    ball = credible_ball(blurred, prob, loss)
    drawn = DrawnPartitions.of(blurred, None, 4000, seed_sequence(0)).labels
    found = losses_from(drawn.astype(int), ball.centre.labels)[loss]
    inside = found <= ball.radius + 1e-9
    assert inside.mean() == pytest.approx(ball.held)
    assert ball.held >= prob
    assert (found < ball.radius - 1e-9).mean() < prob
    np.testing.assert_array_equal(ball.centre.labels, partition(blurred, loss).labels)

    numbers = drawn.max(axis=1) + 1
    assert numbers[inside].min() < numbers[inside].max()
    limits = {"upper": numbers == numbers[inside].min(), "lower": numbers == numbers[inside].max(), "horizontal": numbers > 0}
    for name, among in limits.items():
        among &= inside
        bound = getattr(ball, name)
        farthest = among & np.isclose(found, found[among].max(), atol=1e-9)
        same = [np.array_equal(np.equal.outer(z, z), np.equal.outer(bound, bound)) for z in drawn]
        assert np.argmax(same) == np.argmax(farthest)
        assert (np.diff(np.bincount(bound)) <= 0).all()
        assert ball.table.loc[name, "n_clusters"] == bound.max() + 1
        assert ball.table.loc[name, "distance"] == pytest.approx(found[among].max(), abs=1e-9)
        assert ball.table.loc[name, "n_tied"] == len({tuple(z) for z in drawn[farthest]})


@metrics
def test_a_ball_about_what_is_given(blurred, loss):
    one = np.full(60, 5)
    ball = credible_ball(blurred, loss=loss, centre=one)
    assert ball.centre.n_clusters == 1
    drawn = DrawnPartitions.of(blurred, None, 4000, seed_sequence(0)).labels
    assert ball.centre.expected_loss == pytest.approx(losses_from(drawn.astype(int), one)[loss].mean(), abs=1e-12)
    assert ball.radius > credible_ball(blurred, loss=loss).radius
    other = partition(blurred, "omari")
    assert credible_ball(blurred, loss=loss, centre=other).centre is other


def test_rows_are_those_of_the_centre(blurred):
    rows = [4, 40, 21, 9, 33, 2]
    centre = partition(blurred, rows=rows)
    ball = credible_ball(blurred, centre=centre)
    assert len(ball.upper) == 6
    assert credible_ball(blurred, rows=rows).radius == ball.radius
    with pytest.raises(ValueError, match="centre is a partition of 6 rows, and these are not the 2 that rows= names"):
        credible_ball(blurred, centre=centre, rows=[4, 40])


def test_where_nothing_is_in_doubt(line):
    posterior, _ = line
    ball = credible_ball(posterior)
    assert ball.radius == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(ball.horizontal, ball.centre.labels)
    assert (ball.table["n_tied"] == 1).all()
    assert str(ball).startswith("95% credible ball about 2 clusters of 40 rows: radius 0 bits (variation of information), with 1")


def test_one_row_and_one_component(blurred, one_component):
    for ball in (credible_ball(blurred, rows=[3]), credible_ball(one_component, loss="binder")):
        assert (ball.radius, ball.held) == (0, 1)
        assert "about one cluster" in str(ball)


def test_what_makes_no_sense_is_refused(blurred):
    with pytest.raises(ValueError, match=r"A ball needs a distance, which loss='omari' is not .*: take 'vi' or 'binder'"):
        credible_ball(blurred, loss="omari")
    with pytest.raises(ValueError, match="prob must be above 0 and below 1"):
        credible_ball(blurred, prob=95)
    with pytest.raises(ValueError, match=r"centre .* must have shape"):
        credible_ball(blurred, centre=[0, 1])


def test_chains_that_have_not_converged_are_told_once(blurred):
    with pytest.warns(UnconvergedWarning) as told:
        ball = credible_ball(believed(blurred, converged=False))
    assert len(told) == 1
    assert "have not converged" in str(ball)
