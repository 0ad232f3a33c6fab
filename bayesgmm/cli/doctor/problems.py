"""What is wrong, and how to mend it: a sentence each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    Attributes
    ----------
    what, cure : str
        A sentence each.
    """

    what: str
    cure: str
