"""Import, and what it does not load."""

from collections.abc import Iterator

from benchmarks.figure import SECONDS, Aim, Figure, Remark
from benchmarks.process import fresh
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

NEEDED = ("numpy", "scipy.linalg", "numba", "pandas")
PEER = ", ".join(NEEDED)
AIM = Aim(1.5, at_least=False)


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Ours beside what it cannot do without."""
    loaded: dict[str, list[str]] = {}

    def load(names: tuple[str, ...]) -> Outcome:
        answer = fresh("importing", *names)
        loaded.update({key: value for key, value in answer.items() if key.startswith("loaded_") or names == (OURS,)})
        return {SECONDS: answer["seconds"]}

    contenders = [Contender(OURS, lambda _: load((OURS,))), Contender(PEER, lambda _: load(NEEDED))]
    measured = scale.measure("import", contenders, scale.rounds)
    yield from beside_each("import", SECONDS, measured, {PEER: AIM}, "within a fresh process; files in the system's cache")
    for case, key in (("after import bayesgmm", "loaded"), ("after import bayesgmm and fit_em", "loaded_after_em")):
        if key in loaded:
            yield Remark(case, f"heavy modules loaded: {', '.join(loaded[key]) or 'none'}")


ROW = Row("import", "Import in a fresh process.", results)
