"""Pace: how far EM has come and how long it may still take, told while it climbs."""

import importlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Any, Self

from bayesgmm.climb import Climb

PATIENCE = 1.0  # seconds of work before anything is shown: what is done by then needs no telling


class Pace:
    """A line about the climb that was last a pass farther; it goes away when all is done.

    Parameters
    ----------
    n_observations : int
        Rows of a pass.
    shown : bool
    """

    def __init__(self, n_observations: int, shown: bool) -> None:
        self._n, self._shown, self._lock = n_observations, shown, Lock()
        self._began, self._n_passes = time.perf_counter(), 0
        self._line: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._line is not None:
            self._line.stop()

    def __call__(self, climbs: Sequence[Climb], climb: Climb) -> None:
        """Another pass was made, by one of the climbs."""
        if not self._shown:
            return
        with self._lock:
            self._n_passes += 1
            seconds = time.perf_counter() - self._began
            if seconds > PATIENCE:
                self._tell(told(climbs, climb, self._n_passes, self._n, seconds))

    def _tell(self, sentence: str) -> None:
        if self._line is None:
            self._line = importlib.import_module("bayesgmm.progress").progress_line()  # costs an import, which few fits wait for
            self._line.add_task(sentence)
            self._line.start()
        self._line.update(0, description=sentence)

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """While all rows are read for something else; time spent so is not the passes'."""
        began = time.perf_counter()
        if self._shown:
            self._tell(f"{what} ({self._n:,} rows)")
        yield
        self._began += time.perf_counter() - began


def told(climbs: Sequence[Climb], climb: Climb, n_passes: int, n_observations: int, seconds: float) -> str:
    """How far it is: passes, rows a second, objective and time left."""
    one_of = f" {climbs.index(climb) + 1} of {len(climbs)}" if len(climbs) > 1 else ""
    parts = [f"EM{one_of}: pass {climb.n_passes}", f"{n_passes * n_observations / seconds:,.0f} rows/s"]
    if climb.has_begun:
        parts.append(f"objective {climb.objective:,.2f}")
    left = climb.passes_to_come * seconds / n_passes
    if math.isfinite(left):
        parts.append(f"about {left:,.0f} s left")
    return ", ".join(parts)
