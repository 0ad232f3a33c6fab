"""Small fits whose answers are known: whether they run, how long they take, and whether their numbers are right."""

import importlib
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from numba.core import config

import bayesgmm as bg
from bayesgmm.cli.doctor.problems import Problem
from bayesgmm.interruption import PartialWarning

LOG_LIKELIHOOD = -1130.2640  # of Old Faithful, VVV, K = 2, by a converged EM
WEIGHT, FAR = 0.356, 0.05  # of the smaller component, and how far a short run's mean may be: seven of its standard errors
DRAWN: dict[str, Any] = {"draws": 100, "tune": 100, "chains": 2, "progress": False}


@dataclass(frozen=True)
class Trial:
    """How a small fit went."""

    name: str
    passed: bool
    seconds: float
    told: str

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, if it failed."""
        return [] if self.passed else [Problem(f"{self.name} failed: {self.told}.", CURES[self.name])]


REINSTALL = "Install bayesgmm and what it needs anew: pip install --force-reinstall bayesgmm."
CURES = {
    "compiled kernels": "Unset NUMBA_DISABLE_JIT: without compiled code fits take a thousand times as long.",
    "EM": REINSTALL,
    "loading PyMC": f"Set PYTENSOR_FLAGS=base_compiledir=FOLDER to a folder that may be written to; or: {REINSTALL}",
    "Gibbs": REINSTALL,
    "NUTS": f"Empty the folder that caches NUTS and try again. {REINSTALL}",
}


def _compiled() -> str:
    return "Numba is told not to compile" if getattr(config, "DISABLE_JIT", 0) else ""


def _em() -> str:
    found = bg.fit_em(bg.load_dataset("faithful"), 2).log_likelihood
    return "" if abs(found - LOG_LIKELIHOOD) < 1e-3 else f"log-likelihood {found:.4f} in place of {LOG_LIKELIHOOD}"


def _loading() -> str:
    importlib.import_module("bayesgmm.engines")
    return ""


def _drawn(engine: str) -> str:
    posterior = bg.fit_bayes(bg.load_dataset("faithful"), 2, engine=engine, **DRAWN)
    found = float(posterior.draws.weights.min(axis=-1).mean())
    return "" if abs(found - WEIGHT) < FAR else f"weight {found:.3f} in place of {WEIGHT}"


TRIALS: dict[str, Callable[[], str]] = {
    "compiled kernels": _compiled,
    "EM": _em,
    "loading PyMC": _loading,
    "Gibbs": lambda: _drawn("gibbs"),
    "NUTS": lambda: _drawn("nuts"),
}


def run(names: Iterable[str]) -> list[Trial]:
    """Run trials until one fails, for each builds on what the ones before have tried."""
    trials = list[Trial]()
    for name in names:
        trials.append(_run(name))
        if not trials[-1].passed:
            break
    return trials


def _run(name: str) -> Trial:
    """Run a trial; whatever it raises is its result."""
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", PartialWarning)
            fault = TRIALS[name]()
    except PartialWarning:
        raise
    except Exception as error:
        fault = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return Trial(name, not fault, time.perf_counter() - began, (fault or "right").rstrip("."))
