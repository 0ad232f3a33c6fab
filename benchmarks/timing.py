"""Measuring in turn: every contender once a round, so that whatever else the machine does meets all of them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.figure import Quantity

type Outcome = Mapping[Quantity, float]


class UnavailableError(Exception):
    """A peer that is not there, or gave no answer, with the reason."""


@dataclass(frozen=True)
class Contender:
    """Something that can be measured.

    Attributes
    ----------
    name : str
    run : callable
        Takes the number of the round, as a seed, and returns what it measured.
    """

    name: str
    run: Callable[[int], Outcome]


@dataclass
class Measured:
    """What came out: a series for each contender and quantity, and the reason of each that failed."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def series(self, name: str, quantity: Quantity) -> list[float]:
        """One value a round."""
        return [outcome[quantity] for outcome in self.outcomes[name] if quantity in outcome]

    def has(self, name: str, quantity: Quantity) -> bool:
        """Whether there is at least one value."""
        return name in self.outcomes and bool(self.series(name, quantity))


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(
    contenders: Sequence[Contender], rounds: int, say: Callable[[str], None] = lambda _: None, warm_up: bool = True
) -> Measured:
    """Measure each contender once a round, a different one first each time.

    Parameters
    ----------
    contenders : sequence of Contender
    rounds : int
    say : callable
        Is told what is being measured.
    warm_up : bool
        Run each once beforehand and forget the outcome: compilation and first touches of memory are not what is compared.
    """
    measured, still = Measured(), list(contenders)
    for number in range(-1 if warm_up else 0, rounds):
        shift = max(number, 0) % max(len(still), 1)
        for contender in still[shift:] + still[:shift]:
            say(f"{contender.name}, {'warm-up' if number < 0 else f'round {number + 1} of {rounds}'}")
            try:
                outcome = contender.run(max(number, 0))
            except Exception as error:  # whatever ails a peer, the others go on
                measured.failures[contender.name] = told(error)
                still = [other for other in still if other is not contender]
                continue
            if number >= 0:
                measured.outcomes.setdefault(contender.name, []).append(outcome)
    return measured


def told(error: Exception) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UnavailableError) else f"{type(error).__name__}: {text}"
