"""Ratios, their direction and how they are told."""

import pytest

from benchmarks import table
from benchmarks.figure import ESS_PER_SECOND, SECONDS, Aim, Figure, Remark, Spread, beside


def test_a_ratio_says_how_many_times_better_ours_is():
    assert beside("a", SECONDS, [1.0, 2.0], "peer", [10.0, 30.0]).ratio == Spread(10.0, 12.5, 15.0, 2)
    assert beside("a", ESS_PER_SECOND, [10.0, 30.0], "peer", [1.0, 2.0]).ratio == Spread(10.0, 12.5, 15.0, 2)


def test_a_ratio_beside_an_upper_bound_is_a_multiple_of_the_peers():
    figure = beside("a", SECONDS, [3.0], "limit", [1.0], Aim(3, at_least=False))
    assert figure.ratio == Spread(3.0, 3.0, 3.0, 1)
    assert figure.met


def test_a_ratio_is_taken_within_rounds():
    """A round in which everything is ten times slower changes no ratio."""
    assert beside("a", SECONDS, [1.0, 10.0], "peer", [5.0, 50.0]).ratio == Spread(5.0, 5.0, 5.0, 2)


@pytest.mark.parametrize(("bound", "at_least", "met"), [(4, True, True), (6, True, False), (4, False, False), (6, False, True)])
def test_aims_without_a_peer_are_for_our_own_figure(bound, at_least, met):
    assert Figure("a", SECONDS, Spread.of([5.0]), aim=Aim(bound, at_least)).met is met


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.00012345, "0.000123"),
        (0.5, "0.500"),
        (12.345, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (1e-6, "1.00e-06"),
    ],
)
def test_numbers_have_three_digits_that_matter(value, text):
    assert table.number(value) == text


def test_lines_and_tables_say_everything():
    figure = beside("n = 10", SECONDS, [1.0, 1.0], "a|b", [2.0, 4.0], Aim(20), "same start")
    for text in (table.line(figure), table.markdown({"row": [figure]}, {"processor": "one"})):
        assert all(part in text for part in ("n = 10", "1.00", "3.00 (2.00 .. 4.00)", "≥ 20, NOT met", "same start"))


def test_a_table_has_as_many_cells_in_every_line():
    results = [beside("a", SECONDS, [1.0], "a|b", [2.0]), Remark("b", "not measured: no | here")]
    page = table.markdown({"row": results}, {}, partial=True)
    lines = [line.replace("\\|", "") for line in page.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(table.COLUMNS) + 1}
    assert "stopped" in page
