from pathlib import Path

import pytest

from bayesgmm.files import require_free, whole_file


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "r.html"
    target.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    with pytest.raises(FileNotFoundError), whole_file(target):
        pass  # the writer never began
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"), whole_file(target) as part:
        part.write_text("new")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_a_good_write_replaces(tmp_path):
    target = tmp_path / "r.html"
    target.write_text("old")
    with whole_file(target) as part:
        part.write_text("new")
    assert target.read_text() == "new"


def test_what_may_not_be_written_is_told_before(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("precious")
    with pytest.raises(FileExistsError, match="--force"):
        require_free(taken)
    assert require_free(taken, force=True) == taken
    with pytest.raises(FileNotFoundError, match="no folder"):
        require_free(tmp_path / "nowhere" / "r.html")
    with pytest.raises(NotADirectoryError, match="is a file"):
        require_free(taken / "r.html")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        require_free(tmp_path)
