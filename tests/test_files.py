import errno
import os
import stat

import pytest

from bayesgmm.files import UnreadableError, read_sealed, require_free, write_sealed, write_whole


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "r.html"
    path.write_bytes(b"old")
    return path


def test_a_good_write_replaces(target):
    write_whole(target, b"n", memoryview(b"ew"))
    assert target.read_bytes() == b"new"
    assert listed(target.parent) == ["r.html"]


@pytest.mark.parametrize(
    ("number", "cure"),
    [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some space"), (errno.EIO, "write to another place")],
)
def test_a_failed_write_leaves_the_old_file_and_says_what_to_do(target, monkeypatch, number, cure):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=f"r.html could not be written: {os.strerror(number)}.*as it was: {cure}"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert listed(target.parent) == ["r.html"]


def test_an_interrupted_write_leaves_the_old_file(target, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert listed(target.parent) == ["r.html"]


def test_content_is_on_the_disk_before_it_takes_the_place_of_the_old(target, monkeypatch):
    events, fsync = [], os.fsync

    def synced(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        events.append((kind, target.read_bytes()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    write_whole(target, b"new")
    assert events == [("file", b"old"), ("folder", b"new")]


def test_links_and_permissions_stay(target, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(target)
    target.chmod(0o640)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


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


def test_devices_are_not_replaced():
    with pytest.raises((FileExistsError, PermissionError)):
        require_free(os.devnull, force=True)


def test_a_seal_shows_any_change(tmp_path):
    path = tmp_path / "sealed"
    write_sealed(path, b"content")
    whole = path.read_bytes()
    assert read_sealed(path) == whole
    assert whole.startswith(b"content")
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UnreadableError, match="checksum at its end"):
            read_sealed(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableError, match="cut short"):
            read_sealed(path)
