"""Who is measured when, and what happens to those that fail."""

from benchmarks.figure import SECONDS
from benchmarks.rows.row import OURS, beside_each
from benchmarks.timing import Contender, UnavailableError, in_turn


def contender(name, calls, fails_at=None):
    def run(number):
        calls.append(name)
        if fails_at is not None and calls.count(name) > fails_at:
            raise UnavailableError(f"{name} is not installed")
        return {SECONDS: float(number + 1)}

    return Contender(name, run)


def test_rounds_take_turns_and_warm_ups_are_forgotten():
    calls = []
    measured = in_turn([contender(name, calls) for name in "abc"], 3)
    assert "".join(calls) == "abc" + "abc" + "bca" + "cab"
    assert measured.series("b", SECONDS) == [1.0, 2.0, 3.0]


def test_one_that_fails_is_left_out_with_its_reason():
    calls = []
    measured = in_turn([contender(OURS, calls), contender("peer", calls, fails_at=0)], 2)
    assert calls.count("peer") == 1
    assert not measured.has("peer", SECONDS)
    (remark,) = beside_each("case", SECONDS, measured, {"peer": None})
    assert remark.text == "peer not measured: peer is not installed"


def test_one_that_fails_half_way_keeps_its_rounds():
    calls = []
    measured = in_turn([contender(OURS, calls), contender("peer", calls, fails_at=2)], 3)
    figure, remark = beside_each("case", SECONDS, measured, {"peer": None})
    assert (figure.ours.n, figure.theirs.n, figure.ratio.n) == (3, 1, 1)
    assert "not installed" in remark.text


def test_an_error_of_our_own_is_told():
    measured = in_turn([Contender(OURS, lambda _: {}[SECONDS])], 1)
    (remark,) = beside_each("case", SECONDS, measured, {"peer": None})
    assert remark.text.startswith("bayesgmm not measured: KeyError")
