"""Seeds, and random streams keyed by what they are for, so that no two uses of one seed share numbers."""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Seed = int | np.random.SeedSequence | np.random.Generator


class Use(IntEnum):
    """What a stream is for: the first part of its key."""

    EM_START = 0
    CHAIN_START = 1
    CHAIN = 2
    JITTER = 3
    TRUTH = 4
    SAMPLE = 5
    PRIOR = 6
    PRIOR_DATA = 7
    CHECK = 8
    NUMBER_PRIOR = 9
    EVIDENCE = 10
    REFIT = 11
    FOLDS = 12
    DENSITY_LEVEL = 13
    BOOTSTRAP = 14
    LIKELIHOOD_RATIO = 15
    TREE = 16
    ALLOCATIONS = 17
    PREDICTIVE = 18
    PARTITION = 19
    RESAMPLING = 20
    PILOT = 21
    KEPT_ROWS = 22


def seed_sequence(seed: Seed) -> np.random.SeedSequence:
    """The root of all random streams. A Generator is advanced by one draw."""
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence(int(seed.integers(2**63)))
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0:
        return np.random.SeedSequence(int(seed))
    raise TypeError(f"seed must be an integer of at least 0, a SeedSequence or a Generator, got {seed!r}.")


def child(seed: np.random.SeedSequence, use: Use, *index: int) -> np.random.SeedSequence:
    """The seed of a task, keyed by its use and index."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, use, *index))


def stream(seed: np.random.SeedSequence, use: Use, *index: int) -> np.random.Generator:
    """The random stream of a task, keyed by its use and index and so independent of when and where it runs."""
    return np.random.default_rng(child(seed, use, *index))


def describe(seed: np.random.SeedSequence) -> dict[str, Any]:
    """The seed as plain JSON values, from which the same streams can be made again."""
    return {"entropy": seed.entropy, "spawn_key": list(seed.spawn_key)}


def folds(n: int, n_folds: int, seed: np.random.SeedSequence) -> list[NDArray[np.int64]]:
    """Random parts of n rows, of nearly equal size: the same for everything that leaves rows out by one seed."""
    shuffled = stream(seed, Use.FOLDS).permutation(n)
    return [np.sort(shuffled[first::n_folds]) for first in range(n_folds)]
