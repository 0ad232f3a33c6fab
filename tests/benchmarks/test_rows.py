"""The registry, the command line, and rows at a size at which they take no time."""

import math
import re

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.covariance import find_structure
from bayesgmm.draws import Draws
from benchmarks import __main__ as command
from benchmarks import rows
from benchmarks.effective import log_likelihood, smallest_bulk_ess
from benchmarks.figure import SECONDS, SECONDS_A_PASS, Figure, Remark, Spread
from benchmarks.limits import Limits, measure
from benchmarks.peers import rscript, scikit
from benchmarks.problems import numbers, simulated, standardised
from benchmarks.rows import em_fit, em_pass
from benchmarks.rows.row import OURS, Row, Scale
from benchmarks.timing import UnavailableError

PROBLEM = simulated(300, 2, 3)


@pytest.fixture
def two_rows(monkeypatch):
    """A row that ends well and one that fails after its first figure."""

    def good(_):
        yield Figure("a case", SECONDS, Spread.of([1.0, 2.0]))

    def bad(_):
        yield Remark("a case", "half way")
        raise RuntimeError("nothing goes any more")

    found = {"bad": Row("bad", "Fails.", bad), "good": Row("good", "Ends.", good)}
    monkeypatch.setattr(command, "ROWS", found)
    monkeypatch.setattr(command.machine, "describe", lambda arguments: {"command": " ".join(arguments)})
    return found


def test_the_registry_names_its_rows():
    assert all(name == row.name and row.about.endswith(".") for name, row in rows.ROWS.items())
    assert re.findall(r"^  (\w+)", command.parser().format_help().split("rows:")[1], re.MULTILINE) == list(rows.ROWS)


def test_a_row_that_fails_does_not_stop_the_others(two_rows, tmp_path, capsys):
    path = tmp_path / "results.md"
    assert command.main(["--output", str(path)]) == 0
    for text in (capsys.readouterr().out, path.read_text(encoding="utf-8")):
        assert "half way" in text
        assert "not measured: RuntimeError: nothing goes any more" in text
        assert "1.50 (1.00 .. 2.00)" in text


def test_only_the_rows_that_are_asked_for(two_rows, capsys):
    assert command.main(["--only", "good"]) == 0
    assert "half way" not in capsys.readouterr().out


def test_ctrl_c_ends_with_what_there_is(two_rows, tmp_path, monkeypatch):
    def stopped(_):
        yield Remark("a case", "before it")
        raise KeyboardInterrupt

    monkeypatch.setitem(two_rows, "bad", Row("bad", "Is stopped.", stopped))
    path = tmp_path / "results.md"
    assert command.main(["--output", str(path)]) == command.INTERRUPTED
    page = path.read_text(encoding="utf-8")
    assert "before it" in page
    assert "stopped before its end" in page
    assert "1.50" not in page


def test_both_make_the_passes_that_are_asked_for_and_climb_alike():
    ours, theirs = em_pass.ours(PROBLEM, 7), scikit.passes(PROBLEM.X, PROBLEM.start, 7)
    assert (ours.passes, theirs.passes) == (7, 7)
    # scikit-learn's bound is that of its last E-step but one.
    assert em_pass.ours(PROBLEM, 6).log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-6)


def test_a_case_tells_of_each_peer_and_of_the_limit(monkeypatch):
    def missing(*_, **__):
        raise UnavailableError("Rscript is not on the PATH")

    monkeypatch.setattr(rscript, "run", missing)
    results = list(em_pass.of_case(Scale(rounds=1), PROBLEM, 3, {scikit.NAME: None, "mclust": None}))
    assert [getattr(result, "peer", result) for result in results] == [
        scikit.NAME,
        Remark(PROBLEM.label, "mclust not measured: Rscript is not on the PATH"),
        em_pass.LIMIT,
    ]
    assert all(result.quantity is SECONDS_A_PASS for result in results if isinstance(result, Figure))


def test_the_limit_is_the_slower_of_reading_and_reckoning():
    limits = Limits(doubles_read=10.0, multiply_adds=100.0, exponentials=5.0)
    assert limits.seconds_a_pass(n=10, d=2, n_components=3) == pytest.approx(max(2.0, 30 * 10 / 100 + 30 / 5))
    assert Limits(1.0, 1e9, 1e9).seconds_a_pass(10, 2, 3) == 20.0


def test_the_machine_has_limits():
    limits = measure(PROBLEM.X)
    assert all(math.isfinite(rate) and rate > 0 for rate in (limits.doubles_read, limits.multiply_adds, limits.exponentials))


def test_whole_fits_reach_the_same_optimum():
    X = standardised("faithful")
    ours = em_fit.ours(X, 2, 0).log_likelihood
    tolerance, theirs = em_fit.tolerance_for(X, 2, ours)
    assert theirs.log_likelihood == pytest.approx(ours, abs=em_fit.SAME)
    assert tolerance <= em_fit.FIRST / len(X)


def test_effective_draws_do_not_depend_on_labels():
    rng, X = np.random.default_rng(0), numbers("faithful")
    weights = rng.dirichlet([20.0, 30.0], (2, 100))
    means = np.array([[2.0, 54.0], [4.3, 80.0]]) + 0.1 * rng.standard_normal((2, 100, 2, 2))
    covariances = np.broadcast_to(np.diag([0.1, 30.0]), (2, 100, 2, 2, 2)) * rng.uniform(0.9, 1.1, (2, 100, 2, 1, 1))
    swap = rng.permuted(np.tile([0, 1], (2, 100, 1)), axis=-1)
    switched = [
        np.take_along_axis(a, swap.reshape(swap.shape + (1,) * (a.ndim - 3)), axis=2) for a in (weights, means, covariances)
    ]
    assert smallest_bulk_ess(X, weights, means, covariances) == pytest.approx(smallest_bulk_ess(X, *switched))
    draws = bg.Mixture.from_parameters(weights[1, 7], means[1, 7], covariances[1, 7])
    total = log_likelihood(X, Draws(weights, means, np.array(covariances), find_structure("full")))
    assert total[1, 7] == pytest.approx(draws.log_density(X).sum())


def test_arrays_come_back_from_files_as_they_went(tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4)
    rscript.write(tmp_path / "in", {"array": array, "number": 3})
    found = rscript.read(tmp_path / "in")
    np.testing.assert_array_equal(found["array"], array)
    assert found["number"].tolist() == [3.0]
    assert (tmp_path / "in" / "array.bin").read_bytes()[8:16] == np.float64(
        12.0
    ).tobytes()  # R's order: the first index is fastest


def test_our_own_name_is_the_packages():
    assert bg.__name__ == OURS
