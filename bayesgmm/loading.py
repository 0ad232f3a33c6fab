"""Loading: whatever was saved becomes again what it was, or the file is refused in a sentence."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from bayesgmm.em import EMResult
from bayesgmm.files import UnreadableError, read_sealed
from bayesgmm.mfm import MfmPosterior
from bayesgmm.posterior import Posterior
from bayesgmm.saving import em, mfm, posterior


def _posterior(content: bytes) -> Posterior | MfmPosterior:
    kind, tree = posterior.opened(content, (posterior.KIND, mfm.KIND))
    return MfmPosterior(*mfm.unpack(tree)) if kind == mfm.KIND else Posterior(*posterior.unpack(tree))


FORMATS: Mapping[bytes, Callable[[bytes], EMResult | Posterior | MfmPosterior]] = {
    em.BEGINS: lambda content: EMResult(*em.unpack(content)),
    posterior.BEGINS: _posterior,
}


def load(path: str | os.PathLike[str]) -> EMResult | Posterior | MfmPosterior:
    """Read what the ``save`` methods of EMResult, Posterior and MfmPosterior wrote, whatever the file is called.

    The content is checked: numbers that cannot be a fit of the data in the file are refused.

    Parameters
    ----------
    path : path
        Read into memory as a whole.

    Returns
    -------
    EMResult, Posterior or MfmPosterior
        Equal to what was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is something else, damaged, or from a newer bayesgmm.
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"There is no file {file}.")
    try:
        return _read(file)
    except UnreadableError as error:
        raise ValueError(f"{file} cannot be loaded: {_on_one_line(error)}.") from error
    except PermissionError:
        raise PermissionError(f"{file} may not be read: its permissions forbid it.") from None
    except MemoryError as error:
        raise ValueError(f"{file} cannot be loaded: it does not fit into memory.") from error
    except Exception as error:  # whatever libraries raise at bytes that they did not write
        told = f"{type(error).__name__}: {_on_one_line(error)[:200]}"
        raise ValueError(f"{file} cannot be loaded: it is not what its first bytes say that it is ({told}).") from error


def _read(file: Path) -> EMResult | Posterior | MfmPosterior:
    if not file.is_file():
        raise UnreadableError("it is a folder, not a file" if file.is_dir() else "it is a device or a pipe, not a file")
    with file.open("rb") as stream:
        start = stream.read(8)
    if not start:
        raise UnreadableError("it is empty")
    for begins, unpack in FORMATS.items():
        if start.startswith(begins):
            return unpack(read_sealed(file))
    raise UnreadableError(f"it was not saved by bayesgmm: it begins with {start!r}")


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
