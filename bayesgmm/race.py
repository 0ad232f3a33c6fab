"""EM from several starts, in which no pass is spent on a start that is plainly behind."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bayesgmm import kernels
from bayesgmm.acceleration import Derivative
from bayesgmm.climb import Climb, Run, Settings, Status
from bayesgmm.collapse import Yardstick
from bayesgmm.interruption import Interrupted
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.specification import Specification

type Watcher = Callable[[Sequence[Climb], Climb], None]  # called with all climbs and the one that has made a pass

FIRST = 25  # passes that each start gets before the highest is followed to its end


def race(
    observations: Observations,
    specification: Specification,
    starts: Sequence[tuple[str, Mixture]],
    settings: Settings,
    learnt: Derivative | None = None,
    watchers: Sequence[Watcher] = (),
) -> tuple[Run, ...]:
    """Run EM from each start: a few passes for all, then the highest to its end, then the others unless they are overtaken.

    A run that collapses overtakes nobody. Guesses are made by what was ``learnt`` of EM's map on some of the rows, or by
    Anderson's acceleration. What is run side by side changes no bit. Watchers are told of each pass.

    Raises
    ------
    Interrupted
        At Ctrl-C, with the runs so far, unless there is no iterate yet.
    """
    yardstick = Yardstick.of(observations)

    def tell(climb: Climb) -> None:
        for watch in watchers:
            watch(climbs, climb)

    climbs = [Climb(observations, specification, start, origin, settings, yardstick, learnt, tell) for origin, start in starts]
    abreast = observations.abreast(len(climbs), specification.n_components, specification.structure.is_diagonal)
    try:
        with kernels.kept_threads():
            _side_by_side(climbs, lambda climb: climb.advance(FIRST), abreast)
            to_beat = _leader(climbs)
            _side_by_side(climbs, lambda climb: climb.advance(to_beat=to_beat), abreast)
    except KeyboardInterrupt:
        runs = _runs(climbs)
        if not runs:
            raise
        raise Interrupted(runs) from None
    return _runs(climbs)


def winner(runs: Sequence[Run], tolerance: float) -> Run:
    """The first of the highest, among runs at an end that is no collapse where there are any.

    An unfinished run comes last but for collapsed ones: it may be on its way to a collapse, where the objective has no bound.
    """
    finished = [run for run in runs if run.status in (Status.CONVERGED, Status.MAX_ITERATIONS)]
    among = finished or [run for run in runs if run.status is Status.INTERRUPTED] or runs
    top = max(run.objective for run in among)
    tie = 10 * tolerance + 1e-11 * abs(top)  # which of equal optima comes first must not hang on rounding
    return next(run for run in among if run.objective >= top - tie)


def _leader(climbs: Sequence[Climb]) -> float:
    """Follow the highest to their ends until one has converged: how high."""
    for climb in sorted(climbs, key=lambda climb: -climb.objective):
        climb.advance()
        if climb.end is not None and climb.end[0] is Status.CONVERGED:
            return climb.objective
    return float("-inf")


def _side_by_side(climbs: Sequence[Climb], advance: Callable[[Climb], None], abreast: int) -> None:
    """Advance each, so many at a time; at Ctrl-C they stop after the pass that they are in."""
    if abreast == 1:
        for climb in climbs:
            advance(climb)
        return

    def advance_alone(climb: Climb) -> None:
        with kernels.alone():
            advance(climb)

    with ThreadPoolExecutor(abreast) as pool:
        running = [pool.submit(advance_alone, climb) for climb in climbs]
        try:
            for future in running:
                future.result()
        except BaseException:  # no thread goes on for nobody
            for climb in climbs:
                climb.is_stopped = True
            raise


def _runs(climbs: Sequence[Climb]) -> tuple[Run, ...]:
    """What there is of each that has begun."""
    return tuple(climb.run() for climb in climbs if climb.has_begun)
