"""The first paragraph says no more than may be believed."""

from bayesgmm.reporting import answer
from bayesgmm.reporting.sentences import assignment, edge
from tests.reporting.analyses import judged


def test_trusted_components_come_with_their_sizes(hostile):
    assert hostile.diagnosis.standing == "components"
    said = answer(hostile)
    assert said[0] == "These 240 rows are best described by 3 components, and the components may be believed."
    assert said[1].count("90% interval") == 3


def test_a_density_alone_is_no_groups(hostile):
    said = answer(judged(hostile, components_trusted=False))
    assert "may be believed" in said[0]
    assert "says nothing about groups" in said[1]
    assert "holds" not in " ".join(said)


def test_without_convergence_no_number_is_offered(hostile):
    said = answer(judged(hostile, components_trusted=False, converged=False))
    assert said[0].startswith("No number in this report may be used yet")
    assert len(said) == 2


def test_one_component_is_no_groups(one_feature):
    said = answer(one_feature)
    assert said[0] == "One component describes these 82 rows best: they show no separate groups."
    assert said[-1] == "No other number of components was tried."


def test_the_largest_number_tried_is_not_trusted_to_be_the_best(hostile, one_feature):
    assert "K = 3 is the largest" in edge(hostile)
    assert edge(one_feature) is None


def test_how_sure_the_rows_are_is_counted(faithful):
    """Against responsibilities averaged draw by draw."""
    draws = faithful.posterior.draws
    best = draws.shares(faithful.observations.values).mean(axis=(0, 1)).max(axis=1)
    sure = int((best >= 0.9).sum())
    assert f"{sure} of 272 rows" in assignment(faithful)
    assert "fewer than one row is expected" in assignment(faithful)
    assert (1 - best).sum() < 1


def test_many_components_are_told_by_the_largest_and_the_smallest(large):
    said = answer(large)
    assert said[1].startswith("The largest component holds")
    assert said[1].count("90% interval") == 1
