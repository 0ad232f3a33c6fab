"""How many threads a pass over the data may take."""

import os
from dataclasses import dataclass

from bayesgmm.cli.doctor.problems import Problem
from bayesgmm.kernels.threads import threads_at_hand


@dataclass(frozen=True)
class Threads:
    """Threads and processors.

    Attributes
    ----------
    at_hand : int, optional
        None: what was asked for is no number.
    processors : int
    fault : str
        What is wrong with what was asked for.
    """

    at_hand: int | None
    processors: int
    fault: str = ""

    @property
    def told(self) -> str:
        """The same in a sentence."""
        asked = "BAYESGMM_THREADS says so" if os.environ.get("BAYESGMM_THREADS") else "BAYESGMM_THREADS is not set"
        return f"A pass over many rows takes {self.at_hand or 'no'} threads ({asked}); there are {self.processors} processors."

    @property
    def problems(self) -> list[Problem]:
        """What is wrong."""
        return [Problem(self.fault, "Unset it for as many threads as there are processors.")] if self.fault else []


def find() -> Threads:
    """As this process would take them."""
    processors = os.cpu_count() or 1
    try:
        return Threads(threads_at_hand(), processors)
    except ValueError as error:
        return Threads(None, processors, str(error))
