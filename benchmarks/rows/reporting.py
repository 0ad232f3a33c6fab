"""The report on Old Faithful, from the process' start to its end."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figure import SECONDS, Aim, Figure, Remark, Spread
from benchmarks.process import empty_caches, fresh
from benchmarks.rows.row import Row, Scale
from benchmarks.timing import UnavailableError

FIRST, SECOND = Aim(60, at_least=False), Aim(20, at_least=False)


def report(environment: Mapping[str, str]) -> tuple[float, str]:
    """Seconds of the whole process, and where they go."""
    with tempfile.TemporaryDirectory(prefix="report") as folder:
        began = time.perf_counter()
        answer = fresh("reporting", str(Path(folder, "report.html")), environment=environment)
        seconds = time.perf_counter() - began
    phases = dict(sorted(answer["phases"].items(), key=lambda phase: -phase[1]))
    phases["interpreter"] = seconds - sum(phases.values())
    return seconds, ", ".join(f"{name} {spent:.1f}" for name, spent in phases.items())


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """A first run and further ones with the caches that it filled."""
    rounds = 1 if scale.quick else scale.at_most(3)
    first, second, where = list[float](), list[float](), ["", ""]
    try:
        with empty_caches() as environment:
            scale.say("first run, empty caches")
            seconds, where[0] = report(environment)
            first.append(seconds)
            yield Figure(
                "first run, empty caches", SECONDS, Spread.of(first), aim=FIRST, note=f"no bytecode either; seconds: {where[0]}"
            )
            for number in range(rounds):
                scale.say(f"second run, {number + 1} of {rounds}")
                seconds, where[1] = report(environment)
                second.append(seconds)
            yield Figure("second run", SECONDS, Spread.of(second), aim=SECOND, note=f"seconds of the last: {where[1]}")
    except UnavailableError as error:
        yield Remark("report", f"not measured: {error}")


ROW = Row(
    "report",
    "The report on Old Faithful, 1 to 5 components by EM and Gibbs and the chosen number by NUTS too, as a whole process.",
    results,
)
