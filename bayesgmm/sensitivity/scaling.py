"""Power-scaling on arrays: how far quantities move when a log density of each draw counts a little more or less."""

import warnings

import arviz as az
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

type Array = NDArray[np.float64]

ALPHAS = (0.99, 1.01)  # the powers, as in the paper
DIMS = ("chain", "draw")
MOST_ROTATIONS = 3  # of the chains, from which chance is told


def normal_scores(quantities: Array) -> Array:
    """Each quantity of (n_chains, n_draws, n_quantities) made standard normal by its ranks, by Blom's formula.

    The distance that tells the sensitivity depends on the transform that a quantity is told in; on this one it does not.
    """
    flat = quantities.reshape(-1, quantities.shape[-1])
    ranks = rankdata(flat, axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(quantities.shape))


def is_flat(log_density: Array) -> bool:
    """Whether a log density is the same at all draws, but for rounding: its powers are all alike."""
    return bool(np.ptp(log_density) <= 1e-12 * max(1.0, np.abs(log_density).max()))


def sensitivity(quantities: Array, log_density: Array) -> Array:
    """The sensitivity of each quantity (n_quantities,) of (n_chains, n_draws, n_quantities) to the power of a density."""
    if is_flat(log_density):
        return np.zeros(quantities.shape[-1])
    groups = {
        "posterior": xr.Dataset({"quantity": ((*DIMS, "row"), quantities)}),
        "log_prior": xr.Dataset({"raised": (DIMS, log_density)}),  # whatever it is: one sum a draw is all that it needs
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of short tails: pareto_k tells how good the weights are
        found = az.psense(xr.DataTree.from_dict(groups), group="prior", sample_dims=list(DIMS), alphas=ALPHAS)
    return np.asarray(found["quantity"].to_numpy())


def noise(quantities: Array, log_density: Array) -> Array:
    """The sensitivity that chance alone would show, (n_quantities,): each chain's draws with the density of another chain.

    Autocorrelation is that of the chains themselves. One chain is held against its own other half.
    """
    n_chains, n_draws = log_density.shape
    if n_chains > 1:
        rotated = [np.roll(log_density, r, axis=0) for r in range(1, min(n_chains - 1, MOST_ROTATIONS) + 1)]
    else:
        rotated = [np.roll(log_density, n_draws // 2, axis=1)]
    return np.asarray(np.mean([sensitivity(quantities, other) for other in rotated], axis=0))


def shift(quantities: Array, log_density: Array) -> tuple[Array, Array]:
    """By how many standard deviations each mean moves for a doubling of the power, to first order, and its standard error."""
    each = (quantities - quantities.mean(axis=(0, 1))) * (log_density - log_density.mean())[..., None]
    units = np.log(2) / quantities.std(axis=(0, 1))
    if is_flat(log_density):
        return np.zeros(len(units)), np.zeros(len(units))
    return each.mean(axis=(0, 1)) * units, np.asarray(az.mcse(each)) * units


def pareto_k(log_density: Array) -> float:
    """The larger Pareto k of the weights of the two powers; NaN where they are all alike."""
    if is_flat(log_density):
        return np.nan
    draws = xr.DataArray(log_density, dims=DIMS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return max(float(((1 - alpha) * draws).azstats.psislw(dim=list(DIMS))[1]) for alpha in ALPHAS)


def largest_good_k(n_draws: int) -> float:
    """The Pareto k up to which so many draws are enough (Vehtari et al. 2024)."""
    return float(min(1 - 1 / np.log10(n_draws), 0.7))
