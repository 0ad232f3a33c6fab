"""Rows that a saved fit does not hold, since they were read from elsewhere when it was fitted."""

from collections.abc import Iterator, Sequence

from bayesgmm.sources.source import Block, Source


class Absent(Source):
    """The source of a fit that was loaded from a file: its columns are known, and its rows are not there.

    Parameters
    ----------
    names : sequence of str
    description : str
        Where the rows came from.
    """

    def __init__(self, names: Sequence[str], description: str) -> None:
        self.names, self._description = tuple(names), description

    @property
    def description(self) -> str:
        """Where the rows came from."""
        return self._description

    def blocks(self) -> Iterator[Block]:
        """None.

        Raises
        ------
        ValueError
            Always; it says where the rows came from.
        """
        raise ValueError(
            f"The rows of this fit were read from {self._description} and are not in the file that it was saved to: "
            "open them again and give them to what asks for rows, such as its mixture's log_density."
        )
