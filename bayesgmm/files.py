"""Files: nothing is overwritten unasked, each is written whole or not at all, and a saved fit shows whether it is still whole.

This floor knows bytes and paths, not what they mean.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Buffer
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SEAL_BEGINS, SEAL_ENDS = b"\nsha256 ", b" bayesgmm\n"  # around the last bytes of a fit, over which netCDF and zip readers pass
SEAL_LENGTH = len(SEAL_BEGINS) + 64 + len(SEAL_ENDS)


class UnreadableError(ValueError):
    """Why a file is refused when it is read: a clause in which it is "it"."""


def require_free(output: str | os.PathLike[str], force: bool = False) -> Path:
    """The path, if a file may be written there.

    Raises
    ------
    FileExistsError
        If something is there and ``force`` is False, or if it is no ordinary file.
    FileNotFoundError, NotADirectoryError
        If its folder does not exist or is a file.
    IsADirectoryError
        If it is a folder itself.
    """
    target = Path(output)
    folder = target.parent
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: name a file to write.")
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder} to write {target.name} into: make it first or name another.")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, not a folder, so {target.name} cannot be written into it.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"The folder {folder} may not be written to: name another place for {target.name}.")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"{target} is a device or a pipe, which cannot be replaced by a file: name a file to write.")
    if target.exists() and not force:
        raise FileExistsError(f"{target} exists already: name another file, or replace it with force=True (--force).")
    return target


def write_whole(target: Path, *parts: Buffer) -> None:
    """Write a file complete and on the disk, or not at all; what was there stays until the new file takes its place.

    Raises
    ------
    OSError
        If it cannot be written, such as on a full disk.
    """
    final = Path(os.path.realpath(target))  # a symbolic link goes on pointing to the file
    part = final.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            for content in parts:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if final.exists():
            shutil.copymode(final, part)
        part.replace(final)
    except OSError as error:
        raise OSError(_told(target, error, sum(memoryview(content).nbytes for content in parts))) from error
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(final.parent)


def write_sealed(target: Path, content: Buffer) -> None:
    """Write a whole file that ends in a checksum of its content."""
    write_whole(target, content, _seal(content))


def read_sealed(path: Path) -> bytes:
    """The bytes that :func:`write_sealed` wrote, with their seal.

    Raises
    ------
    UnreadableError
        If the file has no seal or does not fit it.
    """
    content = path.read_bytes()
    seal = content[-SEAL_LENGTH:]
    if not (seal.startswith(SEAL_BEGINS) and seal.endswith(SEAL_ENDS)):
        raise UnreadableError("it was cut short, or written or changed by another program: the checksum at its end is missing")
    if seal != _seal(memoryview(content)[:-SEAL_LENGTH]):
        raise UnreadableError("it is damaged: its content does not fit the checksum at its end")
    return content


def _seal(content: Buffer) -> bytes:
    return SEAL_BEGINS + hashlib.sha256(content).hexdigest().encode() + SEAL_ENDS


def _told(target: Path, error: OSError, n_bytes: int) -> str:
    cure = "free some space or write to another place" if error.errno in FULL else "write to another place"
    return (
        f"{target} could not be written: {error.strerror or error} ({n_bytes / 1e6:,.1f} MB were to be written). "
        f"Nothing in memory is lost, and what was there before is as it was: {cure}."
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename outlast a power cut, where the platform can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
