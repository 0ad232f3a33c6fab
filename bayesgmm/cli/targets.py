"""Files out: where a command may write."""

from pathlib import Path

from bayesgmm.files import require_free

STDOUT = Path("-")


def free_target(output: Path, force: bool, data: Path | None) -> Path:
    """Where a command may write: a file that is not there yet, or may be replaced and is not the data themselves.

    Raises
    ------
    OSError, ValueError
        If it may not; before anything is computed.
    """
    if output == STDOUT:
        raise ValueError("This output is a file, not a stream: name one, or take --json for one document on standard output.")
    target = require_free(output, force)
    if data is not None and target.exists() and data.exists() and target.samefile(data):
        raise FileExistsError(f"{target} is the data themselves: name another file to write.")
    return target
