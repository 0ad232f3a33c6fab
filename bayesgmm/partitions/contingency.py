"""Partitions beside each other, in Numba: their labels in one order, and the table of what their clusters share."""

import numpy as np

from bayesgmm.partitions.clusters import jit


@jit
def in_order(allocations, n_components):
    """Labels of each draw numbered in the order of their first rows, (S, n), and how many there are, (S,)."""
    out, numbers = np.empty(allocations.shape, np.int16), np.zeros(len(allocations), np.int64)
    for s in range(len(allocations)):
        places = np.full(n_components, -1)
        for i in range(allocations.shape[1]):
            k = allocations[s, i]
            if places[k] < 0:
                places[k] = numbers[s]
                numbers[s] += 1
            out[s, i] = places[k]
    return out, numbers


@jit
def joint_sums(partitions, numbers, labels, f):
    """sum_kl f(n_kl) of the table of these labels with each partition, (S,)."""
    out, n_labels = np.zeros(len(partitions)), labels.max() + 1
    table = np.empty(n_labels * numbers.max(), np.int64)
    for s in range(len(partitions)):
        used = n_labels * numbers[s]
        for entry in range(used):
            table[entry] = 0
        for i in range(len(labels)):
            table[labels[i] * numbers[s] + partitions[s, i]] += 1
        for entry in range(used):
            out[s] += f[table[entry]]
    return out


@jit
def of_rows(problem, clusters):
    r"""What each row shares with the others, four arrays (n,).

    The mean probability that it is together with the others of its cluster, NaN where there is none; which other cluster it is
    together with most, -1 where there is none, and with what mean probability; and in bits
    E log2 {n_k n_l / n_kl^2}, with the sizes of its cluster k, of its cell l of a draw and of what they share.
    """
    n, n_draws = problem.labels.shape
    number, nobody = clusters.number[0], np.nan
    together, nearest, with_nearest, uncertainty = np.empty(n), np.empty(n, np.int64), np.empty(n), np.empty(n)
    sizes = np.zeros(problem.n_cells)
    for cell in range(problem.n_cells):
        for k in range(number):
            sizes[cell] += clusters.counts[cell, k]
    for i in range(n):
        own, bits, shared = clusters.labels[i], 0.0, np.zeros(number)
        for s in range(n_draws):
            cell = problem.offsets[s] + problem.labels[i, s]
            for k in range(number):
                shared[k] += clusters.counts[cell, k]
            bits += np.log2(clusters.sizes[own] * sizes[cell] / float(clusters.counts[cell, own]) ** 2)
        others = clusters.sizes[own] - 1
        together[i] = (shared[own] / n_draws - 1.0) / others if others else nobody
        uncertainty[i], nearest[i], with_nearest[i] = bits / n_draws, -1, nobody
        for k in range(number):
            mean = shared[k] / n_draws / clusters.sizes[k]
            if k != own and not mean <= with_nearest[i]:
                nearest[i], with_nearest[i] = k, mean
    return together, nearest, with_nearest, uncertainty
