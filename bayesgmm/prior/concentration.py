"""The Dirichlet concentration of weights whose number is not known: the same for each K, or shared out among K components."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.validation import instance_of, positive

type Array = NDArray[np.float64]

LEAST, MOST = 1e-6, 1e6  # known concentrations


@dataclass(frozen=True)
class GammaLaw:
    """Gamma(shape, rate): mean shape / rate."""

    shape: float
    rate: float
    kind: ClassVar[str] = "gamma"

    def __post_init__(self) -> None:
        for name in ("shape", "rate"):
            object.__setattr__(self, name, positive(getattr(self, name), name))

    @property
    def powers(self) -> tuple[float, float, float, float]:
        """(p, s, q, r) of the density proportional to x^p e^(-s x) (1 + r x)^(-q)."""
        return self.shape - 1, self.rate, 0.0, 0.0

    @property
    def typical(self) -> float:
        """A value to begin at: the mean."""
        return self.shape / self.rate

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw."""
        return np.asarray(rng.gamma(self.shape, 1 / self.rate, size))

    def __str__(self) -> str:
        return f"Gamma({self.shape:g}, rate {self.rate:g})"


@dataclass(frozen=True)
class FLaw:
    """F(d1, d2), whose tail is heavy and which is finite at 0 where d1 = 2 and vanishes there where d1 > 2."""

    d1: float
    d2: float
    kind: ClassVar[str] = "f"

    def __post_init__(self) -> None:
        for name in ("d1", "d2"):
            object.__setattr__(self, name, positive(getattr(self, name), name))

    @property
    def powers(self) -> tuple[float, float, float, float]:
        """(p, s, q, r) of the density proportional to x^p e^(-s x) (1 + r x)^(-q)."""
        return self.d1 / 2 - 1, 0.0, (self.d1 + self.d2) / 2, self.d1 / self.d2

    @property
    def typical(self) -> float:
        """A value to begin at."""
        return 1.0

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw."""
        return np.asarray(rng.f(self.d1, self.d2, size))

    def __str__(self) -> str:
        return f"F({self.d1:g}, {self.d2:g})"


LAWS: dict[str, type[GammaLaw | FLaw]] = {law.kind: law for law in (GammaLaw, FLaw)}


@dataclass(frozen=True)
class Concentration:
    r"""Concentration of the symmetric Dirichlet prior on K weights: :math:`\gamma` (static) or :math:`\alpha / K` (dynamic).

    Static, more components mean more filled ones; dynamic, the number of filled ones tends to a limit as K grows, which lets K
    and the number of filled components differ.

    Attributes
    ----------
    is_dynamic : bool
    law : float, GammaLaw or FLaw
        A known number, or the law of an unknown one: ``bayesgmm.prior.GammaLaw(shape, rate)``, ``bayesgmm.prior.FLaw(d1, d2)``.

    References
    ----------
    Fruehwirth-Schnatter, Malsiner-Walli & Gruen (2021), doi:10.1214/21-BA1294.
    """

    is_dynamic: bool
    law: float | GammaLaw | FLaw

    def __post_init__(self) -> None:
        instance_of(self.is_dynamic, bool, "is_dynamic")
        if not isinstance(self.law, GammaLaw | FLaw):
            value = positive(self.law, "concentration")
            if not LEAST <= value <= MOST:
                raise ValueError(f"concentration must lie between {LEAST:g} and {MOST:g}, got {value:g}.")
            object.__setattr__(self, "law", value)

    @classmethod
    def static(cls, law: float | GammaLaw | FLaw = 1.0) -> Self:
        """The same concentration for every K."""
        return cls(False, law)

    @classmethod
    def dynamic(cls, law: float | GammaLaw | FLaw = FLaw(6.0, 3.0)) -> Self:  # noqa: B008 - frozen
        """A concentration shared out among the components."""
        return cls(True, law)

    @property
    def is_random(self) -> bool:
        """Whether it is inferred."""
        return not isinstance(self.law, float)

    @property
    def typical(self) -> float:
        """The known number, or where a chain may begin."""
        return self.law if isinstance(self.law, float) else self.law.typical

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw values of it; the known number where it is known."""
        return np.full(size, self.law) if isinstance(self.law, float) else self.law.sample(size, rng)

    def for_components(self, value: float | Array, n_components: int | NDArray[np.int64]) -> Array:
        """The Dirichlet parameter that a value means for K components."""
        return np.asarray(value / n_components if self.is_dynamic else value)

    def as_json(self) -> dict[str, Any]:
        """The concentration as plain JSON values."""
        law = self.law if isinstance(self.law, float) else {"kind": self.law.kind, **vars(self.law)}
        return {"is_dynamic": self.is_dynamic, "law": law}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """The concentration that :meth:`as_json` described."""
        law = saved["law"]
        if isinstance(law, dict):
            law = LAWS[law["kind"]](**{name: value for name, value in law.items() if name != "kind"})
        return cls(saved["is_dynamic"], law)

    def __str__(self) -> str:
        named = "alpha" if self.is_dynamic else "gamma"
        is_what = f"{named} = {self.law:g}" if isinstance(self.law, float) else f"{named} ~ {self.law}"
        return f"weights ~ Dirichlet(alpha / K), {is_what}" if self.is_dynamic else f"weights ~ Dirichlet(gamma), {is_what}"
