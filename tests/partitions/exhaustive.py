"""All partitions of a few rows, and losses between partitions by other formulas than the package's: row by row, pair by pair."""

import numpy as np


def all_partitions(n):
    """Every partition of n rows once, as labels numbered in the order of their first rows: shape (Bell number, n)."""
    rows = np.zeros((1, 1), int)
    for _ in range(n - 1):
        counts = rows.max(axis=1) + 2
        rows = np.repeat(rows, counts, axis=0)
        rows = np.column_stack([rows, np.concatenate([np.arange(count) for count in counts])])
    return rows


def _shared(codes):
    """With how many rows each row shares its code, itself among them."""
    return (codes[:, :, None] == codes[:, None, :]).sum(axis=-1)


def losses_from(partitions, z):
    """Losses of many partitions (P, n) from one, by their names."""
    n = partitions.shape[1]
    pairs = np.triu_indices(n, 1)
    n_pairs = max(len(pairs[0]), 1)
    joined = partitions[:, pairs[0]] == partitions[:, pairs[1]]
    joined_there = z[pairs[0]] == z[pairs[1]]
    number, number_there = joined.sum(axis=1), joined_there.sum()
    by_chance, most = number * number_there / n_pairs, (number + number_there) / 2
    with np.errstate(invalid="ignore"):
        index = ((joined & joined_there).sum(axis=1) - by_chance) / (most - by_chance)
    return {
        "vi": np.log2(_shared(partitions) * _shared(z[None]) / _shared(partitions * n + z) ** 2).mean(axis=1),
        "binder": (joined != joined_there).sum(axis=1) / n_pairs,
        "omari": 1 - np.where(most == by_chance, 1.0, index),
    }


def expected_losses(partitions, drawn):
    """Mean losses of many partitions (P, n) from drawn ones (S, n), by their names."""
    each = [losses_from(partitions, z) for z in drawn]
    return {name: np.mean([losses[name] for losses in each], axis=0) for name in each[0]}


def posteriors(n, n_draws=60):
    """Drawn partitions of n rows, from nearly sure ones to such as know nothing: by name, arrays (n_draws, n)."""
    rng = np.random.default_rng(n)
    halves, thirds = np.arange(n) % 2, np.arange(n) * 3 // n
    crossed = np.array([halves, thirds])[rng.integers(0, 2, n_draws)]

    def noisy(labels, share):
        return np.where(rng.random((n_draws, n)) < share, rng.integers(0, 4, (n_draws, n)), labels)

    weights = rng.dirichlet(np.full(5, 0.5), n_draws)
    return {
        "nearly sure": noisy(thirds, 0.1),
        "doubtful": noisy(thirds, 0.4),
        "two opinions": crossed,
        "two doubtful opinions": noisy(crossed, 0.25),
        "nothing known": rng.integers(0, 4, (n_draws, n)),
        "sizes differ": (rng.random((n_draws, n, 1)) > weights.cumsum(axis=1)[:, None, :-1]).sum(axis=-1),
        "no two alike": np.array([rng.permutation(n) % k for k in rng.integers(1, n + 1, n_draws)]),
    }
