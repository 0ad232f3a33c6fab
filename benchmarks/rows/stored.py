"""EM over rows in a Parquet file, beside the same rows in memory."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import parquet
from benchmarks.figure import SECONDS_A_PASS, Aim, Figure, Quantity, Remark, Spread, beside
from benchmarks.process import fresh
from benchmarks.rows.row import OURS, Row, Scale
from benchmarks.timing import Contender, Outcome

SIZE, QUICK = (100_000_000, 5, 5), (2_000_000, 5, 5)
PASSES = 3
MEMORY = "rows in memory"
PEAK = Quantity("peak MB of the process, all told")
READING = Quantity("seconds to read only")
CHECKING = Quantity("seconds to check")
DISK = Quantity("seconds to read the file past the page cache")


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Each in a process of its own, from one file."""
    n, d, K = QUICK if scale.quick else SIZE
    case = f"n = {n:,}, d = {d}, K = {K}, Parquet"
    with tempfile.TemporaryDirectory(prefix="rows") as folder:
        path = Path(folder) / "rows.parquet"
        scale.say(f"{case}: writing the file")
        parquet.write(path, n, d, K)
        size = path.stat().st_size

        def contender(name: str, where: str) -> Contender:
            return Contender(name, lambda _: outcome(fresh("stored", where, str(path), str(PASSES))))

        contenders = [contender(OURS, "file"), contender(MEMORY, "memory")]
        measured = scale.measure(case, contenders, scale.at_most(3), warm_up=False)
    for name, reason in measured.failures.items():
        yield Remark(case, f"{name} not measured: {reason}")
    if not (measured.has(OURS, SECONDS_A_PASS) and measured.has(MEMORY, SECONDS_A_PASS)):
        return
    ours, theirs = (measured.series(name, SECONDS_A_PASS) for name in (OURS, MEMORY))
    reading = statistics.median(measured.series(OURS, READING))
    note = (
        f"file of {size / 1e6:,.0f} MB in the page cache, whose reading and decoding alone takes {reading:.1f} s; the one "
        f"reading that checks {statistics.median(measured.series(OURS, CHECKING)):.1f} s; median of {PASSES} passes"
    )
    yield beside(case, SECONDS_A_PASS, ours, MEMORY, theirs, Aim(2, at_least=False), note)
    note = "the aim is at most twice the pass in memory, or the disk's speed where that is slower"
    yield beside(case, SECONDS_A_PASS, ours, "the file from the disk", measured.series(OURS, DISK), Aim(1, at_least=False), note)
    yield Figure(case, PEAK, Spread.of(measured.series(OURS, PEAK)), aim=Aim(1000, at_least=False), note="Python and Numba too")


def outcome(told: dict[str, Any]) -> Outcome:
    """What the process told, as quantities."""
    found = {SECONDS_A_PASS: statistics.median(told["passes"]), PEAK: told["megabytes"], CHECKING: told["checked"]}
    return found | ({READING: told["reading"][0], DISK: told["disk"][0]} if told["reading"] else {})


ROW = Row("stored", "EM over rows in a Parquet file beside the same rows in memory: seconds a pass, and memory.", results)
