"""Rows that are not here: of a fit that was loaded, whose file holds what was measured of them and not the rows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayesgmm.sources.source import Block, Source
from bayesgmm.sources.survey import Survey


class Absent(Source):
    """A source that says where its rows came from when it is read.

    Parameters
    ----------
    names : sequence of str
    description : str
        Where they came from, such as a path: "the rows of ... " is what it completes.
    known : Survey
        What was measured of them.
    fingerprint : str
        Of what went along with them, see :attr:`bayesgmm.observations.Observations.fingerprint`.
    """

    def __init__(self, names: tuple[str, ...], description: str, known: Survey, fingerprint: str = "") -> None:
        self.names, self.known, self.fingerprint, self._description = names, known, fingerprint, description

    @property
    def description(self) -> str:
        """Where they came from."""
        return self._description

    def survey(self, *_: NDArray[np.float64]) -> Survey:
        """What was measured when they were there."""
        return self.known

    def blocks(self) -> Iterator[Block]:
        """There are none.

        Raises
        ------
        ValueError
            Always; it says where the rows came from.
        """
        raise ValueError(
            f"This fit was loaded from a file, which does not hold the {self.known.n_rows:,} rows of {self.description}, and "
            "what was asked for needs them: give rows as an argument where there is one, or fit the source again."
        )
