"""EM: maximum likelihood, or the mode of the posterior by ECM, from the best of several starts."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bayesgmm.abilities import INSTEAD, Abilities, needs_mode
from bayesgmm.acceleration import Derivative
from bayesgmm.checkpoint import Checkpoint
from bayesgmm.climb import Run, Settings
from bayesgmm.em_result import ConvergenceWarning, EMResult
from bayesgmm.frozen import Frozen
from bayesgmm.interruption import Interrupted, PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.pace import Pace
from bayesgmm.pilot import Pilot
from bayesgmm.prior import Prior
from bayesgmm.race import Watcher, race, winner
from bayesgmm.specification import Specification
from bayesgmm.starts import default_starts, given_start
from bayesgmm.streams import Seed, seed_sequence
from bayesgmm.validation import instance_of, non_negative, positive_integer

ABILITIES = Abilities("EM", data=frozenset(INSTEAD), requirements=(needs_mode,), default_prior=False)
MOST_STARTS = 1_000_000
MOST_REGULARIZATION = 1e6  # of the variances of the data, beside which these say nothing

__all__ = ["ABILITIES", "ConvergenceWarning", "EMResult", "best_of", "fit_em"]


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

    Rows that are not in memory (see :func:`bayesgmm.open_source`) are read block by block in each pass. The starts, or the given
    one unless ``accelerate=False``, are climbed from on 100,000 of them, and what EM's map is like there makes a handful of
    passes over all rows enough.

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
        Number of starts, k-means++ and random rows in turn; the best interior optimum is returned. Equal starts are one.
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
                some = Pilot.rows(observations, root)
                pilot = Pilot.of(observations, some, specification, begin(some), settings)
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
    learnt: Derivative | None = None,
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
