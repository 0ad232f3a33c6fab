"""What bayesgmm depends on, what is installed of it, and whether the two fit."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from bayesgmm.cli.doctor.problems import Problem


@dataclass(frozen=True)
class Package:
    """A package that bayesgmm needs, or that an extra needs.

    Attributes
    ----------
    name : str
    required : str
        Versions that fit.
    installed : str, optional
        The version that is there.
    extra : str, optional
        The extra that asks for it; None: it is always needed.
    """

    name: str
    required: str
    installed: str | None
    extra: str | None = None

    @property
    def fits(self) -> bool:
        """Whether it is there in a version that fits."""
        return self.installed is not None and Requirement(f"{self.name}{self.required}").specifier.contains(
            self.installed, prereleases=True
        )

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with it; an extra may be missing."""
        if self.fits or (self.extra and self.installed is None):
            return []
        there = "is not installed" if self.installed is None else f"is there in version {self.installed}"
        wanted = f"bayesgmm[{self.extra}]" if self.extra else "bayesgmm"
        what = f"{self.name} {there}, and {wanted} needs {self.required}."
        return [Problem(what, f"Install it: pip install '{self.name}{self.required}'.")]


def find() -> list[Package]:
    """All that the metadata of bayesgmm name, what is always needed first."""
    found = [_package(Requirement(text)) for text in requires("bayesgmm") or ()]
    return sorted(found, key=lambda package: (package.extra or "", package.name))


def _package(requirement: Requirement) -> Package:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        installed = None
    return Package(requirement.name, str(requirement.specifier), installed, _extra(requirement))


def _extra(requirement: Requirement) -> str | None:
    """The extra in a marker such as ``extra == "jax"``."""
    _, named, name = str(requirement.marker or "").partition("extra == ")
    return name.strip("\"' ") if named else None
