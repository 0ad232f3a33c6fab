"""Laws of standard deviations: log-normal and half-normal, one registry."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import wrightomega

type Array = NDArray[np.float64]


class ScalesLaw(ABC):
    """The law of independent standard deviations s."""

    @abstractmethod
    def log_density(self, s: Array) -> Array:
        """Normalised log density of each."""

    @abstractmethod
    def slope(self, s: Array) -> Array:
        """Derivative of the log density."""

    @abstractmethod
    def conditional_mode(self, counts: Array, squares: Array) -> Array:
        """s at their mode given the likelihood s^-n exp(-q / (2 s^2)), q being sums of squares."""

    @abstractmethod
    def sample(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw."""


@dataclass(frozen=True)
class LogNormal(ScalesLaw):
    r""":math:`\log s \sim \mathcal N(a, b^2)`."""

    location: Array
    scale: Array

    def log_density(self, s: Array) -> Array:
        standard = (np.log(s) - self.location) / self.scale
        return np.asarray(-0.5 * standard**2 - np.log(self.scale) - 0.5 * np.log(2 * np.pi) - np.log(s))

    def slope(self, s: Array) -> Array:
        return np.asarray(-(1 + (np.log(s) - self.location) / self.scale**2) / s)

    def conditional_mode(self, counts: Array, squares: Array) -> Array:
        """The root of q / s^2 = n + 1 + (log s - a) / b^2, by Lambert's W: with t = 2 b^2 q / s^2, t e^t is known."""
        twice = 2 * self.scale**2
        with np.errstate(divide="ignore", invalid="ignore"):
            t = wrightomega(np.log(twice * squares) + twice * (counts + 1) - 2 * self.location)
            root = np.sqrt(twice * squares / t)
        return np.where(t > 0, root, np.exp(self.location - 0.5 * twice * (counts + 1)))

    def sample(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.asarray(np.exp(rng.normal(self.location, self.scale, size=shape)))


@dataclass(frozen=True)
class HalfNormal(ScalesLaw):
    r""":math:`s = |z|`, :math:`z \sim \mathcal N(0, b^2)`; the location is not used."""

    location: Array
    scale: Array

    def log_density(self, s: Array) -> Array:
        return np.asarray(0.5 * np.log(2 / np.pi) - np.log(self.scale) - 0.5 * (s / self.scale) ** 2)

    def slope(self, s: Array) -> Array:
        return np.asarray(-s / self.scale**2)

    def conditional_mode(self, counts: Array, squares: Array) -> Array:
        """The positive root of s^4 / b^2 + n s^2 = q."""
        root = counts + np.sqrt(counts**2 + 4 * squares / self.scale**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(root > 0, np.sqrt(2 * squares / root), 0.0)

    def sample(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.asarray(np.abs(rng.normal(0.0, self.scale, size=shape)))


LAWS: dict[str, type[LogNormal] | type[HalfNormal]] = {"lognormal": LogNormal, "half_normal": HalfNormal}
