"""NUTS, from a built model to draws, in a fresh process: with caches that an earlier process filled, and with empty ones."""

from collections.abc import Iterator, Mapping
from functools import partial

from benchmarks.figure import ESS_PER_SECOND, SECONDS, Aim, Figure, Remark
from benchmarks.process import empty_caches, fresh
from benchmarks.rows.row import OURS, Row, Scale, beside_each
from benchmarks.timing import Contender, Outcome

# What fresh/sampling.py calls them, and the aims with warm caches.
PEERS: Mapping[str, tuple[str, Aim | None]] = {
    "the whole fit, data to posterior": ("whole", None),
    "gallery model, nutpie": ("nutpie", Aim(4)),
    "gallery model, PyMC": ("pymc", Aim(8)),
    "gallery model, NumPyro": ("numpyro", None),
}
NOTE = (
    "ours begins before the model is built, but after the starts by EM, for which Numba gets ready (about 0.25 s); "
    "the peers' times begin with a built model; 4 x (1000 + 1000)"
)


def draw(who: str, data: str, seed: int, environment: Mapping[str, str] | None = None) -> Outcome:
    """One process."""
    answer = fresh("sampling", who, data, str(seed), environment=environment)
    return {SECONDS: answer["seconds"], ESS_PER_SECOND: answer["ess"] / answer["seconds"]}


def cold(who: str, seed: int) -> Outcome:
    """One process with nothing compiled."""
    with empty_caches() as environment:
        return {SECONDS: draw(who, "faithful", seed, environment)[SECONDS]}


def results(scale: Scale) -> Iterator[Figure | Remark]:
    """Warm on two data sets, then cold."""
    aims = {name: aim for name, (_, aim) in PEERS.items()}
    rounds = 1 if scale.quick else scale.at_most(3)
    for case, data in (
        ("Old Faithful, K = 2, warm caches", "faithful"),
        ("n = 500, d = 2, K = 2, caches warm from Old Faithful", "simulated"),
    ):
        first = data == "faithful"
        contenders = [Contender(OURS, partial(draw, "ours", data))]
        contenders += [
            Contender(name, partial(draw, who, data)) for name, (who, _) in PEERS.items() if first or who in ("whole", "nutpie")
        ]
        measured = scale.measure(case, contenders, rounds, warm_up=first)  # the other data meet the first ones' caches
        yield from beside_each(case, SECONDS, measured, aims if first else dict.fromkeys(aims), NOTE)
        if first:
            yield from beside_each(case, ESS_PER_SECOND, measured, dict.fromkeys(aims), "compilation in the time", False)
    case = "Old Faithful, K = 2, cold caches"
    contenders = [Contender(OURS, partial(cold, "ours"))]
    peers = {name: who for name, (who, _) in PEERS.items() if who in ("whole", "nutpie") or not scale.quick}
    contenders += [Contender(name, partial(cold, who)) for name, who in peers.items()]
    measured = scale.measure(case, contenders, 1 if scale.quick else scale.at_most(2), warm_up=False)
    yield from beside_each(case, SECONDS, measured, dict.fromkeys(aims), NOTE)
    if scale.quick:
        yield Remark(case, "the other peers not measured: --quick")


ROW = Row("nuts_fresh", "NUTS, from a built model to draws, each time in a fresh process.", results)
