"""A fit that was cut off goes on from its checkpoint to where it would have come."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.checkpoint import CheckpointWarning
from bayesgmm.climb import Status
from bayesgmm.mixture import Mixture
from bayesgmm.sources import Blocks, Source


class CutOffError(Exception):
    """The machine is gone."""


@pytest.fixture(scope="module")
def rows():
    return bg.simulate(2000, 3, 2, 1.5, seed=5)[0]


def cut_off_after(monkeypatch, n_passes):
    """Let EM fail in a later pass."""
    left, whole = [n_passes], Mixture.expected_statistics

    def failing(mixture, observations):
        left[0] -= 1
        if left[0] < 0:
            raise CutOffError
        return whole(mixture, observations)

    monkeypatch.setattr(Mixture, "expected_statistics", failing)


@pytest.mark.parametrize("n_passes", [12, 60])  # of several starts, of which not all have begun; or all
def test_it_goes_on_where_it_was_cut_off(rows, tmp_path, monkeypatch, n_passes):
    path = tmp_path / "fit.nc"
    whole = bg.fit_em(rows, 3, n_init=4)
    with monkeypatch.context() as patch:
        cut_off_after(patch, n_passes)
        with pytest.raises(CutOffError):
            bg.fit_em(rows, 3, n_init=4, checkpoint=path, checkpoint_every=5)
    early = bg.load(path)
    assert early.partial
    assert early.n_starts == 4
    assert early.n_passes == n_passes // 5 * 5
    late = bg.fit_em(rows, 3, n_init=4, checkpoint=path)
    assert late.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-6)
    assert [run.origin for run in late.runs] == [run.origin for run in whole.runs]
    assert late.n_passes < whole.n_passes
    again = bg.fit_em(rows, 3, n_init=4, checkpoint=path)
    assert again.best.n_passes <= 5


def test_rows_are_not_in_it(rows, tmp_path):
    source = Blocks(lambda: [rows])
    em = bg.fit_em(source, 3, checkpoint=tmp_path / "fit.nc", sample_weight=np.linspace(0.5, 1.5, len(rows)))
    em.save(tmp_path / "saved")
    assert (tmp_path / "fit.nc").stat().st_size < 30_000
    for path in ("fit.nc", "saved"):
        loaded = bg.load(tmp_path / path)
        assert loaded.status is Status.CONVERGED
        assert loaded.bic == em.bic
        assert loaded.observations.is_stored
        np.testing.assert_array_equal(loaded.observations.mean, em.observations.mean)
        np.testing.assert_array_equal(loaded.mixture.log_density(rows), em.mixture.log_density(rows))
        assert "ICL" not in str(loaded)
        with pytest.raises(ValueError, match="does not hold the 2,000 rows of a source of the kind Blocks"):
            _ = loaded.icl


def test_the_checkpoint_of_another_fit_is_refused(rows, tmp_path):
    path = tmp_path / "fit.nc"
    bg.fit_em(rows, 2, checkpoint=path)
    for match, data, k in [
        ("it fits", rows, 3),
        ("it has 2,000 rows, not 1,999", rows[1:], 2),
        ("its rows have other means or covariances", np.roll(rows, 1, axis=1), 2),
    ]:
        with pytest.raises(ValueError, match=f"the checkpoint of another fit: {match}"):
            bg.fit_em(data, k, checkpoint=path)
    other = bg.fit_bayes(rows[:100], 1, draws=10, tune=10, progress=False)
    other.save(tmp_path / "posterior.nc")
    with pytest.raises(ValueError, match="no checkpoint to go on from, but something else"):
        bg.fit_em(rows, 2, checkpoint=tmp_path / "posterior.nc")
    path.write_bytes(b"PK\x03\x04 and what not")
    with pytest.raises(ValueError, match="no checkpoint to go on from"):
        bg.fit_em(rows, 2, checkpoint=path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        bg.fit_em(rows, 2, checkpoint=tmp_path / "none" / "fit.nc")


def test_whatever_is_known_of_rows_resumes(rows, tmp_path, monkeypatch):
    """Labels, missing cells, noise and weights; which are no part of the file, and those of another fit are refused."""
    path, gaps = tmp_path / "fit.nc", rows.copy()
    gaps[::7, 0] = np.nan
    known = {"labels": np.where(np.arange(2000) < 9, 0, -1), "sample_weight": np.linspace(0.5, 1.5, 2000)}
    model = {"allow_missing": True, "noise": True, "n_init": 2, "tolerance": 1e-2, "checkpoint": path}
    with monkeypatch.context() as patch:
        cut_off_after(patch, 12)
        with pytest.raises(CutOffError):
            bg.fit_em(gaps, 2, checkpoint_every=5, **model, **known)
    early = bg.load(path)
    assert early.observations.total_weight == pytest.approx(2000)
    late = bg.fit_em(gaps, 2, **model, **known)
    assert late.history[0] >= early.objective - 1e-6
    for other in ({}, {"labels": known["labels"]}, known | {"sample_weight": known["sample_weight"][::-1]}):
        with pytest.raises(ValueError, match=r"of another fit: (it has other row weights or labels|its rows have other means)"):
            bg.fit_em(gaps, 2, **model, **other)


def test_a_disk_that_is_full_loses_nothing(rows, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("bayesgmm.checkpoint.write_sealed", full)
    with pytest.warns(CheckpointWarning, match=r"goes on without further checkpoints\. No space left"):
        em = bg.fit_em(rows, 3, n_init=2, checkpoint=tmp_path / "fit.nc")
    assert em.converged


def test_a_source_resumes_too(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 600)
    path, source = tmp_path / "fit.nc", Blocks(lambda: [rows])
    slow = {"accelerate": False, "tolerance": 0.01, "checkpoint": path, "checkpoint_every": 1}
    start = bg.fit_em(rows[:300], 3).mixture
    with monkeypatch.context() as patch:
        cut_off_after(patch, 5)
        with pytest.raises(CutOffError):
            bg.fit_em(source, 3, start=start, **slow)
    early = bg.load(path).objective
    late = bg.fit_em(source, 3, start=start, **slow)
    assert late.history[0] == early
    assert late.converged
