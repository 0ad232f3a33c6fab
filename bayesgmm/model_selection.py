"""Which mixture: EM for each number of components and covariance structure, by BIC and ICL, on one page."""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayesgmm import initialisation
from bayesgmm.agglomeration import NORMAL, WARD, Agglomeration, whitening
from bayesgmm.climb import Settings, Status
from bayesgmm.covariance import STRUCTURES, Spherical, find_structure
from bayesgmm.em import ABILITIES, EMResult, best_of
from bayesgmm.interruption import PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.noise import Noise
from bayesgmm.observations import Observations
from bayesgmm.pilot import Pilot
from bayesgmm.prior import Prior
from bayesgmm.progress import progress_bar
from bayesgmm.specification import Specification
from bayesgmm.starts import default_starts, from_mixture
from bayesgmm.streams import Seed, Use, seed_sequence, stream
from bayesgmm.validation import known_name, non_negative, positive_integer, positive_integers

CRITERIA = ("bic", "icl")
SHOWN = 3  # models that are printed
FORMATS = {"n_parameters": "{:.0f}".format, "smallest_count": "{:.1f}".format, "eigenvalue_ratio": "{:.1e}".format}
NEAR_TIE = 2.0  # difference in BIC that Kass & Raftery (1995, doi:10.1080/01621459.1995.10476572) call barely worth a mention
TREES = {"hc": (NORMAL, True), "ward": (WARD, True), "ward, own units": (WARD, False)}  # ridge, and whether rows are whitened
FLAT = 1e-3  # ratio of eigenvalues below which a component may be an accident of few rows

type Cell = tuple[str, int]


@dataclass(frozen=True, eq=False)
class ModelSelection:
    """EM fits of several covariance structures and numbers of components.

    Attributes
    ----------
    fits : dict of (str, int) to EMResult
        By structure and number of components, where EM could begin.
    reasons : dict of (str, int) to str
        Why a cell has no criteria.
    criterion : str
        By which ``best`` is best.
    missing : tuple of (str, int)
        Cells that were asked for and not fitted, since Ctrl-C came first.
    """

    fits: Mapping[Cell, EMResult]
    reasons: Mapping[Cell, str]
    criterion: str
    missing: tuple[Cell, ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a cell.

        Columns ``n_parameters``, ``log_likelihood``, ``bic`` and ``icl`` (lower is better; missing where a component collapsed),
        ``smallest_count`` (effective rows of the smallest component), ``eigenvalue_ratio``, ``status`` and ``reason``. The ratio
        is of the smallest eigenvalue to the largest among all components, in units in which all rows have covariance I: a
        spurious optimum has a component that is all but flat, and so a ratio near 0.
        """
        rows = {cell: self._row(cell) for cell in sorted({*self.fits, *self.reasons}, key=_order)}
        index = pd.MultiIndex.from_tuples(rows, names=["covariance", "n_components"])
        return pd.DataFrame(list(rows.values()), index=index)

    @property
    def bic(self) -> pd.DataFrame:
        """BIC, one row a number of components and one column a structure; lower is better (mclust prints the negative)."""
        return self._page("bic")

    @property
    def icl(self) -> pd.DataFrame:
        """ICL in the same form; lower is better."""
        return self._page("icl")

    @cached_property
    def best(self) -> EMResult:
        """The fit of the lowest criterion.

        Raises
        ------
        ValueError
            If every fit collapsed.
        """
        return self.fits[self.ranking.index[0]]

    @cached_property
    def ranking(self) -> pd.Series:
        """The criterion of all cells that have it, lowest first."""
        ranking = self.table[self.criterion].dropna().sort_values(kind="stable")
        if ranking.empty:
            raise ValueError(
                "No model has a criterion: every fit collapsed. Give a prior, fewer components, or simpler structures such as "
                "covariances=['EII', 'EEE']."
            )
        return ranking

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, and what to be careful with."""
        name, ranking, best = self.criterion.upper(), self.ranking, self.best
        (code, k), found = ranking.index[0], [f"{name} is lowest for {ranking.index[0][0]} with K = {ranking.index[0][1]}."]
        if len(ranking) > 1:
            gap = ranking.iloc[1] - ranking.iloc[0]
            near = ", a near tie" if gap < NEAR_TIE else ""
            found.append(f"{ranking.index[1][0]} with K = {ranking.index[1][1]} is {gap:.1f} higher{near}.")
        other = "icl" if self.criterion == "bic" else "bic"
        by_other = self.table[other].dropna().idxmin()
        if by_other != (code, k):
            found.append(f"{other.upper()} is lowest for {by_other[0]} with K = {by_other[1]}.")
        row = self.table.loc[(code, k)]
        if row["eigenvalue_ratio"] < FLAT:
            found.append(
                f"The ratio of eigenvalues of {code} with K = {k} is {row['eigenvalue_ratio']:.1e}: look whether its flattest "
                f"component is a group or an accident of few rows (the smallest has {row['smallest_count']:.1f})."
            )
        if not best.converged:
            found.append(best.detail)
        return (*((self.shortfall,) if self.missing else ()), *found)

    @property
    def shortfall(self) -> str:
        """What an interrupted comparison lacks, in a sentence; empty for a whole one."""
        if not self.missing:
            return ""
        return (
            f"Partial: Ctrl-C came when {len(self.fits)} models were fitted; {len(self.missing)} are missing, and may be better."
        )

    def __str__(self) -> str:
        top = self.table.loc[self.ranking.index[:SHOWN]].drop(columns="reason")
        n_gone = len(self.reasons)
        gone = f"\n{n_gone} of {len(self.table)} models have no criteria: see table['reason']." if n_gone else ""
        return "\n".join([*self.sentences, top.to_string(float_format="{:.4f}".format, formatters=FORMATS)]) + gone

    __repr__ = __str__

    def _page(self, name: str) -> pd.DataFrame:
        page = self.table[name].unstack("covariance")  # noqa: PD010  # a table of one value a cell
        return page[[code for code in STRUCTURES if code in page]]

    def _row(self, cell: Cell) -> dict[str, Any]:
        fit, reason = self.fits.get(cell), self.reasons.get(cell, "")
        if fit is None:
            nothing = dict.fromkeys(["n_parameters", "log_likelihood", *CRITERIA, "smallest_count", "eigenvalue_ratio"], math.nan)
            return {**nothing, "status": "not fitted", "reason": reason}
        return {
            "n_parameters": fit.n_parameters,
            "log_likelihood": fit.log_likelihood,
            **{name: getattr(fit, name) for name in CRITERIA},
            "smallest_count": float(fit.mixture.weights.min() * fit.observations.total_weight),
            "eigenvalue_ratio": eigenvalue_ratio(fit.mixture, fit.observations),
            "status": fit.status.name.lower(),
            "reason": reason,
        }


@dataclass(eq=False)
class Grid:
    """The search over all cells: number by number, so that each has its neighbours' fits to start from."""

    observations: Observations
    prior: Prior | None
    noise: Noise | None
    settings: Settings
    n_init: int
    seed: np.random.SeedSequence
    fits: dict[Cell, EMResult] = field(default_factory=dict)
    reasons: dict[Cell, str] = field(default_factory=dict)
    _scaffold: dict[Cell, EMResult | None] = field(default_factory=dict)  # fits of numbers that nobody asked for
    _trees: dict[str, Agglomeration] = field(default_factory=dict)

    def tree(self, name: str) -> Agglomeration:
        """From which all numbers of clusters are cut, built when it is first asked for."""
        if name not in self._trees:
            rng = stream(self.seed, Use.TREE, list(TREES).index(name))
            self._trees[name] = Agglomeration.of(self.some.filled, rng, *TREES[name])
        return self._trees[name]

    def fit(self, cell: Cell) -> None:
        """Fit one cell, or write down why not."""
        code, k = cell
        try:
            specification = Specification(k, code, self.prior, self.noise)
            ABILITIES.require(self.observations, specification)
            self._require_rows(specification)
        except ValueError as error:
            self.reasons[cell] = str(error)
            return
        result = self._searched(specification)
        self.fits[cell] = result
        if result.status is Status.COLLAPSED:
            self.reasons[cell] = result.detail

    def _searched(self, specification: Specification) -> EMResult:
        """The best from all starts."""
        starts = self._starts(specification)
        if not self.observations.is_stored:
            return best_of(self.observations, specification, starts, self.settings)
        pilot = Pilot.of(self.observations, self.some, specification, starts, self.settings)
        result = best_of(self.observations, specification, [pilot.start], self.settings, pilot.learnt)
        return replace(result, n_pilot_rows=pilot.n_rows_read)

    @cached_property
    def some(self) -> Observations:
        """The rows that starts are made of: all where they are in memory, or else a pilot's."""
        return Pilot.rows(self.observations, self.seed) if self.observations.is_stored else self.observations

    def _require_rows(self, specification: Specification) -> None:
        n, p = self.observations.total_weight, specification.n_parameters(self.observations.n_features)
        if self.prior is None and n <= p:
            raise ValueError(f"Too few points: {n:g} rows for {p} free parameters.")

    def _before(self, specification: Specification) -> EMResult | None:
        """The fit of one component less, made for the purpose if need be; None where it collapsed or could not begin."""
        cell = specification.covariance, specification.n_components - 1
        if cell not in self.fits and cell not in self.reasons and cell not in self._scaffold:
            smaller = replace(specification, n_components=cell[1])
            try:
                ABILITIES.require(self.observations, smaller)
            except ValueError:
                self._scaffold[cell] = None
            else:
                self._scaffold[cell] = self._searched(smaller)
        found = self.fits.get(cell, self._scaffold.get(cell))
        return found if found is not None and _sound(found) else None

    def _starts(self, specification: Specification) -> list[tuple[str, Mixture]]:
        """Clusters of trees; the best fit of a narrower structure; each way to split a component of the last number's; others."""
        k, structure = specification.n_components, specification.structure
        starts = list(default_starts(self.some, specification, self.n_init if k > 1 else 1, self.seed))
        if k == 1:
            return starts
        trees = "hc", "ward, own units" if isinstance(structure.block, Spherical) else "ward"  # spheres are not whitened ones
        rows = self.some.filled
        cuts = ((name, initialisation.cut(self.tree(name), rows, k, structure)) for name in trees)
        starts += [(name, initialisation.fitted(cut, self.some, specification)) for name, cut in cuts]
        there = (fit for (_, number), fit in self.fits.items() if number == k and _sound(fit))
        narrower = [fit for fit in there if structure.includes(fit.specification.structure)]
        if narrower:
            best = max(narrower, key=lambda fit: fit.objective)
            _, mixture = from_mixture(best.mixture, self.some, specification)
            starts.append((f"{best.specification.covariance}'s fit", mixture))
        before = self._before(specification)
        if before is not None:
            starts += initialisation.splits(before.mixture)
        return starts


def select_model(
    X: Any,
    n_components: Iterable[int] = range(1, 10),
    covariances: str | Sequence[str] = "all",
    prior: Prior | None = None,
    criterion: str = "bic",
    n_init: int = 2,
    seed: Seed = 0,
    *,
    sample_weight: Any = None,
    labels: Any = None,
    allow_missing: bool = False,
    noise: Any = None,
    max_iterations: int = 5000,
    tolerance: float = 1e-6,
    progress: bool = True,
) -> ModelSelection:
    r"""Fit each covariance structure with each number of components by EM, and choose by BIC or ICL.

    Each cell starts from cuts of two trees of the rows (by the likelihood of normals, and Ward's), from the best fit of a
    narrower structure of as many components, from the fit of one component less with one of them split (whether that number was
    asked for or not), and from ``n_init`` random starts. All race: no pass goes to one that is plainly behind.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    n_components : iterable of int
    covariances : "all" or sequence of str
        Names of covariance structures; all are mclust's fourteen, or EII and VII for one feature.
    prior : Prior, optional
        None: maximum likelihood. With a prior the structures for which none is defined are missing.
    criterion : {"bic", "icl"}
    n_init : int
        Random starts of each cell, k-means++ and random rows in turn, beside those from the tree and from other cells; 0: none.
    seed : int, SeedSequence or Generator
    sample_weight, labels, allow_missing, noise
        As for :func:`fit_em`.
    max_iterations : int
    tolerance : float
        Of each fit, as in :func:`fit_em`, in nats.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ModelSelection
        ``best`` is the chosen fit, ``table`` has a row for each cell, ``bic`` and ``icl`` are pages of K by structure.

    Warns
    -----
    PartialWarning
        If Ctrl-C came before all cells were fitted.

    References
    ----------
    Celeux & Govaert (1995), doi:10.1016/0031-3203(94)00125-6. Fraley & Raftery (2002), doi:10.1198/016214502760047131.

    Examples
    --------
    >>> from bayesgmm import load_dataset
    >>> found = select_model(load_dataset("faithful"), n_components=[2, 3], covariances=["EEE", "VVV"], progress=False)
    >>> found.best.specification.covariance, found.best.specification.n_components, round(found.best.bic, 1)
    ('EEE', 3, 2314.3)
    """
    observations = Observations.from_data(X, sample_weight, labels=labels, allow_missing=allow_missing)
    known_name(criterion, "criterion", CRITERIA)
    numbers, codes = positive_integers(n_components, "n_components"), _codes(covariances, observations.n_features)
    settings = Settings(positive_integer(max_iterations, "max_iterations"), non_negative(tolerance, "tolerance"))
    n_starts = 0 if n_init == 0 and not isinstance(n_init, bool) else positive_integer(n_init, "n_init")
    grid = Grid(observations, prior, Noise.of(observations, noise), settings, n_starts, seed_sequence(seed))
    cells = sorted(((code, k) for code in codes for k in numbers), key=_order)
    try:
        with progress_bar(progress) as bar:
            task = bar.add_task("models", total=len(cells))
            for cell in cells:
                grid.fit(cell)
                bar.advance(task)
    except KeyboardInterrupt:
        if not grid.fits:
            raise
    missing = tuple(cell for cell in cells if cell not in grid.fits and cell not in grid.reasons)
    selection = ModelSelection(grid.fits, grid.reasons, criterion, missing)
    if missing:
        warnings.warn(selection.shortfall, PartialWarning, stacklevel=2)
    return selection


def eigenvalue_ratio(mixture: Mixture, observations: Observations) -> float:
    """The smallest eigenvalue of all components beside the largest, in units in which all rows have covariance I."""
    units = whitening(observations)
    eigenvalues = np.linalg.eigvalsh(units.T @ mixture.covariances @ units)
    return float(max(eigenvalues.min(), 0.0) / eigenvalues.max())


def _sound(fit: EMResult) -> bool:
    return fit.status is not Status.COLLAPSED


def _order(cell: Cell) -> tuple[int, int]:
    """Number by number, narrower structures first."""
    code, k = cell
    return k, list(STRUCTURES).index(code)


def _codes(covariances: str | Sequence[str], n_features: int) -> list[str]:
    if isinstance(covariances, str) and covariances == "all":
        return ["EII", "VII"] if n_features == 1 else list(STRUCTURES)
    named = [covariances] if isinstance(covariances, str) else covariances
    codes = list(dict.fromkeys(find_structure(name).code for name in named))
    if not codes:
        raise ValueError("covariances is empty: give names such as ['VVV', 'EEE'], or 'all'.")
    return codes
