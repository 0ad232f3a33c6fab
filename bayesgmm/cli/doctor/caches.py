"""Where compiled code is kept: without it every process compiles anew, which takes longer than most fits."""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bayesgmm.cli.doctor.problems import Problem

LEAST_FREE = 200e6  # bytes
KERNELS = "kernels (Numba)"
CURES = {
    KERNELS: "Set NUMBA_CACHE_DIR to a folder that may be written to.",
    "PyTensor": "Set PYTENSOR_FLAGS=base_compiledir=FOLDER with a folder that may be written to.",
}


@dataclass(frozen=True)
class Cache:
    """A folder of compiled code.

    Attributes
    ----------
    what : str
        What is kept there.
    path : Path
    patterns : tuple of str
        Which of its files those are.
    """

    what: str
    path: Path
    patterns: tuple[str, ...]

    @property
    def exists(self) -> bool:
        """Whether the folder is there yet."""
        return self.path.is_dir()

    @property
    def _there(self) -> Path:
        """The folder, or the nearest one above it that is there."""
        return next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())

    @property
    def is_writable(self) -> bool:
        """Whether a file can be made there; asked by making one, for permissions do not tell of read-only disks."""
        try:
            with tempfile.TemporaryFile(dir=self._there):
                return True
        except OSError:
            return False

    @property
    def free(self) -> int:
        """Bytes that are free on its disk."""
        return shutil.disk_usage(self._there).free

    @property
    def _files(self) -> Iterator[os.stat_result]:
        for pattern in self.patterns:
            for file in self.path.glob(pattern):
                if file.is_file():
                    yield file.stat()

    @property
    def n_files(self) -> int:
        """How many files of that kind there are."""
        return sum(1 for _ in self._files)

    @property
    def size(self) -> int:
        """Bytes in them."""
        return sum(file.st_size for file in self._files)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with it."""
        cure = CURES.get(self.what, CURES["PyTensor"])
        if not self.is_writable:
            return [
                Problem(f"The folder {self.path} may not be written to, so that {self.what} are compiled in each process.", cure)
            ]
        if self.free < LEAST_FREE:
            return [
                Problem(f"Only {self.free / 1e6:.0f} MB are free for compiled code in {self.path}.", f"Free some, or: {cure}")
            ]
        return []


def find() -> list[Cache]:
    """All folders where this process keeps compiled code; those of PyTensor where it can be imported."""
    folders = sorted(_kernel_folders())
    found = [Cache(KERNELS, folder, ("*.nbi", "*.nbc")) for folder in folders]
    try:
        nuts = importlib.import_module("bayesgmm.engines.nuts.machine_code").folder()
    except Exception:  # whatever a broken installation raises; the trials tell it
        return found
    return [*found, Cache("NUTS", nuts, ("*.code",)), Cache("PyTensor", nuts.parent, ("compiledir*/**/*", "numba/**/*"))]


def _kernel_folders() -> set[Path]:
    """Where Numba keeps what is compiled of the modules that are loaded: it decides for each source file."""
    modules = [module for name, module in sys.modules.items() if name.startswith("bayesgmm.")]
    kept = (getattr(function, "_cache", None) for module in modules for function in list(vars(module).values()))
    folders = (getattr(cache, "cache_path", None) for cache in kept)
    return {Path(folder) for folder in folders if isinstance(folder, str)}
