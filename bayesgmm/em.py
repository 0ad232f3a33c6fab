"""EM: maximum likelihood, or the mode of the posterior by ECM, from the best of several starts."""

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.abilities import INSTEAD, Abilities, needs_mode
from bayesgmm.acceleration import Learnt
from bayesgmm.checkpoint import Checkpoint
from bayesgmm.climb import Run, Settings, Status
from bayesgmm.files import require_free, write_sealed
from bayesgmm.frozen import Frozen
from bayesgmm.information import NoInformationError, StandardErrors, normal_interval, observed_information
from bayesgmm.interruption import Interrupted, PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.pace import Pace
from bayesgmm.pilot import Pilot
from bayesgmm.prior import Nuisance, Prior
from bayesgmm.race import Watcher, race, winner
from bayesgmm.saving.em import pack
from bayesgmm.sources import Sums
from bayesgmm.specification import Specification
from bayesgmm.starts import default_starts, given_start
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import instance_of, non_negative, positive_integer

ABILITIES = Abilities("EM", data=frozenset(INSTEAD), requirements=(needs_mode,), default_prior=False)
MOST_STARTS = 1_000_000
MOST_REGULARIZATION = 1e6  # of the variances of the data, beside which these say nothing
CLASSIFIED_ROWS = 65_536  # rows whose responsibilities are held at a time


class ConvergenceWarning(UserWarning):
    """EM did not end at an interior optimum."""


@dataclass(frozen=True, eq=False)
class EMResult:
    """The best optimum that EM found.

    Attributes
    ----------
    specification : Specification
    observations : Observations
    best : Run
        The run that won. What follows up to ``history`` is its.
    mixture : Mixture
    nuisance : dict of ndarray
        Variables of the prior that the mixture does not hold, at the mode; empty without a prior.
    log_likelihood : float
        L at the mixture, in nats, for densities in the data's units.
    objective : float
        Log-likelihood plus log prior: what was maximised.
    n_iterations : int
    n_passes : int
        Passes over the data, of all runs together.
    status : Status
    detail : str
        How the run ended, with the numbers.
    history : ndarray of shape (n_iterations + 1,)
        The objective at each iterate.
    runs : tuple of Run
        From each start, the winner among them.
    n_starts : int
        Starts that were asked for; more than ``runs`` where Ctrl-C came first.
    n_pilot_rows : int
        Rows that were read before these runs, to find their start.
    n_rows_read : int
        In all passes, and before them; but for the one reading by which rows that are not in memory are checked.
    aic, bic, icl, icl_entropy : float
        Lower is better. NaN where a component collapsed. With a prior they are taken at the MAP's log-likelihood
        (Fraley & Raftery 2007, doi:10.1007/s00357-007-0004-5).
    """

    specification: Specification
    observations: Observations
    best: Run
    runs: tuple[Run, ...]
    n_starts: int
    n_pilot_rows: int = 0

    @property
    def mixture(self) -> Mixture:
        """The estimate."""
        return self.best.mixture

    @property
    def nuisance(self) -> Nuisance:
        """Variables of the prior that the mixture does not hold."""
        return self.best.nuisance

    @property
    def log_likelihood(self) -> float:
        """L at the mixture, in nats."""
        return self.best.log_likelihood

    @property
    def objective(self) -> float:
        """Log-likelihood plus log prior."""
        return self.best.objective

    @property
    def status(self) -> Status:
        """How the winning run ended."""
        return self.best.status

    @property
    def detail(self) -> str:
        """The same in a sentence with the numbers."""
        return self.best.detail

    @cached_property
    def history(self) -> NDArray[np.float64]:
        """The objective at each iterate, shape (n_iterations + 1,)."""
        return np.array(self.best.history)

    @property
    def classification(self) -> float:
        r""":math:`\sum_i v_i \log\max_k r_{ik}`, over the rows of unknown component."""
        return self._certainties[0]

    @property
    def entropy(self) -> float:
        r""":math:`-\sum_{ik} v_i r_{ik} \log r_{ik}`, over the rows of unknown component."""
        return self._certainties[1]

    @cached_property
    def _certainties(self) -> tuple[float, float]:
        classification, entropy = self.observations.reduced(partial(_certainty, self.mixture))
        return classification, entropy

    @property
    def n_observations(self) -> int:
        """Rows, whatever their weights."""
        return self.observations.n_observations

    @property
    def n_iterations(self) -> int:
        """Iterates of the winning run after its start."""
        return len(self.history) - 1

    @property
    def n_passes(self) -> int:
        """Passes over the data, of all runs together."""
        return sum(run.n_passes for run in self.runs)

    @property
    def n_rows_read(self) -> int:
        """Rows in all passes, and before them."""
        return self.n_passes * self.n_observations + self.n_pilot_rows

    @property
    def converged(self) -> bool:
        """Whether the winning run met the tolerance."""
        return self.status is Status.CONVERGED

    @property
    def partial(self) -> bool:
        """Whether Ctrl-C came before every start was climbed from to its end."""
        return self._n_finished < self.n_starts

    @property
    def _n_finished(self) -> int:
        return sum(run.status is not Status.INTERRUPTED for run in self.runs)

    @property
    def n_parameters(self) -> int:
        """Free parameters of the likelihood."""
        return self.specification.n_parameters(self.observations.n_features)

    @property
    def aic(self) -> float:
        r""":math:`-2L + 2p`, lower is better."""
        return self._unless_collapsed(-2 * self.log_likelihood + 2 * self.n_parameters)

    @property
    def bic(self) -> float:
        r""":math:`-2L + p \log n`, lower is better (mclust prints the negative); n is the sum of the row weights."""
        return self._unless_collapsed(-2 * self.log_likelihood + self.n_parameters * math.log(self.observations.total_weight))

    @property
    def icl(self) -> float:
        r""":math:`\mathrm{BIC} - 2\sum_i \log\max_k r_{ik}`: hard classification, as mclust's; lower is better."""
        return self.bic - 2 * self.classification

    @property
    def icl_entropy(self) -> float:
        r""":math:`\mathrm{BIC} - 2\sum_{ik} r_{ik}\log r_{ik}` (Biernacki, Celeux & Govaert 2000); lower is better."""
        return self.bic + 2 * self.entropy

    def _unless_collapsed(self, criterion: float) -> float:
        return math.nan if self.status is Status.COLLAPSED else criterion

    def summary(self, prob: float | None = None) -> pd.DataFrame:
        """One row a component: weight, effective count, and mean and scale (standard deviation) of each feature.

        Parameters
        ----------
        prob : float, optional
            With it each of these is followed by its standard error, ``..._se``, from the observed information (one more pass over
            the data), and by the ends of an interval of this probability, ``..._lower`` and ``..._upper``: normal for means, log
            scales and log odds of weights. They are NaN, with a warning that says why, where there are none.

        Warns
        -----
        ConvergenceWarning
            If the fit has no standard errors.
        """
        m, names = self.mixture, self.observations.names
        scales = np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2))
        columns = {"weight": m.weights, "count": m.weights * self.observations.total_weight}
        columns |= {f"mean[{name}]": m.means[:, j] for j, name in enumerate(names)}
        columns |= {f"scale[{name}]": scales[:, j] for j, name in enumerate(names)}
        columns = columns if prob is None else self._with_errors(columns, prob)
        return pd.DataFrame(columns, index=pd.RangeIndex(m.n_components, name="component"))

    def _with_errors(self, columns: dict[str, NDArray[np.float64]], prob: float) -> dict[str, NDArray[np.float64]]:
        """The columns of the summary, each followed by its standard error and interval."""
        m, names = self.mixture, self.observations.names
        try:
            errors = observed_information(m, self.observations, self.specification).standard_errors()
        except NoInformationError as error:
            warnings.warn(str(error), ConvergenceWarning, stacklevel=3)
            errors = StandardErrors.missing(m.n_components, m.n_features)
        of = {"weight": (errors.weights, "unit")}
        of |= {f"mean[{name}]": (errors.means[:, j], "line") for j, name in enumerate(names)}
        of |= {f"scale[{name}]": (errors.scales[:, j], "positive") for j, name in enumerate(names)}
        wider: dict[str, NDArray[np.float64]] = {}
        for name, estimates in columns.items():
            wider[name] = estimates
            if name in of:
                each, where = of[name]
                lower, upper = normal_interval(estimates, each, prob, where)
                wider |= {f"{name}_se": each, f"{name}_lower": lower, f"{name}_upper": upper}
        return wider

    def __str__(self) -> str:
        s = self.specification
        kind = "maximum likelihood" if s.prior is None else "MAP"
        icl = "" if self.observations.is_stored else f", ICL {self.icl:.4f}"  # to print is no reason to read all rows
        return (
            f"{s.covariance} mixture, K = {s.n_components}, by EM ({kind}): {self.detail}\n"
            f"{self.shortfall}{'\n' if self.partial else ''}"
            f"n = {self.n_observations}, log-likelihood {self.log_likelihood:.4f}, {self.n_parameters} parameters, "
            f"BIC {self.bic:.4f}{icl}\n{self._told_of_data}{self.summary().round(4).to_string()}"
        )

    __repr__ = __str__

    @property
    def _told_of_data(self) -> str:
        """What there is beyond complete rows and normal components, in lines of its own."""
        data, s, m, lines = self.observations, self.specification, self.mixture, []
        if data.has_missing:
            lines.append(f"{np.count_nonzero(np.isnan(data.values))} of {data.values.size} cells are missing, integrated out")
        if data.labels is not None:
            lines.append(f"{np.count_nonzero(data.labels >= 0)} of {data.n_observations} labels are known")
        if m.noise is not None:
            lines.append(f"noise of weight {m.noise_weight:.4f}, uniform with log density {m.noise.log_density():.4f}")
        if s.frozen is not None:
            lines.append(f"frozen: components {list(s.frozen.components)}, weights {list(s.frozen.weights)}")
        return "".join(f"{line}\n" for line in lines)

    @property
    def shortfall(self) -> str:
        """What an interrupted search lacks, in a sentence; empty for a whole one."""
        if not self.partial:
            return ""
        best = "the last iterate of the unfinished one" if self.status is Status.INTERRUPTED else "the best of them"
        return f"Partial: {self._n_finished} of {self.n_starts} starts were finished when Ctrl-C came; this is {best}."

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, complete or not at all, for :func:`bayesgmm.load`; what was there is replaced.

        Rows that are not in memory are not in the file either: loaded, the fit tells all but what needs them.
        """
        target = require_free(path, force=True)
        content = pack(self.specification, self.observations, self.best, self.runs, self.n_starts, self.n_pilot_rows)
        write_sealed(target, content)


def fit_em(
    X: Any,
    n_components: int,
    covariance: str = "full",
    prior: Prior | None = None,
    n_init: int = 10,
    seed: Seed = 0,
    *,
    start: Any = None,
    accelerate: bool = True,
    max_iterations: int = 5000,
    tolerance: float = 1e-8,
    regularization: float = 0.0,
    sample_weight: Any = None,
    labels: Any = None,
    allow_missing: bool = False,
    noise: Any = None,
    frozen: Frozen | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10,
    progress: bool = True,
) -> EMResult:
    r"""Fit a Gaussian mixture by EM: maximum likelihood, or the posterior mode when a prior is given.

    All starts are followed for some passes over the data, the highest to its end, and the others only as far as they may still
    come up to it. On the way the next iterate is guessed by Anderson's acceleration from what EM made of the last ones; a guess
    with a lower objective is not taken, so that it never falls.

    With a prior it is ECM: weights, means, precisions and the prior's own variables are set in turn to their conditional
    modes, given the expected sufficient statistics. The mode is that of the joint density of weights, means, precisions
    and nuisance variables. A run whose component collapses (onto a point, a line, or too few observations) is flagged and
    never wins over one that did not.

    Rows that are not in memory (see :func:`bayesgmm.open_source`) are read block by block in each pass. The starts are climbed
    from on some of them, and what EM's map is like there makes a handful of passes over all rows enough.

    Parameters
    ----------
    X : array-like, DataFrame or Source of shape (n_observations, n_features)
    n_components : int
    covariance : str
        Covariance structure: ``"full"`` (VVV), ``"tied"`` (EEE), ``"diag"`` (VVI), ``"spherical"`` (VII), or mclust's codes: EII,
        VII, EEI, VEI, EVI, VVI, EEE, VEE, EVE, VVE, EEV, VEV, EVV, VVV.
    prior : Prior, optional
        None: maximum likelihood.
    n_init : int
        Number of starts, k-means++ and random rows in turn; the best interior optimum is returned.
    seed : int, SeedSequence or Generator
    start : Mixture, array-like of shape (n_observations,), or str, optional
        The only start: parameters; or a label 0..K-1 for each row; or how to make one, ``"hc"`` (model-based agglomeration, which
        needs no luck), ``"k-means++"`` or ``"random"``.
    accelerate : bool
        False: EM alone, each iterate its M-step from the one before.
    max_iterations : int
    tolerance : float
        EM stops when the gain still to come, extrapolated by Aitken's rule, is below this many nats.
    regularization : float
        A ridge added to each covariance, relative to the variances of the data. 0 keeps the objective monotone.
    sample_weight : array-like of shape (n_observations,), optional
        Row weights: an integer is the same as repeating the row.
    labels : array-like of shape (n_observations,), optional
        The component 0..K-1 of each row, -1 where it is not known. Rows whose component is known count for it alone.
    allow_missing : bool
        Take NaN, None, NA and masked entries as missing cells and integrate them out: the likelihood of a row is that of what is
        known of it (missing at random). No cell is filled in.
    noise : bool, float or Noise, optional
        A uniform component beside the K normal ones, for rows of no group: True for the box around the data, or its volume.
    frozen : Frozen, optional
        Components and weights that stay where they are.
    checkpoint : path, optional
        A file in which it is kept how far the fit has come. Where it exists already, the same fit goes on from there, in place of
        ``start`` and of as many of the usual starts; passes and history are then counted from there. It never holds the rows.
        :func:`bayesgmm.load` reads it.
    checkpoint_every : int
        Passes over the data, of all starts together, from one writing to the next.
    progress : bool
        Tell passes, rows a second, objective and time left on the terminal once it has taken a second.

    Returns
    -------
    EMResult

    Warns
    -----
    ConvergenceWarning
        If the best run collapsed or was still rising.
    PartialWarning
        If Ctrl-C came before every start was climbed from: what there is by then is returned.

    Raises
    ------
    ValueError
        If the data, the names or the numbers are not usable; the message says which and what to do.

    References
    ----------
    Dempster, Laird & Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x. Meng & Rubin (1993), doi:10.1093/biomet/80.2.267.
    Walker & Ni (2011), Anderson acceleration for fixed-point iterations, doi:10.1137/10078356X.

    Examples
    --------
    >>> from bayesgmm import load_dataset
    >>> em = fit_em(load_dataset("faithful"), n_components=3, covariance="tied")
    >>> round(em.log_likelihood, 3), em.converged
    (-1126.316, True)
    """
    observations, specification = ABILITIES.door(
        X, n_components, covariance, prior, sample_weight, labels, allow_missing, noise, frozen
    )
    instance_of(accelerate, bool, "accelerate")
    settings = Settings(
        positive_integer(max_iterations, "max_iterations"),
        non_negative(tolerance, "tolerance"),
        non_negative(regularization, "regularization", MOST_REGULARIZATION),
        accelerate,
    )
    n_init, root = positive_integer(n_init, "n_init", MOST_STARTS), seed_sequence(seed)
    start = start.mixture if isinstance(start, EMResult) else start
    instance_of(progress, bool, "progress")
    every = positive_integer(checkpoint_every, "checkpoint_every")
    kept = None if checkpoint is None else Checkpoint(checkpoint, every, observations, specification, settings.tolerance)
    before = [] if kept is None else [(run.origin, run.mixture) for run in kept.runs()]

    def begin(rows: Observations) -> list[tuple[str, Mixture]]:
        if start is not None:
            return [given_start(start, rows, specification, root)]
        return list(default_starts(rows, specification, n_init, root))

    with Pace(observations.n_observations, progress) as pace:
        if observations.is_stored and (accelerate or start is None):
            with pace.reading("Finding rows to try starts on"):
                pilot = Pilot.of(observations, specification, begin, settings, root)
            starts, learnt, n_rows = [pilot.start], pilot.learnt, pilot.n_rows_read
        else:
            starts, learnt, n_rows = begin(observations), None, 0
        starts = [*before, *starts[len(before) :]]
        watchers: list[Watcher] = [pace, *([] if kept is None else [kept])]
        try:
            result = best_of(observations, specification, starts, settings, learnt, watchers)
        except Interrupted as stop:
            result = stop.finished
    result = replace(result, n_pilot_rows=n_rows)
    if kept is not None:
        kept.write(result.runs, result.n_starts)
    if result.partial:
        warnings.warn(result.shortfall, PartialWarning, stacklevel=2)
    if not result.converged:
        warnings.warn(result.detail, ConvergenceWarning, stacklevel=2)
    return result


def best_of(
    observations: Observations,
    specification: Specification,
    starts: Sequence[tuple[str, Mixture]],
    settings: Settings,
    learnt: Learnt | None = None,
    watchers: Sequence[Watcher] = (),
) -> EMResult:
    """Run EM from each start; the highest objective among runs that did not collapse wins.

    Raises
    ------
    Interrupted
        At Ctrl-C, with the result of the runs so far.
    """

    def result(runs: tuple[Run, ...]) -> EMResult:
        return EMResult(specification, observations, winner(runs, settings.tolerance), runs, len(starts))

    try:
        return result(race(observations, specification, starts, settings, learnt, watchers))
    except Interrupted as stop:
        raise Interrupted(result(stop.finished)) from None


def _certainty(mixture: Mixture, part: Observations) -> Sums:
    """Weighted sum of log max_k r_ik, and entropy, in blocks of rows; those whose component is known add nothing."""
    classification = entropy = 0.0
    for first in range(0, part.n_observations, CLASSIFIED_ROWS):
        rows = part.rows(slice(first, first + CLASSIFIED_ROWS))
        unknown = np.ones(rows.n_observations) if rows.labels is None else rows.labels < 0
        shares, v = mixture.all_responsibilities(rows), rows.weights * unknown
        classification += float(v @ np.log(shares.max(axis=1)))
        entropy -= float(v @ np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1.0)), 0.0).sum(axis=1))
    return Sums(classification, entropy)
