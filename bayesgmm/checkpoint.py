"""Checkpoint: how far EM has come, kept in a file, from which a fit that was cut off goes on."""

import json
import os
import warnings
import zipfile
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from threading import Lock

import numpy as np

from bayesgmm.climb import Climb, Run
from bayesgmm.files import UnreadableError, read_sealed, require_free, write_sealed
from bayesgmm.observations import PACKAGE, Observations
from bayesgmm.race import winner
from bayesgmm.saving.em import pack, unpack
from bayesgmm.specification import Specification

SAME = 1e-9  # relative difference of moments that other ways of adding the same rows make


class CheckpointWarning(UserWarning):
    """How far a fit has come could not be kept."""


class Checkpoint:
    """A file that holds the runs of a fit as they were some passes ago: written whole or not at all, and never with the rows.

    Parameters
    ----------
    path : path
        What is there must be a checkpoint of the same fit, or nothing.
    every : int
        Passes after which it is written.
    """

    def __init__(
        self, path: str | os.PathLike[str], every: int, observations: Observations, specification: Specification, tolerance: float
    ) -> None:
        self.path, self.every = require_free(Path(path), force=True), every
        self._observations, self._specification, self._tolerance = observations, specification, tolerance
        self._lock, self._n_passes, self._is_stopped = Lock(), 0, False

    def runs(self) -> tuple[Run, ...]:
        """The runs that are in the file; none where there is no file.

        Raises
        ------
        ValueError
            If the file is something else, or of another fit.
        """
        if not self.path.exists():
            return ()
        try:
            specification, observations, _, runs, *_ = unpack(read_sealed(self.path))
        except UnreadableError as error:
            raise ValueError(f"{self.path} is no checkpoint to go on from: {error}.") from error
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:  # what libraries raise at bytes of others
            raise ValueError(
                f"{self.path} is no checkpoint to go on from, but something else ({type(error).__name__}): name another file."
            ) from error
        other = self._difference(specification, observations)
        if other:
            raise ValueError(
                f"{self.path} is the checkpoint of another fit: {other}. Name another file, or delete this one to begin anew."
            )
        return runs

    def __call__(self, climbs: Sequence[Climb], _: Climb) -> None:
        """Another pass was made: write the file if it is time."""
        with self._lock:
            self._n_passes += 1
            if self._n_passes % self.every == 0 and not self._is_stopped:
                self.write([climb.run() for climb in takewhile(lambda climb: climb.has_begun, climbs)], len(climbs))

    def write(self, runs: Sequence[Run], n_starts: int) -> None:
        """Write how far the first of so many starts have come.

        Warns
        -----
        CheckpointWarning
            If the file cannot be written, which is no reason to lose what has been found.
        """
        if not runs:
            return
        best = winner(runs, self._tolerance)
        content = pack(self._specification, self._observations, best, runs, n_starts, with_rows=False)
        try:
            write_sealed(self.path, content)
        except OSError as error:
            self._is_stopped = True
            warnings.warn(
                f"The fit goes on without further checkpoints. {error}", CheckpointWarning, skip_file_prefixes=(PACKAGE,)
            )

    def _difference(self, specification: Specification, observations: Observations) -> str:
        """What its fit has otherwise than this one, or nothing."""
        mine, its = self._observations, observations
        if json.loads(specification.to_json()) != json.loads(self._specification.to_json()):
            return f"it fits {specification}, not {self._specification}"
        if its.names != mine.names:
            return f"it has columns {', '.join(its.names)}, not {', '.join(mine.names)}"
        if its.n_observations != mine.n_observations:
            return f"it has {its.n_observations:,} rows, not {mine.n_observations:,}"
        alike = (
            np.allclose(its.mean, mine.mean, rtol=SAME, atol=SAME * np.sqrt(mine.covariance.diagonal()).max()),
            np.allclose(its.covariance, mine.covariance, rtol=SAME, atol=SAME * np.abs(mine.covariance).max()),
        )
        if not all(alike):
            return "its rows have other means or covariances"
        return "" if its.fingerprint == mine.fingerprint else "it has other row weights or labels"
