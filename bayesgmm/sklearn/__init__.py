"""scikit-learn's face: its two mixture classes by their parameters and fitted attributes, on this package's engines.

:class:`GaussianMixture` is scikit-learn's EM, step for step, by this package's pass over the data and its M-steps;
:class:`BayesianGaussianMixture` is the posterior under scikit-learn's prior, drawn and not approximated by factors. What needs
PyMC is loaded when the second is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

try:
    from bayesgmm.sklearn.gaussian import GaussianMixture
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise ImportError("bayesgmm.sklearn needs scikit-learn, which is not installed: pip install 'bayesgmm[sklearn]'.") from error

if TYPE_CHECKING:
    from bayesgmm.sklearn.bayesian import BayesianGaussianMixture

__all__ = ["BayesianGaussianMixture", "GaussianMixture"]


def __getattr__(name: str) -> Any:
    if name != "BayesianGaussianMixture":
        raise AttributeError(f"module 'bayesgmm.sklearn' has no attribute {name!r}")
    return importlib.import_module("bayesgmm.sklearn.bayesian").BayesianGaussianMixture


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
