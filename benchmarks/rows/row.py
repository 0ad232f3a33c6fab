"""What a row of the benchmark is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.figure import Aim, Figure, Quantity, Remark, beside
from benchmarks.timing import Contender, Measured, in_turn

OURS = "bayesgmm"


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    quick : bool
        Small sizes and few rounds.
    rounds : int
        How often each contender is measured; rows with long ones take fewer.
    say : callable
        Is told what is being done.
    """

    quick: bool = False
    rounds: int = 5
    say: Callable[[str], None] = lambda _: None

    def at_most(self, rounds: int) -> int:
        """Rounds of a row whose contenders take long."""
        return min(self.rounds, rounds)

    def measure(self, case: str, contenders: list[Contender], rounds: int, warm_up: bool = True) -> Measured:
        """Take turns, saying of which case."""
        return in_turn(contenders, rounds, lambda text: self.say(f"{case}: {text}"), warm_up)


@dataclass(frozen=True)
class Row:
    """A group of figures.

    Attributes
    ----------
    name : str
        For ``--only``.
    about : str
        One sentence: what is measured and how.
    results : callable
        Yields figures and remarks as they are known.
    """

    name: str
    about: str
    results: Callable[[Scale], Iterator[Figure | Remark]]


def beside_each(
    case: str,
    quantity: Quantity,
    measured: Measured,
    peers: dict[str, Aim | None],
    note: str = "",
    tell_failures: bool = True,
) -> Iterator[Figure | Remark]:
    """Our figure beside each peer's; a remark for each that was not measured."""
    if not measured.has(OURS, quantity):
        if tell_failures:
            yield Remark(case, f"{OURS} not measured: {measured.failures.get(OURS, 'no outcome')}")
        return
    ours = measured.series(OURS, quantity)
    for peer, aim in peers.items():
        if measured.has(peer, quantity):
            yield beside(case, quantity, ours, peer, measured.series(peer, quantity), aim, note)
        if tell_failures and peer in measured.failures:
            yield Remark(case, f"{peer} not measured: {measured.failures[peer]}")
