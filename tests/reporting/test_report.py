"""report(): nothing is overwritten, nothing is fitted in vain, and a file is whole or not there."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.observations import Observations
from bayesgmm.reporting import analysis as analysis_module

X = np.random.default_rng(0).standard_normal((30, 2))


@pytest.fixture
def swept(monkeypatch, one_feature):
    """A sweep that costs nothing."""
    calls = []

    def sweep(*arguments, **settings):
        calls.append((arguments, settings))
        return one_feature.selection

    monkeypatch.setattr(analysis_module, "sweep", sweep)
    return calls


def test_writes_and_returns_the_path(tmp_path, swept):
    path = bg.report(X, n_components=[1], output=tmp_path / "out.html", draws=7, source="mine")
    assert path == tmp_path / "out.html"
    assert "Gaussian mixture report: mine" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]
    assert swept[0][1] == {"draws": 7}


def test_refuses_before_fitting(tmp_path, swept):
    taken = tmp_path / "taken.html"
    taken.write_text("precious")
    with pytest.raises(FileExistsError, match=r"force=True \(--force\)"):
        bg.report(X, output=taken)
    with pytest.raises(FileNotFoundError, match="no folder"):
        bg.report(X, output=tmp_path / "nowhere" / "r.html")
    with pytest.raises(NotADirectoryError):
        bg.report(X, output=taken / "r.html")
    with pytest.raises(IsADirectoryError):
        bg.report(X, output=tmp_path, force=True)
    assert not swept
    assert taken.read_text() == "precious"


def test_rows_that_are_not_in_memory_are_refused_before_fitting_and_a_sample_is_not(tmp_path, swept):
    observations = Observations.from_data(bg.Blocks(lambda: [X[:20], X[20:]]))
    with pytest.raises(ValueError, match=r"the 30 rows of .* are not in memory: .* report a sample"):
        bg.report(observations, output=tmp_path / "r.html")
    assert not swept
    assert not list(tmp_path.iterdir())
    bg.report(observations.sample(20, np.random.default_rng(0)), output=tmp_path / "r.html")
    assert len(swept) == 1


def test_force_replaces(tmp_path, swept):
    taken = tmp_path / "taken.html"
    taken.write_text("old")
    bg.report(X, n_components=[1], output=taken, force=True)
    assert taken.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_command_tells_a_prior_that_is_not_the_default(one_feature, hostile):
    assert "target_accept=0.9, prior=prior, check=False, seed=0)" in one_feature.command
    assert "n_components=[2, 3], covariance='VVV', engine='nuts', draws=300" in hostile.command
    assert "prior" not in hostile.command


def test_a_report_by_gibbs_tells_its_own_settings(tmp_path):
    post = bg.fit_bayes(bg.load_dataset("faithful"), 2, engine="gibbs", draws=10, tune=10, thin=2, progress=False)
    assert {"thin": 2, "switch_labels": False}.items() <= post.settings.items()
    assert "target_accept" not in post.settings
    assert "divergences" not in str(post)
    target = bg.report(
        bg.load_dataset("faithful"), [2], output=tmp_path / "r.html", engine="gibbs", draws=200, tune=100, thin=3, progress=False
    )
    page = target.read_text(encoding="utf-8")
    assert "sweeps for each draw" in page
    assert "divergent transitions" not in page
    assert "engine=&#39;gibbs&#39;" in page
