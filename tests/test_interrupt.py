"""Ctrl-C, a real SIGINT at a moment that is counted and not timed: what is finished is returned, marked as partial."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

import bayesgmm as bg
from bayesgmm import cli, engines, selection
from bayesgmm.climb import Climb, Status
from bayesgmm.engines import nuts
from bayesgmm.engines.engine import most_draws
from bayesgmm.interruption import PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.race import FIRST
from bayesgmm.reporting import Analysis, render
from bayesgmm.selection import Candidate
from tests.handmade import drawn_around
from tests.laws import problem

FAITHFUL = bg.load_dataset("faithful")
MANY = 200_000  # draws that no chain finishes before the test looks


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """Where a shell starts tests in the background, Python ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def at_e_step(monkeypatch):
    """Ctrl-C before the E-step of this number, counted from 1."""
    whole, calls = Mixture.expected_statistics, [0]

    def interrupt_at(number):
        calls[0] = 0

        def expected_statistics(self, observations):
            calls[0] += 1
            if calls[0] == number:
                ctrl_c()
            return whole(self, observations)

        monkeypatch.setattr(Mixture, "expected_statistics", expected_statistics)

    return interrupt_at


def assert_whole(em):
    """Whatever part it is, it is consistent in itself."""
    statistics = em.mixture.expected_statistics(em.observations)
    assert em.log_likelihood == statistics.log_likelihood
    assert em.objective == em.log_likelihood + em.specification.log_prior(em.mixture, em.nuisance)
    assert em.history[-1] == em.objective
    assert any(run is em.best for run in em.runs)
    assert np.isfinite([em.bic, em.icl]).all()


def test_no_e_step_no_result(at_e_step):
    at_e_step(1)
    with pytest.raises(KeyboardInterrupt):
        bg.fit_em(FAITHFUL, 3)


def test_within_the_first_run_its_last_iterate_is_returned(at_e_step, tmp_path):
    whole = bg.fit_em(FAITHFUL, 3, n_init=1)
    at_e_step(6)
    with (
        pytest.warns(PartialWarning, match="0 of 9 starts were finished.*last iterate"),
        pytest.warns(match="before it converged"),
    ):
        em = bg.fit_em(FAITHFUL, 3, n_init=10)
    assert em.partial
    assert not em.converged
    assert em.status is Status.INTERRUPTED
    np.testing.assert_array_equal(em.history, whole.history[:5])
    assert "Partial: 0 of 9 starts" in str(em)
    assert "Interrupted after 4 iterations" in em.detail
    assert_whole(em)
    em.save(tmp_path / "em")
    assert str(bg.load(tmp_path / "em")) == str(em)
    on = bg.fit_em(FAITHFUL, 3, start=em.mixture)
    assert on.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-6)


def test_later_the_best_finished_run_is_returned(at_e_step):
    """Ctrl-C in the third start; of the first two one has ended."""
    (first,) = bg.fit_em(FAITHFUL, 2, n_init=1).runs
    at_e_step(first.n_passes + FIRST + 3)
    with pytest.warns(PartialWarning, match="1 of 6 starts were finished.*the best of them"):
        em = bg.fit_em(FAITHFUL, 2, n_init=10)
    assert em.converged
    assert em.partial
    assert [run.status for run in em.runs] == [Status.CONVERGED, Status.INTERRUPTED, Status.INTERRUPTED]
    assert [run.n_passes for run in em.runs] == [first.n_passes, FIRST, 2]
    assert em.objective == first.objective
    assert_whole(em)


def test_starts_side_by_side_stop_and_are_returned(monkeypatch):
    """Ctrl-C in the main thread while others climb: they end the pass that they are in."""
    X = problem("VVV", n=60_000, separation=1.0)[0]
    monkeypatch.setenv("BAYESGMM_THREADS", "2")
    undisturbed = bg.fit_em(X, 3, n_init=4).n_passes
    whole, calls = Climb._pass, [0]

    def counted(climb):
        whole(climb)
        calls[0] += 1
        if calls[0] == 8:
            os.kill(os.getpid(), signal.SIGINT)  # which Python hands to the main thread
            time.sleep(0.2)

    monkeypatch.setattr(Climb, "_pass", counted)
    with pytest.warns(PartialWarning, match="of 4 starts were finished"), pytest.warns(match="before it converged"):
        em = bg.fit_em(X, 3, n_init=4)
    assert em.partial
    assert calls[0] < undisturbed - 10
    assert sum(run.n_passes for run in em.runs) == calls[0]
    assert_whole(em)


def test_wherever_ctrl_c_comes_the_result_is_consistent():
    """Before each line of the climb and of the choice of the best, by a tracer that counts them."""
    X = problem("VVV", n=60, n_components=2, n_features=2)[0]

    def lines_until(stop):
        """Run with Ctrl-C at that line; how many lines there were, and the result."""
        seen = 0

        def trace(frame, event, _):
            nonlocal seen
            if not frame.f_code.co_filename.endswith(("bayesgmm/climb.py", "bayesgmm/race.py")):
                return None
            if event == "line":
                seen += 1
                if seen == stop:
                    ctrl_c()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                em = bg.fit_em(X, 2, n_init=2, max_iterations=6)
                return seen, em
        except KeyboardInterrupt:
            return seen, None
        finally:
            sys.settrace(before)

    bg.fit_em(X, 2, n_init=2)  # compiled
    finished = []
    for stop in range(1, 10_000):
        seen, em = lines_until(stop)
        if seen < stop:
            break
        finished.append(em)
        if em is not None:
            assert em.partial == ([run.status for run in em.runs] != 2 * [Status.MAX_ITERATIONS])
            assert_whole(em)
    assert len(finished) > 100
    told = "".join("." if em is None else "x" for em in finished)
    assert re.fullmatch(r"\.{1,80}x+\.{1,60}", told)  # nothing before the first E-step, and while the end result is put together


def test_which_draws_are_kept():
    assert most_draws([300, 280, 290, 0]) == ([0, 1, 2], 280)
    assert most_draws([1000, 1000, 20, 0]) == ([0, 1], 1000)
    assert most_draws([0, 4]) == ([1], 4)
    assert most_draws([10, 5]) == ([0, 1], 5)
    with pytest.raises(KeyboardInterrupt):
        most_draws([3, 3, 3])


@pytest.fixture(scope="module")
def compiled():
    """One compilation for all fits here."""
    return {}


@pytest.fixture
def fit(monkeypatch, compiled):
    """fit_bayes with Ctrl-C as soon as the condition on the numbers of finished draws holds; looked at while it polls."""
    compile_model, start, sleep = nuts.nutpie.compile_pymc_model, nuts._start, time.sleep

    def compile_once(*arguments, **keywords):
        if not compiled:
            compiled["model"] = compile_model(*arguments, **keywords)
        return compiled["model"]

    def fit_bayes(condition, wrap=lambda handle: handle, **settings):
        seen = {}

        def watched(*arguments):
            seen["done"] = arguments[5]
            return wrap(start(*arguments))

        def poll(seconds):
            if "done" in seen and condition(seen["done"]):
                del seen["done"]
                ctrl_c()
            sleep(seconds)

        monkeypatch.setattr(nuts.nutpie, "compile_pymc_model", compile_once)
        monkeypatch.setattr(nuts, "_start", watched)
        monkeypatch.setattr(nuts.time, "sleep", poll)
        options = {"engine": "nuts", "draws": MANY, "tune": 100, "chains": 2, "cores": 2, "seed": 3, "progress": False} | settings
        return bg.fit_bayes(FAITHFUL[["waiting"]], 2, covariance="spherical", **options)

    return fit_bayes


def never(_):
    return False


def test_draws_so_far_are_returned(fit, tmp_path):
    with pytest.warns(PartialWarning, match=r"2 of 2 chains had \d+ of 200000 draws"):
        post = fit(lambda done: 1.5 * (done.min() - 100) >= max(done.max() - 100, 75))  # both are kept if neither lags far
    n = min(post.n_draws, 200)
    assert post.n_chains == 2
    assert post.n_draws >= 50
    assert post.settings["partial"]
    assert post.settings["drawn"] == {"chains": 2, "draws": post.n_draws}
    assert (post.settings["chains"], post.settings["draws"]) == (2, MANY)
    whole = fit(never, draws=200)
    assert not whole.partial
    assert not whole.shortfall
    np.testing.assert_array_equal(post.draws.means[:, :n], whole.draws.means[:, :n])
    for text in (str(post), str(bg.diagnose(post)), str(bg.relabel(post))):
        assert f"Partial: Ctrl-C came when 2 of 2 chains had {post.n_draws} of 200000 draws" in text
    post.save(tmp_path / "a.nc")
    assert str(bg.load(tmp_path / "a.nc")) == str(post)
    assert "Partial" not in str(whole) + str(bg.diagnose(whole))


def test_chains_that_are_not_begun_are_dropped(fit):
    with pytest.warns(PartialWarning, match=r"1 of 2 chains had \d+ of 200000 draws"):
        post = fit(lambda done: done[0] >= 150, cores=1)
    assert post.n_chains == 1
    assert post.n_draws >= 50
    assert list(post.tree["posterior"]["chain"]) == [0]


def test_while_tuning_there_is_nothing_to_return(fit):
    with pytest.raises(KeyboardInterrupt):
        fit(lambda done: True, tune=MANY)
    assert not stopping()


def stopping():
    """Threads that wait for chains to stop."""
    return [thread for thread in threading.enumerate() if "stop" in thread.name]


def test_a_second_ctrl_c_goes_through_at_once(fit):
    released, returned = threading.Event(), []

    class Slow:
        """A chain in a transition that takes long."""

        def __init__(self, handle):
            self.handle = handle

        def __getattr__(self, name):
            return getattr(self.handle, name)

        def abort(self):
            os.kill(os.getpid(), signal.SIGINT)
            released.wait(60)
            returned.append(self.handle.abort())

    try:
        with pytest.raises(KeyboardInterrupt):
            fit(lambda done: done.min() >= 150, wrap=Slow, chains=1)
        assert not returned
    finally:
        released.set()
        for thread in stopping():
            thread.join()


@pytest.fixture(scope="module")
def fits():
    ems = {k: bg.fit_em(FAITHFUL, k) for k in (1, 2, 3)}
    return {k: Candidate(em, drawn_around(em)) for k, em in ems.items()}


@pytest.fixture
def interrupted_sweep(monkeypatch, fits):
    """Fits that cost nothing, with Ctrl-C while K components are fitted by EM or by MCMC."""

    def at(k, what):
        def fit_em(_, n_components, *__, **___):
            if (n_components, what) == (k, "em"):
                ctrl_c()
            return fits[n_components].em

        def fit_bayes(_, n_components, *__, **___):
            if (n_components, what) == (k, "bayes"):
                warnings.warn("part", PartialWarning, stacklevel=2)
                return drawn_around(fits[n_components].em, partial=True)
            return fits[n_components].posterior

        monkeypatch.setattr(selection, "fit_em", fit_em)
        monkeypatch.setattr(selection, "fit_bayes", fit_bayes)

    return at


@pytest.mark.parametrize("what", ["em", "bayes"])
def test_finished_numbers_of_components_are_returned(interrupted_sweep, what):
    interrupted_sweep(2, what)
    with pytest.warns(PartialWarning, match="K = 1 was finished; K = 2, 3 is missing"):
        table = bg.select_n_components(FAITHFUL, [1, 2, 3])
    assert list(table.index) == [1]
    interrupted_sweep(1, what)
    with pytest.raises(KeyboardInterrupt):
        bg.select_n_components(FAITHFUL, [1, 2, 3])


def test_a_report_on_a_part_says_so(interrupted_sweep, tmp_path):
    interrupted_sweep(3, "em")
    with pytest.warns(PartialWarning):
        page = bg.report(FAITHFUL, [1, 2, 3], tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("K = 1, 2 was finished; K = 3 is missing") == 2
    assert "n_components=[1, 2, 3]" in page.replace("&#39;", "'")


def test_a_report_on_a_partial_posterior_says_so(fits):
    drawn = {"chains": 3, "draws": 20}
    post = drawn_around(fits[2].em, partial=True, drawn=drawn, draws=1000, chains=4)
    page = render(Analysis.of(selection.Selection({2: Candidate(fits[2].em, post)})))
    assert page.count("Partial: Ctrl-C came when 3 of 4 chains had 20 of 1000 draws") == 2
    assert "3 chains of 20, after 10 for tuning, of 4 of 1,000 asked for" in page


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def assert_one_sentence(result):
    assert result.exit_code == 130
    assert result.stderr == "Interrupted: the command was not finished, and no file is half written.\n"


@pytest.mark.parametrize("number", [1, 4])
def test_a_command_ends_with_a_sentence(at_e_step, number):
    at_e_step(number)
    assert_one_sentence(run("fit"))


def test_a_command_that_writes_leaves_the_old_file(interrupted_sweep, monkeypatch, tmp_path):
    path = tmp_path / "r.html"
    path.write_text("precious")
    interrupted_sweep(3, "em")
    assert_one_sentence(run("report", "--components", "1:4", "--output", path, "--force"))
    interrupted_sweep(3, "bayes")
    assert_one_sentence(run("select", "--components", "1:4"))
    interrupted_sweep(0, "")
    monkeypatch.setattr(os, "fsync", lambda _: ctrl_c())
    assert_one_sentence(run("report", "--components", "1:4", "--output", path, "--force"))
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]
    assert path.read_text() == "precious"


def test_a_partial_posterior_ends_a_command(monkeypatch, fits, tmp_path):
    def interrupted(*_, **__):
        post = drawn_around(fits[2].em, partial=True)
        warnings.warn("part", PartialWarning, stacklevel=2)
        return post

    monkeypatch.setattr(engines, "fit_bayes", interrupted)
    assert_one_sentence(run("fit", "--output", tmp_path / "a.nc"))
    assert not list(tmp_path.iterdir())


COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from bayesgmm import cli
from bayesgmm.mixture import Mixture
from bayesgmm.race import FIRST
whole, calls = Mixture.expected_statistics, []
def expected_statistics(self, observations):
    calls.append(1)
    if len(calls) == 5:
        signal.raise_signal(signal.SIGINT)
    return whole(self, observations)
Mixture.expected_statistics = expected_statistics
import sys
sys.argv = ["bayesgmm", "report", "--quiet"]
cli.main()
"""


def test_the_process_ends_with_code_130(tmp_path):
    ended = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "Interrupted: the command was not finished, and no file is half written.\n"
    assert not list(tmp_path.iterdir())
