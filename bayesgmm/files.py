"""Files that are written: nothing is overwritten unasked, and each is written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def require_free(output: str | os.PathLike[str], force: bool = False) -> Path:
    """The path, if a file may be written there.

    Raises
    ------
    FileExistsError
        If something is there and ``force`` is False.
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
    if target.exists() and not force:
        raise FileExistsError(f"{target} exists already: name another file, or replace it with force=True (--force).")
    return target


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A sibling path to write to, which becomes the target when the block ends well; otherwise the target stays as it was."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
