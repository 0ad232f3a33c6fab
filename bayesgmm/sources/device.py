"""Rows in the memory of a GPU, or of whatever device JAX computes on; JAX is loaded when rows are put there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import ROUNDING, Block, Components, Source, Sums
from bayesgmm.sources.stored import Stored
from bayesgmm.sources.streamed import Blocks
from bayesgmm.sources.survey import Survey
from bayesgmm.validation import told

type Array = NDArray[np.float64]

ONES = np.ones(1)  # the weight of every row, where none are given
ROUNDINGS = {"float64": ROUNDING, "float32": 3e-9}  # by what rows are kept in


class OnDevice(Source):
    r"""A table whose rows are put into a device's memory once and stay there, where JAX makes EM's passes over them.

    All else, from checks and starts to densities of rows, is done with rows that are copied back block by block. It needs
    ``bayesgmm[jax]``, and a GPU if it is to be worth it: on a CPU, JAX takes several times as long as the package by itself.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features), or Source
    dtype : {"float64", "float32"}
        What rows are kept in and passes compute in. With float64, results are those of the same rows in memory to rounding.
    device : jax.Device, optional
        None: JAX's default.
    names : sequence of str, optional
        Of columns that have none.

    Raises
    ------
    ImportError
        If there is no JAX.
    ValueError
        If a value is missing, infinite or beyond double precision.

    Notes
    -----
    With float32, rows take half the memory, and most GPUs a small part of the time. Rows are kept about the middle of each
    feature's range, in units of about that range, so that neither a mean of 1e8 nor a unit of 1e-30 costs digits. They are
    rounded to 3e-8 of the range, and so kept they are the data. Sums over blocks are added in float64. Errors from computing in
    float32 stay below

    - 1e-7 of a log-likelihood,
    - 1e-6 times the number of rows in expected counts; and times a feature's range in sums, and the product of two in scatter.

    As smaller gains are noise, EM ends where the objective gains less than 3e-9 of its size, whatever ``tolerance`` asks. In what
    was tried (500 to 1,000,000 rows, groups well apart and not) it then was within 0.25 standard errors of the optimum of the
    same rows in each mean, mostly within 0.001; with ``accelerate=False`` within one. Where that is not enough, exact passes go
    on from there: ``fit_em(X, K, start=fit_em(OnDevice(X, "float32"), K))``. All this is so for correlations of up to 0.999 in a
    component, and standard deviations of no less than 1e-4 of a feature's range; errors grow with the inverse of
    :math:`\sqrt{1 - \rho^2}` and of that share, and beyond need float64.

    Examples
    --------
    >>> from bayesgmm import OnDevice, fit_em, load_dataset
    >>> em = fit_em(OnDevice(load_dataset("faithful")), n_components=2)
    >>> round(em.log_likelihood, 3)
    -1130.264
    """

    def __init__(self, X: Any, dtype: Any = "float64", device: Any = None, names: Sequence[str] | None = None) -> None:
        self._kernels, self.dtype = _jax_kernels(), _kept_in(dtype)
        self.rounding = ROUNDINGS[self.dtype]
        source = X if isinstance(X, Source) else Blocks(lambda: [X], names)
        self.names = source.names
        survey = source.survey()
        self._n_rows = survey.n_rows
        self._units = Units.of(survey) if self.dtype == "float32" else Units.plain(len(self.names))
        held = np.empty((survey.n_rows, len(self.names)), self.dtype)
        for rows, values in Stored(source, survey.n_rows).mapped(_numbered):
            held[rows] = self._units.held(values)
        self._device, self._held = device, self._kernels.placed(held, device)
        self._beside: tuple[Array, Any] = ONES, self._kernels.placed(ONES.astype(self.dtype), device)

    def blocks(self) -> Iterator[Block]:
        """By runs of rows, copied back."""
        for first in range(0, self._n_rows, self.block_rows):
            held = self._kernels.fetched(self._held, first, min(self._n_rows, first + self.block_rows))
            yield Block.within(self._units.given(held), "The device", first)

    def survey(self, *weights: Array) -> Survey:
        """The same each time: these rows do not change."""
        return super().survey(*weights) if weights else self._surveyed

    @cached_property
    def _surveyed(self) -> Survey:
        return super().survey()

    def e_step(self, components: Components, *weights: Array) -> Sums:
        """A pass by JAX on the device, with row weights that are put there once for as long as they are the same array."""
        constants, means, factors = components
        placed = self._placed(weights[0] if weights else ONES)
        exact = constants - constants.max(), *self._units.components(means, factors)
        rounded = [part.astype(self.dtype).astype(np.float64) for part in exact]
        log_likelihood, counts, sums, scatter = self._kernels.whitened_statistics(self._held, placed, *rounded)
        # What rounding the components has changed is made good, for it is as large as gains that are looked for: of constants and
        # factors to first order, by derivatives that are among the sums; of means, which hardly matter near an optimum, only
        # what they are the reference of.
        possible = np.isfinite(constants)  # a component of weight 0 is not
        log_likelihood = log_likelihood + counts[possible] @ (constants[possible] - rounded[0][possible])
        inverses = _inverse(rounded[2])
        slopes = scatter * inverses if factors.ndim == 2 else inverses.mT @ scatter
        log_likelihood -= (slopes * (exact[2] - rounded[2])).sum()
        sums, scatter = _unwhitened(sums, scatter, inverses)
        sums -= counts[:, None] * (exact[1] - rounded[1])
        return Sums(self._n_rows, float(log_likelihood), counts, *self._units.moments(sums, scatter))

    def _placed(self, weights: Array) -> Any:
        if weights is not self._beside[0]:
            self._beside = weights, self._kernels.placed(weights.astype(self.dtype), self._device)
        return self._beside[1]


@dataclass(frozen=True, eq=False)
class Units:
    """What features are measured in where rows are kept.

    Attributes
    ----------
    centre : ndarray of shape (n_features,)
    scales : ndarray of shape (n_features,)
        Powers of two, by which nothing is rounded.
    """

    centre: Array
    scales: Array

    @classmethod
    def plain(cls, n_features: int) -> Self:
        """The data's own."""
        return cls(np.zeros(n_features), np.ones(n_features))

    @classmethod
    def of(cls, survey: Survey) -> Self:
        """Such that all rows lie between -1 and 1."""
        low, high = survey.extents
        return cls(low + 0.5 * (high - low), np.ldexp(1.0, np.frexp(high - low)[1]))

    def held(self, values: Array) -> Array:
        """Rows (n, d) as they are kept."""
        return (values - self.centre) / self.scales

    def given(self, held: NDArray[Any]) -> Array:
        """Rows in the data's units."""
        return self.centre + self.scales * held.astype(np.float64)

    def components(self, means: Array, factors: Array) -> tuple[Array, Array]:
        """Means (K, d), and factors (K, d) or (K, d, d) by whose product with residuals a row's density is told."""
        scales = self.scales if factors.ndim == 2 else self.scales[:, None]
        return (means - self.centre) / self.scales, factors * scales

    def moments(self, sums: Array, scatter: Array) -> tuple[Array, Array]:
        """Sums and scatter about the means in the data's units."""
        return sums * self.scales, scatter * (self.scales**2 if scatter.ndim == 2 else np.outer(self.scales, self.scales))


def _inverse(factors: Array) -> Array:
    """Of each component's factor; nothing for noise, whose factor is zero."""
    diagonal = factors if factors.ndim == 2 else np.diagonal(factors, axis1=1, axis2=2)
    is_noise = (diagonal == 0).all(axis=1)
    if factors.ndim == 2:
        return np.where(is_noise[:, None], 0.0, 1 / np.where(is_noise[:, None], 1.0, factors))
    one = np.eye(factors.shape[-1])
    return np.where(is_noise[:, None, None], 0.0, np.linalg.inv(np.where(is_noise[:, None, None], one, factors)))


def _unwhitened(sums: Array, scatter: Array, inverses: Array) -> tuple[Array, Array]:
    """Sums and symmetric scatter of x from those of L' x."""
    if inverses.ndim == 2:
        return sums * inverses, scatter * inverses**2
    plain = inverses.mT @ scatter @ inverses
    return np.einsum("kji,kj->ki", inverses, sums), 0.5 * (plain + plain.mT)


def _numbered(rows: slice, values: Array) -> tuple[slice, Array]:
    return rows, values


def _kept_in(dtype: Any) -> str:
    try:
        name: str = np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in ROUNDINGS:
        raise ValueError(f"dtype must be one of {', '.join(map(repr, ROUNDINGS))}, got {told(dtype)}.")
    return name


def _jax_kernels() -> ModuleType:
    try:
        from bayesgmm import jax_kernels
    except ImportError:
        raise ImportError("Rows are put on a device by JAX: install it, or bayesgmm[jax].") from None
    return jax_kernels
