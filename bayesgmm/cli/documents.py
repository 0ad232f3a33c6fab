"""What a program reads: one JSON document a command, with all digits, and null for what is missing or not finite.

The keys are told in ``docs/guide/command_line.md``.
"""

import json
from collections.abc import Mapping
from typing import Any

import bayesgmm as bg
from bayesgmm.cli.output import echo
from bayesgmm.plain import plain


def write_document(command: str, content: Mapping[str, Any]) -> None:
    """Write the document of a command to standard output, in ASCII, which no pipe garbles."""
    whole = {"command": command, "version": bg.__version__, **content}
    echo(json.dumps(plain(whole), indent=2, allow_nan=False))


def of_data(source: str, observations: Any) -> dict[str, Any]:
    """What the data are."""
    return {"source": source, "n_observations": observations.n_observations, "features": observations.names}


def of_em(em: Any) -> dict[str, Any]:
    """An EM fit."""
    m, named = em.mixture, ("log_likelihood", "n_parameters", "aic", "bic", "icl", "n_iterations", "converged")
    return {
        "n_components": m.n_components,
        "covariance": em.specification.covariance,
        "status": em.status.name.lower(),
        "detail": em.detail,
        **{name: getattr(em, name) for name in named},
        "weights": m.weights,
        "means": m.means,
        "covariances": m.covariances,
    }


def of_diagnosis(diagnosis: Any) -> dict[str, Any]:
    """What may be believed of a posterior."""
    return {
        "believe": diagnosis.standing,
        "converged": diagnosis.converged,
        "components_trusted": diagnosis.components_trusted,
        "verdict": diagnosis.verdict,
    }


def of_posterior(posterior: Any, diagnosis: Any) -> dict[str, Any]:
    """The numbers of a posterior and how they were made; none of components that may not be claimed."""
    return {
        "posterior": {
            "n_components": posterior.n_components,
            "covariance": posterior.specification.covariance,
            "n_chains": posterior.n_chains,
            "n_draws": posterior.n_draws,
            "n_divergences": posterior.n_divergences,
            "parameters": diagnosis.relabelled if diagnosis.components_trusted else None,
            "label_free": diagnosis.label_free,
        },
        "settings": posterior.settings,
    }
