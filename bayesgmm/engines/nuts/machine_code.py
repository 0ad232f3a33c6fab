"""Machine code of C callbacks, kept on disk under a key that says all about it.

Numba's own cache derives its key from a Python function, which must exist first: here that means deriving and rewriting a graph,
which takes longer than to draw. This one is asked before there is a function. Each key has a file of its own, written whole or
not at all, with a checksum: processes may write at once, and a damaged file is as good as none. Uses private functions of Numba:
``CFunc._cache``, ``CompileResult._reduce`` and ``_rebuild`` (checked with 0.62 to 0.68).
"""

import contextlib
import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytensor
from numba.core.ccallback import CFunc
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

MOST_FILES = 500  # of some 100 kB each; the oldest go first
DIGEST = hashlib.sha256
_compiled: dict[str, "Callback"] = {}


def callback(key: str, signature: Any, make: Callable[[], Callable[..., Any]]) -> "Callback":
    """The compiled callback of this key, from memory, from disk, or else from the function that ``make`` returns."""
    if key not in _compiled:
        _compiled[key] = Callback(Kept(folder() / f"{key}.code"), signature, make)
    return _compiled[key]


def folder() -> Path:
    """Where the files lie: beside what PyTensor keeps."""
    return Path(pytensor.config.base_compiledir) / "bayesgmm"


class Callback(CFunc):
    """A C callback whose Python function is made only if there is no machine code yet.

    Without fastmath, as code inlined when fresh and linked when cached would round differently.
    """

    def __init__(self, kept: "Kept", signature: Any, make: Callable[[], Callable[..., Any]]) -> None:
        super().__init__(make, (signature.args, signature.return_type), locals={}, options={})
        self.make, self.signature, self._cache = make, signature, kept
        with pytensor.config.change_flags(numba__fastmath=False):
            self.compile()

    def _compile_uncached(self) -> Any:
        try:
            return self._from_function()
        except Exception:  # PyTensor's and Numba's caches, which may be damaged, are not needed
            with pytensor.config.change_flags(numba__cache=False):
                return self._from_function()

    def _from_function(self) -> Any:
        plain: Any = CFunc(self.make(), (self.signature.args, self.signature.return_type), locals={}, options={})
        return plain._compile_uncached()


@dataclass
class Kept:
    """Machine code in a file, in the form that Numba takes for a cache."""

    path: Path

    def load_overload(self, _signature: Any, context: Any) -> Any:
        """The compiled code; None where there is none that is whole."""
        context.refresh()
        with contextlib.suppress(Exception):
            content = self.path.read_bytes()
            size = DIGEST().digest_size
            if DIGEST(content[size:]).digest() == content[:size]:
                return CompileResult._rebuild(context, *pickle.loads(content[size:]))  # noqa: S301 - as Numba does
        return None

    def save_overload(self, _signature: Any, code: Any) -> None:
        """Keep compiled code, if it and the folder allow that."""
        if code.library.has_dynamic_globals:
            return
        self.write(dumps(code._reduce()))

    def write(self, content: bytes) -> None:
        """Put a whole file in the place of what was there."""
        part = self.path.with_suffix(f".{uuid4().hex}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(DIGEST(content).digest() + content)
            part.replace(self.path)
            for old in sorted(self.path.parent.iterdir(), key=lambda file: file.stat().st_mtime)[:-MOST_FILES]:
                old.unlink()
