"""EM over many rows, beside Spark MLlib on the same two cores and the same file."""

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import parquet
from benchmarks.figure import SECONDS_A_PASS, Aim, Figure, Remark
from benchmarks.process import fresh
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome, UnavailableError

NAME = "Spark MLlib"
SIZE, QUICK = (10_000_000, 5, 5), (1_000_000, 5, 5)
ITERATIONS = 6
ROUNDS = 3


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Seconds of an iteration of theirs, from rows in Spark's memory, and of a pass of ours, which reads the file each time."""
    n, d, K = QUICK if scale.quick else SIZE
    case = f"n = {n:,}, d = {d}, K = {K}, Parquet"
    if importlib.util.find_spec("pyspark") is None:
        yield Remark(case, f"{NAME} not measured: pyspark is not installed (uv run --with pyspark, and Java)")
        return
    with tempfile.TemporaryDirectory(prefix="rows") as folder:
        path = Path(folder) / "rows.parquet"
        scale.say(f"{case}: writing the file")
        parquet.write(path, n, d, K)
        contenders = [Contender(OURS, lambda _: ours(path)), Contender(NAME, lambda _: theirs(path, K))]
        measured = scale.measure(case, contenders, scale.at_most(ROUNDS), warm_up=False)
    note = (
        f"an iteration of theirs is a fit of {ITERATIONS} less one of a single one, on rows that Spark holds in memory; a pass "
        "of ours reads and decodes the file; two threads each"
    )
    yield from beside_each(case, SECONDS_A_PASS, measured, {NAME: Aim(20)}, note)


def ours(path: Path) -> Outcome:
    """Median of as many passes."""
    passes = sorted(fresh("stored", "file", str(path), str(ITERATIONS))["passes"])
    return {SECONDS_A_PASS: passes[len(passes) // 2]}


def theirs(path: Path, n_components: int) -> Outcome:
    """The iterations after the first."""
    told = fresh("spark", str(path), str(n_components), str(ITERATIONS))
    if not told["all"] > told["one"]:
        raise UnavailableError(f"{ITERATIONS} iterations took no longer than one")
    return {SECONDS_A_PASS: (told["all"] - told["one"]) / (ITERATIONS - 1)}


ROW = Row("spark", "EM, seconds a pass over rows in a Parquet file, beside Spark MLlib on two threads.", results)
