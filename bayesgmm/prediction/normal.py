"""What cannot be asked of a mixture with noise, whose uniform density has no moments to condition and no tails."""

from typing import Any

from bayesgmm.mixture import Mixture


def normal_mixture(mixture: Any, what: str) -> Mixture:
    """The mixture, if it is one of normals alone; ``what`` begins the sentence that is said otherwise."""
    if not isinstance(mixture, Mixture):
        raise TypeError(f"mixture must be a Mixture, got {type(mixture).__name__}.")
    if mixture.noise is not None:
        raise ValueError(
            f"{what} of a mixture with noise is not defined: take mixture.without_noise, the law of rows that are no noise."
        )
    return mixture
