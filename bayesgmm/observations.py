"""Observations: the only form of data that kernels and engines take, built once at the door and frozen."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.rowwise import known_labels, row_weights
from bayesgmm.sources import ROUNDING, Source, Statistics, Stored, Sums, Survey, source_of
from bayesgmm.table import Table, blocks, extents
from bayesgmm.validation import listed

RANGES = 1e-140, 1e140  # of features: products of two, times a number of rows, stay within double precision
LEAST_SHARE = 1e-20  # of a variance in the squared range
COLLINEAR = 1e10  # condition number of the correlation matrix
LEAST_EIGENVALUE = 1e-3  # of correlations that are put together from pairs of columns with missing cells
FLAT = 0.1  # entry of a unit vector from which a feature counts as part of a direction
PACKAGE = str(Path(__file__).parent) + os.sep


class DataWarning(UserWarning):
    """Data that can be fitted, but that cannot tell all that is asked of them."""

    @classmethod
    def tell(cls, sentence: str) -> None:
        """Warn at the line that called the package."""
        warnings.warn(sentence, cls, skip_file_prefixes=(PACKAGE,))


@dataclass(frozen=True, eq=False)
class Observations:
    """Data as the engines see them.

    Attributes
    ----------
    values : ndarray of shape (n_observations, n_features)
        Finite, NaN where a cell is missing; float64, C order, read-only. The caller's memory where it already has that form.
        Where they are not in memory it is ``bayesgmm.sources.Stored``.
    weights : ndarray of shape (n_observations,)
        How often each row counts; a view of a single 1.0 where none were given.
    names : tuple of str
        One name a feature.
    labels : ndarray of int64, shape (n_observations,), or None
        The component of each row, -1 where it is not known; None where nobody knows any.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    names: tuple[str, ...]
    labels: NDArray[np.int64] | None = None

    @classmethod
    def from_data(
        cls,
        X: Any,
        sample_weight: Any = None,
        names: Sequence[str] | None = None,
        labels: Any = None,
        allow_missing: bool = False,
    ) -> Self:
        """Check data of any accepted form.

        Parameters
        ----------
        X : array-like of shape (n_observations, n_features) or (n_observations,), pandas or polars DataFrame or Series, or Source
            Numeric data. One-dimensional data are one feature. Observations pass as they are. A source, or a Dask array or
            DataFrame, is read once to check it.
        sample_weight : array-like of shape (n_observations,), optional
            Non-negative row weights: an integer weight is the same as repeating the row.
        names : sequence of str, optional
            Names of the features where ``X`` has none; ``x1, x2, ...`` otherwise.
        labels : array-like of shape (n_observations,), optional
            The component of each row, -1 where it is not known.
        allow_missing : bool
            Take NaN, None, NA and masked entries as cells that are missing.

        Raises
        ------
        TypeError
            If ``X`` is no table.
        ValueError
            If values are missing, infinite or beyond double precision, a column is not numeric or does not vary, or shapes do not
            fit.
        """
        if isinstance(X, cls):
            if sample_weight is None and labels is None:
                return X
            known = X.labels if labels is None else known_labels(labels, X.n_observations)
            weights = X.weights if sample_weight is None else row_weights(sample_weight, X.n_observations)
            observations = replace(X, weights=weights, labels=known)
        elif (source := source_of(X)) is not None:
            if labels is not None:
                raise ValueError("Known labels are not taken with rows that are not in memory: read them into an array first.")
            observations = cls.stored(source, sample_weight)
        else:
            table = Table.of(X, names, allow_missing)
            values = table.values.view()
            values.flags.writeable = False
            n = len(values)
            observations = cls(values, row_weights(sample_weight, n), table.names, known_labels(labels, n))
        observations._require_variation()
        return observations

    @classmethod
    def stored(cls, source: Source, sample_weight: Any = None) -> Self:
        """The rows of a source, read once to check and to measure them."""
        weights = None if sample_weight is None else row_weights(sample_weight, np.size(sample_weight))
        survey = source.survey(*([] if weights is None else [weights]))
        values: Any = Stored(source, survey.n_rows)
        observations = cls(values, row_weights(weights, survey.n_rows), source.names)
        told = {"_plain_extents": survey.extents, "mean": survey.mean, "covariance": survey.covariance}
        vars(observations).update(told, total_weight=survey.total_weight)
        return observations

    @property
    def description(self) -> str:
        """Where the rows are."""
        return "an array in memory" if self._stored is None else self._stored.source.description

    @property
    def survey(self) -> Survey:
        """What is measured of all rows, as a source tells it."""
        total = self.total_weight
        return Survey(self.n_observations, total, self._extents, self.mean, self.covariance * total)

    @property
    def fingerprint(self) -> str:
        """A digest of row weights and labels, for they may be as many as rows; empty where there are none."""
        if self._stored is not None and self._stored.source.fingerprint:
            return self._stored.source.fingerprint
        parts: list[NDArray[Any]] = [self.weights] if self.is_weighted else []
        parts += [] if self.labels is None else [self.labels]
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest() if parts else ""

    @property
    def is_stored(self) -> bool:
        """Whether rows are read from elsewhere each time."""
        return self._stored is not None

    @property
    def _stored(self) -> Stored | None:
        values: Any = self.values
        return values if isinstance(values, Stored) else None

    def mapped[T](self, task: Callable[["Observations"], T]) -> Iterator[T]:
        """What a task gives for all rows, part by part, each in memory: one part where all are, blocks of a source."""
        if self._stored is None:
            yield task(self)
        else:
            yield from self._stored.mapped(partial(_on_part, task, self.names), *self._along)

    def has_rows_of(self, other: "Observations") -> bool:
        """Whether these are the same rows; of rows that are not in memory, whether the same was measured."""
        if not self.is_stored and not other.is_stored:
            return np.array_equal(self.values, other.values)
        known = ((each.n_observations, each.ranges.tolist(), each.midranges.tolist()) for each in (self, other))
        return len(set(map(repr, known))) == 1

    def parts(self) -> Iterator["Observations"]:
        """All rows, part by part, each in memory."""
        if self._stored is None:
            yield self
            return
        for rows, values in self._stored.here():
            yield _on_part(_itself, self.names, rows, values, *(part[rows] for part in self._along))

    def reduced[T](self, task: Callable[["Observations"], T]) -> T:
        """The sum of what a task gives for all parts."""
        if self._stored is None:
            return task(self)
        return self._stored.reduced(partial(_on_part, task, self.names), *self._along)

    def over_rows[T](self, task: Callable[[slice, NDArray[np.float64]], T]) -> T:
        """The sum of what a task gives for all rows, by their numbers and their values."""
        if self._stored is None:
            return task(slice(0, self.n_observations), self.values)
        return self._stored.reduced(task)

    def e_step(self, log_constants: NDArray[np.float64], means: NDArray[np.float64], factors: NDArray[np.float64]) -> Statistics:
        """EM's pass over complete rows, wherever they are: what ``kernels.expected_statistics`` makes of components."""
        if self._stored is None:
            return kernels.threaded_statistics(self.values, self.weights, log_constants, means, factors)
        return self._stored.e_step((log_constants, means, factors), *self._along)

    @property
    def rounding(self) -> float:
        """Share of a log-likelihood below which differences are noise of the sum over rows."""
        return ROUNDING if self._stored is None else self._stored.source.rounding

    @property
    def _along(self) -> tuple[NDArray[np.float64], ...]:
        """What goes along with the rows of a source."""
        return (self.weights,) if self.is_weighted else ()

    def abreast(self, most: int, n_components: int, is_diagonal: bool) -> int:
        """How many fits, of so many at most, are best made at a time: see ``kernels.passes_abreast``."""
        if self.is_stored:  # a source is read by one at a time
            return 1
        return kernels.passes_abreast(most, self.n_observations, self.n_features, n_components, is_diagonal)

    def sample(self, n: int, rng: np.random.Generator) -> Self:
        """Some rows that count, drawn without replacement, in memory and in their order; all where there are no more.

        Those of a source are held to be as extended and as varied as all.
        """
        if n >= self.n_observations and not self.is_stored:
            return self
        candidates = np.flatnonzero(self.weights > 0) if self.is_weighted else self.n_observations
        size = min(n, np.size(candidates) if self.is_weighted else self.n_observations)
        found = self.rows(np.sort(rng.choice(candidates, size=size, replace=False)))
        if self.is_stored:  # in which a column may not vary that varies among all
            vars(found).update(_plain_extents=self._plain_extents, mean=self.mean, covariance=self.covariance)
        return found

    @property
    def n_observations(self) -> int:
        """n: rows, whatever their weights."""
        return len(self.values)

    @property
    def n_features(self) -> int:
        """d."""
        return len(self.names)

    @cached_property
    def total_weight(self) -> float:
        """sum_i v_i: the n of BIC."""
        return float(self.weights.sum())

    @cached_property
    def is_weighted(self) -> bool:
        """Whether some row counts other than once."""
        return self.weights.strides != (0,) and bool((self.weights != 1).any())

    @cached_property
    def has_missing(self) -> bool:
        """Whether some cell is missing."""
        if self.is_stored:
            return False
        if self.is_weighted:  # rows of weight zero have no part in the extents
            return any(np.isnan(self.values[rows]).any() for rows in blocks(self.values))
        return bool(np.isnan(self._plain_extents).any())

    @cached_property
    def _plain_extents(self) -> NDArray[np.float64]:
        least, most = np.stack(list(self.mapped(_plain_extents)), axis=1)
        return np.stack([least.min(axis=0), most.max(axis=0)])

    @property
    def is_labelled(self) -> bool:
        """Whether the component of some row is known."""
        return self.labels is not None

    @cached_property
    def patterns(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64], int]]:
        """Rows of which the same is known: where they stand, their known features, and their component or -1."""
        labels = np.full(self.n_observations, -1) if self.labels is None else self.labels
        keys = np.column_stack([np.isnan(self.values), labels])
        patterns, which = np.unique(keys, axis=0, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        rows = np.split(order, np.cumsum(np.bincount(which.ravel()))[:-1])
        return [(each, np.flatnonzero(pattern[:-1] == 0), int(pattern[-1])) for each, pattern in zip(rows, patterns, strict=True)]

    @cached_property
    def pieces(self) -> kernels.Pieces:
        """The rows as the kernel takes them where some cells are missing or some components known."""
        cut = [
            (rows[first : first + kernels.PIECE], known, label)
            for rows, known, label in self.patterns
            for first in range(0, len(rows), kernels.PIECE)
        ]
        features = np.full((len(cut), self.n_features), -1)
        for p, (_, known, _) in enumerate(cut):
            features[p, : len(known)] = known
        return kernels.Pieces(
            values=np.concatenate([self.values[np.ix_(rows, known)].ravel() for rows, known, _ in cut]),
            weights=np.ascontiguousarray(self.weights[np.concatenate([rows for rows, _, _ in cut])]),
            starts=np.cumsum([0, *(len(rows) * len(known) for rows, known, _ in cut)]),
            rows=np.cumsum([0, *(len(rows) for rows, _, _ in cut)]),
            known=features,
            labels=np.array([label for _, _, label in cut]),
        )

    @cached_property
    def filled(self) -> Self:
        """Each missing cell at its mean given the row's others under one normal: for starts, and for nothing else."""
        if not self.has_missing:
            return self
        values = self.values.copy()
        for rows, known, _ in self.patterns:
            missing = np.setdiff1d(np.arange(self.n_features), known)
            slopes = np.linalg.solve(self.covariance[np.ix_(known, known)], self.covariance[np.ix_(known, missing)])
            centred = self.values[np.ix_(rows, known)] - self.mean[known]
            values[np.ix_(rows, missing)] = self.mean[missing] + centred @ slopes
        return replace(self, values=values)

    def distinct_rows(self, most: int) -> int:
        """How many distinct rows count; ``most`` where there are as many or more."""
        distinct = np.empty((0, self.n_features))
        for some in self.mapped(partial(_distinct, most)):
            distinct = np.unique(np.concatenate([distinct, some]), axis=0)
            if len(distinct) >= most:
                return most
        return len(distinct)

    @property
    def ranges(self) -> NDArray[np.float64]:
        """R_j = max - min of each feature, shape (d,)."""
        return np.asarray(self._extents[1] - self._extents[0])

    @cached_property
    def midranges(self) -> NDArray[np.float64]:
        """m_j = halfway between min and max of each feature, shape (d,)."""
        return np.asarray(self._extents[0] + 0.5 * self.ranges)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Weighted mean, shape (d,)."""
        # about a point among the rows, so that no digits are lost far from 0
        sums, weights = self.reduced(partial(_first_moments, self.midranges))
        return np.asarray(self.midranges + sums / weights)

    @cached_property
    def covariance(self) -> NDArray[np.float64]:
        """Weighted covariance of all rows, divided by their total weight, shape (d, d).

        Where cells are missing, of the rows that have both features, drawn towards no correlation as far as that is needed.
        """
        squares, weights = self.reduced(partial(_second_moments, self.mean))
        return _drawn_apart(squares / np.maximum(weights, 1e-300)) if self.has_missing else squares / weights

    def centred(
        self, centre: NDArray[np.float64]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        """Block by block, which cells are known (not looked at where all are), what is left of a centre, and row weights."""
        for rows in blocks(self.values):
            centred, v = self.values[rows] - centre, np.ascontiguousarray(self.weights[rows])
            if self.has_missing:
                yield (~np.isnan(centred)).astype(np.float64), np.nan_to_num(centred, nan=0.0), v
            else:
                yield centred, centred, v

    @property
    def is_collinear(self) -> bool:
        """Whether some features are all but linear combinations of others."""
        return self._collinearity[0] > COLLINEAR

    @cached_property
    def _collinearity(self) -> tuple[float, NDArray[np.float64]]:
        """The condition number of the correlation matrix, and the direction in which features vary least."""
        scales = np.sqrt(self.covariance.diagonal())
        eigenvalues, vectors = np.linalg.eigh(self.covariance / scales[:, None] / scales)
        return float(eigenvalues[-1] / max(eigenvalues[0], np.finfo(np.float64).eps)), vectors[:, 0]

    def tell_if_collinear(self) -> None:
        """Warn if some features are all but linear combinations of others, on which a full covariance has no density."""
        condition, least = self._collinearity
        if self.is_collinear:
            DataWarning.tell(
                f"Columns {self._listed(np.abs(least) > FLAT)} are all but linear combinations of one another: the "
                f"condition number of their correlations is {condition:.0e}. Leave one of them out, or use covariance='diag'."
            )

    @cached_property
    def _extents(self) -> NDArray[np.float64]:
        """Least and largest value of each feature, shape (2, d)."""
        return extents(self._blocks(), self.n_features, ignore_missing=True) if self.has_missing else self._plain_extents

    def _blocks(self) -> Iterator[NDArray[np.float64]]:
        """Rows that count, block by block: a row of weight zero says nothing, not even about the range."""
        for rows in blocks(self.values):
            yield self.values[rows][self.weights[rows] > 0] if self.is_weighted else self.values[rows]

    def _require_variation(self) -> None:
        if self.has_missing and (unknown := np.isnan(self.values[self.weights > 0]).all(axis=0)).any():
            raise ValueError(f"Columns without any value: {self._listed(unknown)}. Leave them out.")
        ranges = self.ranges
        constant, beyond = ranges == 0, (ranges < RANGES[0]) | (ranges > RANGES[1])
        if constant.any():
            raise ValueError(
                f"Columns that do not vary cannot be modelled by a density: {self._listed(constant)} "
                f"({np.count_nonzero(self.weights)} rows). Leave them out or give more rows."
            )
        if beyond.any():
            wide = listed([f"{self.names[j]!r} ranges over {ranges[j]:.3g}" for j in np.flatnonzero(beyond)])
            raise ValueError(
                f"The squares of such numbers are beyond double precision: {wide}. Divide each of these columns by about its "
                f"range first (what ranges over {RANGES[0]:g} to {RANGES[1]:g} can be fitted)."
            )
        hidden = self.covariance.diagonal() < LEAST_SHARE * ranges**2
        if hidden.any():
            raise ValueError(
                f"These columns hardly vary where sample_weight lets rows count: {self._listed(hidden)}. "
                "Give weights that differ less, or leave the columns out."
            )

    def _listed(self, chosen: NDArray[np.bool_]) -> str:
        return listed([repr(name) for name, is_chosen in zip(self.names, chosen, strict=True) if is_chosen])

    def rows(self, chosen: NDArray[np.int64] | slice) -> Self:
        """Some of the rows; a slice of the values is no copy."""
        labels = None if self.labels is None else self.labels[chosen]
        return replace(self, values=self.values[chosen], weights=np.ascontiguousarray(self.weights[chosen]), labels=labels)

    def reweighted(self, weights: NDArray[np.float64]) -> Self:
        """The same rows, counted otherwise."""
        return replace(self, weights=np.ascontiguousarray(weights, dtype=np.float64))


def _itself(part: Observations) -> Observations:
    return part


def _plain_extents(part: Observations) -> NDArray[np.float64]:
    """Least and largest value of each feature, shape (2, d); NaN where one is missing."""
    return extents(part._blocks(), part.n_features)


def _distinct(most: int, part: Observations) -> NDArray[np.float64]:
    """Distinct rows that count; so many at most."""
    distinct = np.unique(next(part._blocks())[: 4 * most], axis=0)  # which tells it of almost all data
    for block in part._blocks():
        if len(distinct) >= most:
            break
        distinct = np.unique(np.concatenate([distinct, block]), axis=0)
    return distinct[:most]


def _on_part[T](
    task: Callable[[Observations], T],
    names: tuple[str, ...],
    _: slice,
    values: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> T:
    """A task on some rows of a source, as observations."""
    v = np.broadcast_to(1.0, (len(values),)) if weights is None else np.ascontiguousarray(weights)
    part = Observations(values, v, names)
    vars(part).update(has_missing=False)  # as the first reading has told: to look for it takes a third of a pass
    return task(part)


def _first_moments(centre: NDArray[np.float64], part: Observations) -> Sums:
    """Weighted sums about a centre, and the weight of what is known, each of shape (d,)."""
    sums, weights = np.zeros(part.n_features), np.zeros(part.n_features)
    for known, centred, v in part.centred(centre):
        sums += v @ centred
        weights += v @ known if part.has_missing else v.sum()
    return Sums(sums, weights)


def _second_moments(centre: NDArray[np.float64], part: Observations) -> Sums:
    """Weighted sums of products about a centre, and the weight of what is known, each of shape (d, d)."""
    squares = np.zeros((part.n_features, part.n_features))
    weights = np.zeros_like(squares)
    for known, centred, v in part.centred(centre):
        squares += (v[:, None] * centred).T @ centred
        weights += (v[:, None] * known).T @ known if part.has_missing else v.sum()
    return Sums(squares, weights)


def _drawn_apart(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same variances, with correlations no stronger than a covariance can have them."""
    scales = np.sqrt(covariance.diagonal())
    correlations = covariance / scales[:, None] / scales
    least = np.linalg.eigvalsh(correlations)[0]
    share = max(0.0, (LEAST_EIGENVALUE - least) / (1 - least)) if least < 1 else 0.0
    return ((1 - share) * correlations + share * np.eye(len(scales))) * scales[:, None] * scales
