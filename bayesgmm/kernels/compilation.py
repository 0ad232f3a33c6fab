"""How the kernels are compiled: without the interpreter's lock, kept on disk, and to the same bits every time."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

HERE = Path(__file__).parent


def sources(folder: Path) -> str:
    """A hash of the Python files in a folder."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))).hexdigest()


SOURCES = sources(HERE)


def compiler(*folders: Path) -> Callable[[Any], Any]:
    """A decorator that compiles functions which may call the kernels and what stands in these folders, their own among them.

    No fastmath, as code inlined when fresh and linked when cached would round differently. Compiled functions are kept on disk
    under a key of the folders and of the kernels: Numba's own key sees the file of the function alone, but compiled code holds
    what it calls from other files, and an edit there would leave old machine code in use, with buffers of other sizes.
    """
    key = (*map(sources, folders), SOURCES)

    class Cache(FunctionCache):
        def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
            return (*super()._index_key(sig, codegen), *key)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            with suppress(Exception):  # a damaged file is as good as none
                return super().load_overload(sig, target_context)

        def save_overload(self, sig: Any, data: Any) -> None:
            with suppress(Exception):
                super().save_overload(sig, data)

    def jit(function: Any) -> Any:
        dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
        dispatcher._cache = Cache(function)
        return dispatcher

    return jit


jit = compiler(HERE)
inlined: Any = numba.njit(inline="always", error_model="numpy")
"""Compile as a part of the calling function: for what is called once for a few rows, where counting arrays' users would cost, and
for steps of a long function, which would be compiled once by themselves and again at each level that calls them."""
