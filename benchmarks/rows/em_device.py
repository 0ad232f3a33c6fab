"""EM's pass in JAX, on a GPU where there is one, beside Numba's on the CPU."""

import statistics
from collections.abc import Callable, Iterator

import bayesgmm as bg
from bayesgmm import kernels
from bayesgmm.observations import Observations
from benchmarks.figure import SECONDS_A_PASS, Figure, Remark, beside
from benchmarks.problems import Problem, simulated
from benchmarks.rows.row import Row, Scale
from benchmarks.timing import Contender, Outcome, seconds_of

NUMBA = "Numba on the CPU"
CASES = ((1_000_000, 5, 5), (200_000, 30, 10))
QUICK = ((50_000, 5, 5),)
PASSES = 5


def passes(problem: Problem, observations: Observations) -> Outcome:
    """Of several, after a first one that is not counted."""

    def one() -> None:
        problem.start.expected_statistics(observations)

    with kernels.kept_threads():
        one()
        return {SECONDS_A_PASS: statistics.median(seconds_of(one) for _ in range(PASSES))}


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Rows lie where they are gone through before anything is timed."""
    import jax  # here, for other rows measure times and memory without it

    device = jax.devices()[0]
    note = f"JAX on {device.device_kind}; rows lie there, and only components and statistics travel"
    for size in QUICK if scale.quick else CASES:
        problem = simulated(*size)
        sources = {f"JAX {dtype}": bg.OnDevice(problem.X, dtype) for dtype in ("float64", "float32")}
        contenders = [Contender(name, _of(problem, X)) for name, X in {NUMBA: problem.X, **sources}.items()]
        measured = scale.measure(problem.label, contenders, scale.rounds)
        for name in sources:
            ours, theirs = (measured.series(each, SECONDS_A_PASS) for each in (name, NUMBA))
            yield beside(f"{problem.label}, {name}", SECONDS_A_PASS, ours, NUMBA, theirs, None, note)
    if device.platform == "cpu":
        yield Remark("GPU", "there is none on this machine: JAX, too, computed on the CPU")


def _of(problem: Problem, X: object) -> Callable[[int], Outcome]:
    observations = Observations.from_data(X)
    return lambda _: passes(problem, observations)


ROW = Row("em_device", "EM, seconds a pass alone by JAX on its default device, beside Numba's on the CPU.", results)
