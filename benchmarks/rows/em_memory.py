"""EM, memory above that of the data."""

from collections.abc import Iterator

from benchmarks.figure import MEGABYTES, Aim, Figure, Remark, Spread
from benchmarks.peers import scikit
from benchmarks.process import fresh
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender

SIZE, QUICK = (10_000_000, 5, 5), (500_000, 5, 5)
AIM = Aim(200, at_least=False)


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Ours against the aim, then beside scikit-learn's."""
    n, d, K = QUICK if scale.quick else SIZE
    case = f"n = {n:,}, d = {d}, K = {K}"

    def contender(name: str) -> Contender:
        return Contender(name, lambda _: {MEGABYTES: fresh("memory", name, *map(str, (n, d, K)))["megabytes"]})

    measured = scale.measure(case, [contender(OURS), contender(scikit.NAME)], scale.at_most(2), warm_up=False)
    note = f"peak resident memory above that before the call, in which {n * d * 8 / 1e6:,.0f} MB of data lie already"
    if measured.has(OURS, MEGABYTES):
        yield Figure(case, MEGABYTES, Spread.of(measured.series(OURS, MEGABYTES)), aim=AIM, note=note)
    yield from beside_each(case, MEGABYTES, measured, {scikit.NAME: None}, "2 starts of ours, 1 of scikit-learn's; 3 passes each")


ROW = Row("em_memory", "EM, peak memory above that before the call, in a fresh process.", results)
