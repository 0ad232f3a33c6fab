"""What is believed about the number of components before the data: probabilities of K = 1, ..., up to a largest one."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln, xlogy

from bayesgmm.validation import finite_array, instance_of, positive, positive_integer, told

LARGEST_NUMBER = 100  # of components, where a law has no end
LEAST_KEPT = 0.9  # of the probability of a law that is cut off


@dataclass(frozen=True, eq=False, repr=False)
class ComponentsPrior:
    """Prior on the number of components K: made by one of the constructors below, or from any probabilities.

    Attributes
    ----------
    probabilities : ndarray of shape (largest K,)
        Of K = 1, 2, ...; they sum to 1.
    law : str
        What it is called in sentences.

    Raises
    ------
    ValueError
        If a probability is negative or all are zero.

    Examples
    --------
    >>> ComponentsPrior.uniform(1, 4).probabilities
    array([0.25, 0.25, 0.25, 0.25])
    >>> ComponentsPrior.beta_negative_binomial().probabilities[:3].round(3)
    array([0.571, 0.214, 0.095])
    """

    probabilities: NDArray[np.float64]
    law: str = "K as given"

    def __post_init__(self) -> None:
        instance_of(self.law, str, "law")
        given = finite_array(self.probabilities, "probabilities of the number of components")
        if given.ndim != 1 or not given.size or (given < 0).any() or not given.sum() > 0:
            raise ValueError(
                f"A prior on the number of components needs probabilities of K = 1, 2, ..., none negative, not all zero; "
                f"got {told(self.probabilities)}."
            )
        object.__setattr__(self, "probabilities", np.trim_zeros(given / given.sum(), "b"))

    @classmethod
    def beta_negative_binomial(cls, a: float = 1.0, b: float = 4.0, c: float = 3.0, largest: int = LARGEST_NUMBER) -> Self:
        r"""K - 1 ~ BNB(a, b, c), negative binomial with a probability that is Beta(b, c): the mean of K is 1 + a c / (b - 1).

        .. math:: p(K) = \frac{\Gamma(a + K - 1)\, B(a + b, K - 1 + c)}{\Gamma(a)\,\Gamma(K)\, B(b, c)}

        Parameters
        ----------
        a, b, c : float
            The numbers (1, 4, 3) say: two components on average, and a tail as heavy as :math:`K^{-5}`.
        largest : int
            Where the law is cut off.

        References
        ----------
        Fruehwirth-Schnatter, Malsiner-Walli & Gruen (2021), doi:10.1214/21-BA1294.
        """
        a, b, c = positive(a, "a"), positive(b, "b"), positive(c, "c")
        beyond = _beyond(largest)
        log_masses = gammaln(a + beyond) + betaln(a + b, beyond + c) - gammaln(a) - gammaln(beyond + 1) - betaln(b, c)
        return cls._cut(np.exp(log_masses), f"K - 1 ~ BNB({a:g}, {b:g}, {c:g})")

    @classmethod
    def poisson(cls, mean: float = 1.0, largest: int = LARGEST_NUMBER) -> Self:
        """K - 1 ~ Poisson(mean), cut off at ``largest``."""
        mean = positive(mean, "mean")
        beyond = _beyond(largest)
        return cls._cut(np.exp(xlogy(beyond, mean) - mean - gammaln(beyond + 1)), f"K - 1 ~ Poisson({mean:g})")

    @classmethod
    def geometric(cls, p: float = 0.5, largest: int = LARGEST_NUMBER) -> Self:
        """K - 1 ~ Geometric(p) on 0, 1, ..., cut off at ``largest``: p(K) proportional to (1 - p)^(K - 1)."""
        if not 0 < positive(p, "p") < 1:
            raise ValueError(f"p must lie between 0 and 1, got {p:g}.")
        return cls._cut(p * (1 - p) ** _beyond(largest), f"K - 1 ~ Geometric({p:g})")

    @classmethod
    def uniform(cls, smallest: int = 1, largest: int = 30) -> Self:
        """K uniform on smallest, ..., largest."""
        smallest, largest = positive_integer(smallest, "smallest"), positive_integer(largest, "largest")
        if smallest > largest:
            raise ValueError(f"smallest must be at most largest, got {smallest} and {largest}.")
        return cls((np.arange(1, largest + 1) >= smallest).astype(float), f"K uniform on {smallest} to {largest}")

    @classmethod
    def fixed(cls, n_components: int) -> Self:
        """K known: with a small Dirichlet concentration a sparse finite mixture, which leaves components empty.

        References
        ----------
        Malsiner-Walli, Fruehwirth-Schnatter & Gruen (2016), doi:10.1007/s11222-014-9500-2.
        """
        k = positive_integer(n_components, "n_components")
        return cls((np.arange(1, k + 1) == k).astype(float), f"K = {k}")

    @classmethod
    def _cut(cls, masses: NDArray[np.float64], law: str) -> Self:
        """A law without end, cut off after so many masses."""
        kept = float(masses.sum())
        if not kept >= LEAST_KEPT:
            raise ValueError(
                f"{law} has {kept:.2g} of its probability on K = 1 to {len(masses)}, where it is cut off: raise largest, for at "
                f"least {LEAST_KEPT:g} must be kept, or take other numbers."
            )
        return cls(masses, f"{law}, K <= {len(masses)}")

    @property
    def largest(self) -> int:
        """The largest K that has a probability above zero."""
        return len(self.probabilities)

    def as_json(self) -> dict[str, Any]:
        """The prior as plain JSON values."""
        return {"probabilities": self.probabilities.tolist(), "law": self.law}

    def __str__(self) -> str:
        return self.law

    def __repr__(self) -> str:
        return f"ComponentsPrior({self.law})"


def _beyond(largest: int) -> NDArray[np.float64]:
    """K - 1 for K = 1, ..., largest."""
    return np.arange(positive_integer(largest, "largest"), dtype=float)
