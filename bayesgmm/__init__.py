"""Bayesian Gaussian mixture models: EM, MCMC, and whether the answer may be believed.

A model is a :class:`Specification`; data are checked once and become Observations; :func:`fit_em` finds the maximum-likelihood
or MAP estimate and :func:`fit_bayes` the posterior of the same model. :func:`diagnose` says what may be believed of it, and
:func:`report` writes it all down. What needs PyMC, ArviZ or matplotlib is loaded on first use.
"""

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bayesgmm.datasets import load_dataset
from bayesgmm.em import EMResult, fit_em
from bayesgmm.frozen import Frozen
from bayesgmm.mixture import Mixture
from bayesgmm.noise import Noise
from bayesgmm.prior import ComponentsPrior, Concentration, Prior
from bayesgmm.simulation import simulate
from bayesgmm.sources import Blocks, Distributed, OnDevice, open_source
from bayesgmm.specification import Specification

if TYPE_CHECKING:
    from bayesgmm.capability import capabilities
    from bayesgmm.comparison import compare_em_bayes
    from bayesgmm.criteria import compare, kfold, loo, waic
    from bayesgmm.engines import fit_bayes
    from bayesgmm.engines.telescoping import fit_mfm
    from bayesgmm.evidence import bayes_factors, log_marginal_likelihood
    from bayesgmm.loading import load
    from bayesgmm.membership import draw_allocations, memberships
    from bayesgmm.mfm import MfmPosterior
    from bayesgmm.model import build_model
    from bayesgmm.model_selection import select_model
    from bayesgmm.partitions import credible_ball, partition, similarity_matrix
    from bayesgmm.posterior import Posterior, diagnose, relabel
    from bayesgmm.prediction import cross_validate, merge_components
    from bayesgmm.reporting import report
    from bayesgmm.selection import select_n_components
    from bayesgmm.sensitivity import power_scaling, prior_beside_posterior, prior_predictive, prior_sensitivity
    from bayesgmm.stepwise import StepwiseEM
    from bayesgmm.uncertainty import bootstrap, likelihood_ratio_test, sequential_likelihood_ratio_tests

__version__ = version("bayesgmm")

__all__ = [
    "Blocks",
    "ComponentsPrior",
    "Concentration",
    "Distributed",
    "EMResult",
    "Frozen",
    "MfmPosterior",
    "Mixture",
    "Noise",
    "OnDevice",
    "Posterior",
    "Prior",
    "Specification",
    "StepwiseEM",
    "bayes_factors",
    "bootstrap",
    "build_model",
    "capabilities",
    "compare",
    "compare_em_bayes",
    "credible_ball",
    "cross_validate",
    "diagnose",
    "draw_allocations",
    "fit_bayes",
    "fit_em",
    "fit_mfm",
    "kfold",
    "likelihood_ratio_test",
    "load",
    "load_dataset",
    "log_marginal_likelihood",
    "loo",
    "memberships",
    "merge_components",
    "open_source",
    "partition",
    "power_scaling",
    "prior_beside_posterior",
    "prior_predictive",
    "prior_sensitivity",
    "relabel",
    "report",
    "select_model",
    "select_n_components",
    "sequential_likelihood_ratio_tests",
    "similarity_matrix",
    "simulate",
    "waic",
]

_LOADED_ON_FIRST_USE = {
    "bayes_factors": "evidence",
    "bootstrap": "uncertainty",
    "build_model": "model",
    "capabilities": "capability",
    "compare": "criteria",
    "compare_em_bayes": "comparison",
    "cross_validate": "prediction",
    "diagnose": "posterior",
    "fit_bayes": "engines",
    "fit_mfm": "engines.telescoping",
    "kfold": "criteria",
    "likelihood_ratio_test": "uncertainty",
    "load": "loading",
    "log_marginal_likelihood": "evidence",
    "loo": "criteria",
    "merge_components": "prediction",
    "MfmPosterior": "mfm",
    "Posterior": "posterior",
    "prior_sensitivity": "sensitivity",
    "relabel": "posterior",
    "report": "reporting",
    "select_model": "model_selection",
    "select_n_components": "selection",
    "StepwiseEM": "stepwise",
    "sequential_likelihood_ratio_tests": "uncertainty",
    "similarity_matrix": "partitions",
    "credible_ball": "partitions",
    "draw_allocations": "membership",
    "memberships": "membership",
    "partition": "partitions",
    "power_scaling": "sensitivity",
    "prior_beside_posterior": "sensitivity",
    "prior_predictive": "sensitivity",
    "waic": "criteria",
}


MODULES = ("information", "plots", "prediction", "predictive", "sklearn", "uncertainty")  # whose names are used with the module's


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return importlib.import_module(f"bayesgmm.{name}")
    if name not in _LOADED_ON_FIRST_USE:
        raise AttributeError(f"module 'bayesgmm' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bayesgmm.{_LOADED_ON_FIRST_USE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
